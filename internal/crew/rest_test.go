package crew

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/ledger"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// promptly is how soon REST answers whatever else is the matter: the promise is a tenth of it, on a machine that does nothing else.
const promptly = time.Second

// line is the configuration of a source of one line.
func (c *Crew) line(t *testing.T) map[string]string {
	t.Helper()
	testbed.CreateTopic(t, c.kafka, c.prefix+"lines", 1, nil)
	file := filepath.Join(t.TempDir(), "line")
	require.NoError(t, os.WriteFile(file, []byte("one line\n"), 0o600))
	return map[string]string{
		"connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "tasks.max": "1", "file": file, "topic": c.prefix + "lines",
	}
}

// slowest asks a worker for everything that can be read and returns the longest time that took.
func (c *Crew) slowest(w *ledger.Worker, connector string) time.Duration {
	c.t.Helper()
	var longest time.Duration
	for _, path := range []string{
		"/", "/connectors", "/connectors?expand=status&expand=info", "/connectors/" + connector, "/connectors/" + connector + "/config",
		"/connectors/" + connector + "/status", "/connectors/" + connector + "/tasks", "/connectors/" + connector + "/tasks/0/status",
		"/connectors/" + connector + "/topics", "/connectors/" + connector + "/offsets", "/connector-plugins", "/health",
	} {
		began := time.Now()
		c.Do(w, "GET", path, nil, 200)
		longest = max(longest, time.Since(began))
	}
	return longest
}

func TestTwoHundredConnectorsAreCreatedInNoTime(t *testing.T) {
	needsProcesses(t)
	c := NewCrew(t, testbed.SharedKafka(t), testbed.Prefix(t))
	w := c.Sluice()
	config := c.line(t)
	const count = 200
	began := time.Now()
	for i := range count {
		c.Create(w, fmt.Sprintf("%sc%d", c.prefix, i), config)
	}
	took := time.Since(began)
	t.Logf("%d PUTs in %v", count, took.Round(time.Millisecond))
	assert.Less(t, took, javaPut*count)
	tasks := map[string]int{}
	for i := range count {
		tasks[fmt.Sprintf("%sc%d", c.prefix, i)] = 1
	}
	c.AwaitFlowing(time.Minute, tasks)
	t.Logf("all run after %v, with %v of processor", time.Since(began).Round(time.Millisecond), w.Usage().CPU)
}

func TestRESTAnswersWhileARebalanceRuns(t *testing.T) {
	needsProcesses(t)
	c := NewCrew(t, testbed.SharedKafka(t), testbed.Prefix(t), "session.timeout.ms=30000", "rebalance.timeout.ms=30000")
	leader := c.Sluice()
	config := c.line(t)
	c.Create(leader, c.prefix+"a", config)
	c.AwaitFlowing(30*time.Second, map[string]int{c.prefix + "a": 1})
	other := c.Sluice()
	c.AwaitFlowing(30*time.Second, map[string]int{c.prefix + "a": 1})
	c.leads(leader, 2)
	leader.AwaitFlowing(c.prefix + "a")
	other.Freeze()
	defer other.Thaw()
	c.Create(leader, c.prefix+"b", config) // the group divides anew, which waits for the frozen worker
	began := time.Now()
	var longest time.Duration
	for i := range 20 {
		longest = max(longest, c.slowest(leader, c.prefix+"a"))
		before := time.Now()
		c.Create(leader, fmt.Sprintf("%sc%d", c.prefix, i), config)
		longest = max(longest, time.Since(before))
		before = time.Now()
		c.Do(leader, "PUT", "/connectors/"+c.prefix+"a/pause", nil, 202)
		longest = max(longest, time.Since(before))
	}
	require.Less(t, time.Since(began), 15*time.Second, "the round may be over by now")
	t.Logf("the slowest answer took %v", longest)
	assert.Less(t, longest, promptly)
}

// leads waits until a worker leads a group of so many.
func (c *Crew) leads(w *ledger.Worker, members int) {
	c.t.Helper()
	testbed.Await(c.t, 30*time.Second, "the group to be settled", func(ctx context.Context) error {
		o, err := (&cluster{Crew: c}).overview(w)
		if err != nil {
			return err
		}
		if o.Leader != w.URL+"/" || len(o.Members) != members {
			return fmt.Errorf("%s leads %d members", o.Leader, len(o.Members))
		}
		return nil
	})
}
