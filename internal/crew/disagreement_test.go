package crew

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect/herder"
	"github.com/sluice-connect/sluice/internal/ledger"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// otherTopics are the keys whose topics no group protocol tells.
var otherTopics = []string{"offset.storage.topic", "status.storage.topic"}

// refused waits for the end of a worker that has another topic than an elder one, and holds that it says what is wrong and what to do.
func refused(t *testing.T, stray *testbed.Process, key, value, elder, eldersValue string) {
	t.Helper()
	assert.Equal(t, 2, stray.Wait(30*time.Second))
	assert.Contains(t, stray.Log(), fmt.Sprintf("%s: it is %s at this worker and %s at the group's worker at %s/", key, value, eldersValue, elder))
	assert.Contains(t, stray.Log(), "with the "+key+" of the other, or with another group.id")
}

func TestAWorkerWithOtherTopicsThanItsGroupIsRefused(t *testing.T) {
	needsProcesses(t)
	kafka, prefix := testbed.SharedKafka(t), testbed.Prefix(t)
	c := &cluster{Crew: NewCrew(t, kafka, prefix, atOnce), flow: NewFlow(t, kafka, prefix, 1, 1), tasks: map[string]int{prefix + "s0": 1}}
	c.Create(c.Sluice(), prefix+"s0", c.flow.Source("s0"))
	c.AwaitFlowing(30*time.Second, c.tasks)
	before := c.generation()
	for _, key := range otherTopics {
		stray := ledger.LaunchWorker(t, ledger.WorkerProperties(kafka, prefix, testbed.FreePort(t), key+"="+prefix+"mine"))
		name, _, _ := strings.Cut(key, ".")
		refused(t, stray, key, prefix+"mine", c.Workers[0].URL, prefix+map[string]string{"offset": "offsets", "status": "status"}[name])
	}
	assert.Equal(t, before, c.generation(), "nobody is disturbed")
	c.AwaitFlowing(10*time.Second, c.tasks)
	assert.Zero(t, c.flow.Settle(false).Duplicates)
}

// The question goes by https, with a certificate, and signed, for a worker has no login.
func TestAWorkerWithOtherTopicsIsRefusedWhereRESTIsLocked(t *testing.T) {
	needsProcesses(t)
	d := newDoor(t)
	c := NewCrew(t, testbed.SharedKafka(t), testbed.Prefix(t), atOnce, sessionLine())
	first := d.sluice(c, d.own.PEM, d.own.Trusted)
	testbed.Await(t, 20*time.Second, "the cluster's key", func(context.Context) error { return d.keyed(c) })
	path := d.properties(c, testbed.FreePort(t), d.own.PEM, d.own.Trusted, "offset.storage.topic="+c.prefix+"mine")
	stray := testbed.Launch(t, testbed.Command{
		Name: "sluice worker", Path: testbed.SluiceBinary(t), Args: []string{"worker", path},
		Env: []string{"KAFKA_OPTS=-Djava.security.auth.login.config=" + d.jaas},
	})
	refused(t, stray, "offset.storage.topic", c.prefix+"mine", first.URL, c.prefix+"offsets")
}

// keyed is content when the leader has written the key that workers sign with.
func (d *door) keyed(c *Crew) error {
	for _, m := range testbed.ConsumeAll(d.t, c.kafka, c.prefix+"configs") {
		if string(m.Key) == "session-key" {
			return nil
		}
	}
	return errors.New("there is none")
}

// Whoever comes first stays, and the other goes: whether it sees the first before it joins, or meets it in the round.
func TestOfTwoWorkersWithOtherTopicsThatStartTogetherOneStays(t *testing.T) {
	needsProcesses(t)
	kafka, prefix := testbed.SharedKafka(t), testbed.Prefix(t)
	names := [2]string{prefix + "offsets-a", prefix + "offsets-b"}
	var both [2]*testbed.Process
	var rest [2]ledger.REST
	for i := range both {
		port := testbed.FreePort(t)
		rest[i].URL = fmt.Sprintf("http://127.0.0.1:%d", port)
		both[i] = ledger.LaunchWorker(t, ledger.WorkerProperties(kafka, prefix, port, atOnce, "offset.storage.topic="+names[i]))
	}
	gone := 0
	testbed.Await(t, 30*time.Second, "one of them to go", func(context.Context) error {
		for i, p := range both {
			if !p.Running() {
				gone = i
				return nil
			}
		}
		return errors.New("both are there")
	})
	stays := 1 - gone
	refused(t, both[gone], "offset.storage.topic", names[gone], rest[stays].URL, names[stays])
	awaitReadiness(t, &ledger.Worker{Process: both[stays], REST: rest[stays]}, 200, `"ready":true`)
}

// It cannot ask the elder one, so that it is let in and gets work; that one knows, and tells.
func TestAWorkerThatLearnsOfOtherTopicsInItsGroupGivesWay(t *testing.T) {
	needsProcesses(t)
	kafka, prefix, port := testbed.SharedKafka(t), testbed.Prefix(t), testbed.FreePort(t)
	const values = "value.converter=org.apache.kafka.connect.storage.StringConverter"
	way := testbed.StartProxy(t, fmt.Sprintf("127.0.0.1:%d", port))
	_, advertised, _ := strings.Cut(way.Addr(), ":")
	elder := ledger.RunWorker(t, port, ledger.File(t, "worker.properties", ledger.WorkerProperties(kafka, prefix, port, atOnce, values,
		"rest.advertised.host.name=127.0.0.1", "rest.advertised.port="+advertised)))
	elder.URL = "http://" + way.Addr()
	c := NewCrew(t, kafka, prefix)
	c.Workers = []*ledger.Worker{elder}
	tasks := map[string]int{}
	for i := range 2 {
		name := fmt.Sprintf("%ss%d", prefix, i)
		c.Create(elder, name, map[string]string{
			"connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "topic": name, "file": ledger.File(t, "lines", "a line\n"),
		})
		tasks[name] = 1
	}
	c.AwaitFlowing(30*time.Second, tasks)

	way.Refuse()
	stray := ledger.StartWorker(t, kafka, prefix, atOnce, values, "offset.storage.topic="+prefix+"mine")
	elder.URL = fmt.Sprintf("http://127.0.0.1:%d", port)
	want := herder.Disagreement{
		Key: "offset.storage.topic", Worker: stray.URL + "/", Value: prefix + "mine", Elder: "http://" + way.Addr() + "/", ElderValue: prefix + "offsets",
	}
	testbed.Await(t, 20*time.Second, "the leader to tell", func(ctx context.Context) error {
		var info herder.ClusterInfo
		a, err := elder.Ask(ctx, "GET", "/sluice/v1/cluster", nil)
		if err == nil {
			err = json.Unmarshal([]byte(a.Body), &info)
		}
		if err == nil && (len(info.Disagreements) != 1 || info.Disagreements[0] != want) {
			err = errors.New(a.Body)
		}
		return err
	})
	page, err := exec.CommandContext(t.Context(), testbed.SluiceBinary(t), "cluster", "--server", elder.URL).CombinedOutput()
	require.NoError(t, err, string(page))
	assert.Contains(t, string(page), fmt.Sprintf("disagree    %s/ has offset.storage.topic=%smine, http://%s/ has %soffsets", stray.URL, prefix, way.Addr(), prefix))
	assert.Contains(t, elder.Log(), "two workers of this group keep its memory in different topics")
	awaitReadiness(t, elder, 200, `"ready":true`)
	require.True(t, stray.Running())

	way.Accept()
	refused(t, stray.Process, "offset.storage.topic", prefix+"mine", "http://"+way.Addr(), prefix+"offsets")
	assert.Regexp(t, `(?i)error.*two workers of this group keep its memory in different topics`, stray.Log())
	elder.URL = "http://" + way.Addr()
	c.AwaitFlowing(30*time.Second, tasks)
}
