package crew

import (
	"context"
	"encoding/json"
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

// crowded are how many connectors two workers get: enough to see that nothing grows with their square, or what the figures are quoted for.
func crowded() int {
	if os.Getenv("SLUICE_SOAK") != "" {
		return 500
	}
	return 100
}

// What Java's workers take, on two cores that do nothing else.
const (
	javaPut    = 90 * time.Millisecond
	javaMemory = 732 << 20
)

func TestManyConnectorsStartAndMove(t *testing.T) {
	needsProcesses(t)
	c := startCrowd(t, crowded(), (*Crew).Sluice)
	assert.Less(t, c.puts, javaPut*time.Duration(c.count))
	assert.Less(t, c.list, 100*time.Millisecond)
	for _, w := range c.Workers {
		assert.Less(t, w.Usage().Resident, int64(javaMemory/5))
	}
	began := time.Now()
	c.Sluice()
	c.awaitAll()
	t.Logf("a third worker has its share of %d connectors after %v", crowded(), time.Since(began).Round(time.Millisecond))
}

// crowd is a cluster with many small connectors.
type crowd struct {
	*Crew
	count int
	puts  time.Duration // that all PUTs took
	list  time.Duration // that a list with everything takes at best
}

// startCrowd starts two workers and gives them connectors of one task each, with a file of one line. It logs what that took.
func startCrowd(t *testing.T, count int, worker func(*Crew) *ledger.Worker) *crowd {
	t.Helper()
	kafka, prefix := testbed.SharedKafka(t), testbed.Prefix(t)
	testbed.CreateTopic(t, kafka, prefix+"lines", 1, nil)
	file := filepath.Join(t.TempDir(), "line")
	require.NoError(t, os.WriteFile(file, []byte("one line\n"), 0o600))
	c := &crowd{Crew: NewCrew(t, kafka, prefix, atOnce), count: count}
	worker(c.Crew)
	worker(c.Crew)
	began := time.Now()
	for i := range count {
		c.Create(c.Workers[0], fmt.Sprintf("%sc%d", prefix, i), map[string]string{
			"connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "tasks.max": "1",
			"file": file, "topic": prefix + "lines",
		})
	}
	c.puts = time.Since(began)
	t.Logf("%d PUTs in %v", count, c.puts.Round(time.Millisecond))
	c.awaitAll()
	t.Logf("all RUNNING after %v", time.Since(began).Round(time.Millisecond))
	began = time.Now()
	_, err := c.statuses(t.Context())
	require.NoError(t, err)
	t.Logf("GET /connectors?expand=status in %v", time.Since(began).Round(time.Millisecond))
	c.list = time.Hour
	for range 5 {
		began = time.Now()
		c.Do(c.Workers[0], "GET", "/connectors?expand=status&expand=info", nil, 200)
		c.list = min(c.list, time.Since(began))
	}
	t.Logf("GET /connectors?expand=status&expand=info in %v", c.list.Round(100*time.Microsecond))
	for i, w := range c.Workers {
		t.Logf("worker %d: %d MiB resident, %v of processor", i, w.Usage().Resident>>20, w.Usage().CPU)
	}
	return c
}

// statuses asks one worker for everything.
func (c *crowd) statuses(ctx context.Context) (map[string]struct{ Status ledger.Status }, error) {
	a, err := c.Workers[0].Ask(ctx, "GET", "/connectors?expand=status", nil)
	if err != nil {
		return nil, err
	}
	all := map[string]struct{ Status ledger.Status }{}
	if a.Code != 200 {
		return nil, fmt.Errorf("%d: %s", a.Code, a.Body)
	}
	return all, json.Unmarshal([]byte(a.Body), &all)
}

// awaitAll waits until all connectors and tasks run, spread over all workers within one of each other.
func (c *crowd) awaitAll() {
	c.t.Helper()
	testbed.Await(c.t, 3*time.Minute, "all connectors to run", func(ctx context.Context) error {
		all, err := c.statuses(ctx)
		if err != nil {
			return err
		}
		if len(all) != c.count {
			return fmt.Errorf("%d connectors of %d", len(all), c.count)
		}
		loads := map[string]int{}
		for name, s := range all {
			if err := s.Status.Flowing(); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			for _, task := range s.Status.Tasks {
				loads[task.WorkerID]++
			}
		}
		if len(loads) != len(c.Workers) {
			return fmt.Errorf("work is on %v", loads)
		}
		return Balanced(loads)
	})
}
