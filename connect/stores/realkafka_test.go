package stores

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// readAll reads a topic from its beginning and returns how many records there were.
func readAll(t *testing.T, k Kafka, topic Topic) int {
	t.Helper()
	count := 0
	log := NewLog(k, topic, func(Entry) { count++ })
	require.NoError(t, log.Start(inTime(t)))
	require.NoError(t, log.Close(inTime(t)))
	return count
}

func TestACompactedTopicOfTransactionsIsReadToItsEnd(t *testing.T) {
	const commits = 300
	broker := testbed.StartKafka(t, testbed.WithProperties("log.cleaner.backoff.ms=100"))
	k := kafkaAt(broker.Addr())
	topic := OffsetTopic("offsets", 1, 1, map[string]string{
		"segment.ms": "100", "min.cleanable.dirty.ratio": "0.01", "delete.retention.ms": "0"})
	k.Config.Consumer.IsolationLevel = sarama.ReadCommitted
	s := NewOffsetStore(k, topic)
	start(t, s)
	writer := transactionalProducer(t, k)
	commit := func(position int64) {
		records, err := s.Encode(nil, "c", partition("file", fmt.Sprint("f", position%3)), connect.At("position", position))
		require.NoError(t, err)
		require.NoError(t, writer.async.BeginTxn())
		_, err = writer.send(inTime(t), "offsets", records)
		require.NoError(t, err)
		require.NoError(t, writer.async.CommitTxn())
	}
	for n := range int64(commits) {
		commit(n)
	}
	testbed.Await(t, patience, "the broker to compact", func(context.Context) error {
		commit(commits) // closes the segments before it
		if n := readAll(t, k, topic); n > commits/2 {
			return fmt.Errorf("there are %d records", n)
		}
		return nil
	})
	again := NewOffsetStore(k, topic)
	start(t, again)
	found, err := again.Get(inTime(t), "c", []*connect.Partition{partition("file", "f0"), partition("file", "f1")})
	require.NoError(t, err)
	assert.Equal(t, int64(commits), found[0].Int64())
	assert.Equal(t, int64(commits-2), found[1].Int64())
}

func TestStoresOutliveAKilledBroker(t *testing.T) {
	broker := testbed.StartKafka(t)
	k := kafkaAt(broker.Addr())
	configs := startedConfigs(t, k, ConfigTopic("configs", 1, nil), nil)
	statuses := NewStatusStore(k, StatusTopic("statuses", 5, 1, nil))
	start(t, statuses)
	require.NoError(t, configs.PutConnector(inTime(t), "x", connect.Config{"name": "x"}, nil))
	offsets := NewOffsetStore(k, OffsetTopic("offsets", 1, 1, nil))
	start(t, offsets)
	put(t, offsets, "x", partition("file", "a"), connect.At("position", 1))

	broker.Kill()
	testbed.Await(t, patience, "the stores to notice", func(context.Context) error {
		if configs.Outage().Cause == nil || statuses.Outage().Cause == nil {
			return errors.New("one does not say that it waits")
		}
		return nil
	})
	assert.Equal(t, []string{"x"}, configs.Snapshot().Connectors(), "what was read stays readable")
	statuses.Put(ConnectorInstance("x"), Status{State: StateRunning, WorkerID: "w", Generation: 1})
	stored := make(chan time.Time, 1)
	go func() { stored <- putUntilStored(inTime(t), offsets) }()
	broker.Restart()
	back := time.Now()

	late := (<-stored).Sub(back)
	t.Logf("an offset was stored %v after the broker had come back", late)
	assert.Less(t, late, soonWritten)
	require.NoError(t, statuses.Flush(inTime(t)))
	late = time.Since(back)
	t.Logf("a status was stored at most %v after the broker had come back", late)
	assert.Less(t, late, lastPause+soonWritten)
	require.NoError(t, statuses.Refresh(inTime(t)))
	status, _ := statuses.Get(ConnectorInstance("x"))
	assert.Equal(t, StateRunning, status.State)
	require.NoError(t, configs.PutConnector(inTime(t), "y", connect.Config{"name": "y"}, nil))
	assert.Equal(t, []string{"x", "y"}, configs.Snapshot().Connectors())
	testbed.Await(t, patience, "the stores to recover", func(context.Context) error {
		return errors.Join(configs.Outage().Cause, statuses.Outage().Cause)
	})
}

// putUntilStored stores an offset as tasks do, again and again until it is stored, and tells when that was.
func putUntilStored(ctx context.Context, s OffsetStore) time.Time {
	for attempt := 0; ; attempt++ {
		records, err := s.Encode(nil, "x", partition("file", "a"), connect.At("position", int64(attempt)))
		flush, cancel := context.WithTimeout(ctx, 5*time.Second)
		if err == nil {
			err = s.Put(flush, records)
		}
		cancel()
		if err == nil || pauseFor(ctx, 100*time.Millisecond) != nil {
			return time.Now()
		}
	}
}
