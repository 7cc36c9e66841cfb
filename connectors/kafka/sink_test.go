package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/connecttest"
	"github.com/sluice-connect/sluice/internal/testbed"
)

func writing(addr string, more ...string) connect.Config {
	cfg := connect.Config{"target.bootstrap.servers": addr}
	for i := 0; i+1 < len(more); i += 2 {
		cfg[more[i]] = more[i+1]
	}
	return cfg
}

func record(topic string, partition int32, value string) (r connect.SinkRecord) {
	r.Topic, r.Partition, r.Timestamp = topic, partition, connect.NoTimestamp
	r.SetBytes([]byte(value))
	return r
}

func consumed(messages []*sarama.ConsumerMessage) (values []string) {
	for _, m := range messages {
		values = append(values, string(m.Value))
	}
	return values
}

func TestARecordArrivesAsItIs(t *testing.T) {
	addr := testbed.Embedded(t)
	testbed.CreateTopic(t, addr, "copy.readings", 3, nil)
	sink := connecttest.StartSink(t, Sink{}, writing(addr, "topic.format", "copy.${topic}", "partitions.preserve", "true"))
	r := record("readings", 2, "v")
	r.Timestamp = 1_700_000_000_123
	r.SetKey("k")
	r.Header("h", connect.BytesSchema, connect.Bytes([]byte("1")))
	tombstone := record("readings", 2, "")
	tombstone.SetBytes(nil)
	tombstone.SetKey("gone")
	sink.Put(r, tombstone)
	assert.Equal(t, connect.Offsets{{Topic: "readings", Partition: 2}: 2}, sink.Commit())

	got := testbed.Consume(t, addr, "copy.readings", 2, 10*time.Second)
	require.Len(t, got, 2)
	assert.Equal(t, int32(2), got[0].Partition)
	assert.Equal(t, int64(1_700_000_000_123), got[0].Timestamp.UnixMilli())
	assert.Equal(t, "k=v", string(got[0].Key)+"="+string(got[0].Value))
	require.Len(t, got[0].Headers, 1)
	assert.Equal(t, "h=1", string(got[0].Headers[0].Key)+"="+string(got[0].Headers[0].Value))
	assert.Nil(t, got[1].Value)
}

func TestManyBatchesArriveInOrder(t *testing.T) {
	const count = 5000
	addr := testbed.Embedded(t, "readings")
	sink := connecttest.StartSink(t, Sink{}, writing(addr), connecttest.BatchSize(97))
	var records []connect.SinkRecord
	for i := range count {
		records = append(records, record("readings", 0, fmt.Sprint(i)))
	}
	sink.Put(records[:count/2]...)
	sink.Commit()
	sink.Put(records[count/2:]...)
	assert.Equal(t, connect.Offsets{{Topic: "readings"}: count}, sink.Commit())
	for i, m := range testbed.Consume(t, addr, "readings", count, 20*time.Second) {
		require.Equal(t, fmt.Sprint(i), string(m.Value))
	}
}

func TestATargetOutOfReachIsWaitedForAndNothingIsLost(t *testing.T) {
	addr := testbed.Embedded(t, "readings")
	proxy := testbed.StartProxy(t, addr)
	proxy.Refuse()
	sink := connecttest.StartSink(t, Sink{}, writing(proxy.Addr()))
	assert.ErrorContains(t, sink.AwaitWaiting(), "cannot be reached (connection refused)")
	proxy.Accept()
	sink.Put(record("readings", 0, "a"))
	assert.Equal(t, connect.Offsets{{Topic: "readings"}: 1}, sink.Commit())
	assert.Equal(t, []string{"a"}, consumed(testbed.Consume(t, addr, "readings", 1, 10*time.Second)))
}

func TestNothingIsWrittenWhileTheTaskIsSuspended(t *testing.T) {
	addr := testbed.Embedded(t, "readings")
	partition := connect.TopicPartition{Topic: "readings"}
	sink := connecttest.StartSink(t, Sink{}, writing(addr, "target.linger.ms", "2000"))
	sink.Put(record("readings", 0, "a"))
	sink.Suspend()
	sink.AwaitHeldBack() // the producer, with what it has gathered
	assert.Empty(t, sink.Commit())
	sink.Resume()
	testbed.Await(t, 10*time.Second, "the record to be committed", func(context.Context) error {
		if at := sink.Commit()[partition]; at != 1 {
			return fmt.Errorf("%d are", at)
		}
		return nil
	})
	written := testbed.Consume(t, addr, "readings", 1, 10*time.Second)
	assert.Equal(t, []string{"a"}, consumed(written))

	sink.Put(record("readings", 0, "b"))
	sink.Suspend()
	sink.AwaitHeldBack()
	sink.Revoke(partition)
	sink.Resume()
	testbed.Produce(t, addr, &sarama.ProducerMessage{Topic: "readings", Value: sarama.StringEncoder("other task's b")})
	sink.Assign(partition) // it comes back, from what was committed
	sink.AwaitTaken()
	sink.Commit()
	assert.Equal(t, []string{"a", "other task's b", "b"}, consumed(testbed.Consume(t, addr, "readings", 3, 10*time.Second)),
		"what was held back when the partition was revoked is not sent after it")
}

func TestARecordThatTheTargetRefusesIsReportedAndTheOthersGoOn(t *testing.T) {
	addr := testbed.Embedded(t, "readings")
	cfg := writing(addr, "errors.tolerance", "all", "target.max.request.size", "1000")
	sink := connecttest.StartSink(t, Sink{}, cfg)
	sink.Put(record("readings", 0, "a"), record("readings", 0, strings.Repeat("x", 5000)), record("readings", 0, "b"))
	assert.Equal(t, connect.Offsets{{Topic: "readings"}: 3}, sink.Commit())
	require.Len(t, sink.Reports(), 1)
	assert.Equal(t, int64(1), sink.Reports()[0].Record.Offset)
	assert.Equal(t, []string{"a", "b"}, consumed(testbed.Consume(t, addr, "readings", 2, 10*time.Second)))
}

func TestARecordThatTheTargetRefusesFailsTheTaskWithoutTolerance(t *testing.T) {
	addr := testbed.Embedded(t, "readings")
	sink := connecttest.StartSink(t, Sink{}, writing(addr, "target.max.request.size", "1000"))
	sink.Send(record("readings", 0, strings.Repeat("x", 5000)))
	assert.ErrorContains(t, sink.AwaitFailed(), "a record was refused")
	assert.Empty(t, sink.Committed())
}

func TestAValueThatIsNotBytesIsRefusedWithTheFix(t *testing.T) {
	addr := testbed.Embedded(t, "readings")
	sink := connecttest.StartSink(t, Sink{}, writing(addr, "errors.tolerance", "all"))
	number := record("readings", 0, "")
	number.Value, number.ValueSchema = connect.Int64(1), connect.Int64Schema
	sink.Put(record("readings", 0, "a"), number, record("readings", 0, "b"))
	assert.Equal(t, connect.Offsets{{Topic: "readings"}: 3}, sink.Commit())
	require.Len(t, sink.Reports(), 1)
	assert.ErrorContains(t, sink.Reports()[0].Cause, "set key.converter and value.converter to org.apache.kafka.connect.converters.ByteArrayConverter")
	assert.Equal(t, []string{"a", "b"}, consumed(testbed.Consume(t, addr, "readings", 2, 10*time.Second)))
}

func TestABrokenSessionIsReadAgainFromTheLastCommit(t *testing.T) {
	addr := testbed.Embedded(t, "readings")
	made := &kept{}
	sink := connecttest.StartSink(t, made, writing(addr))
	sink.Put(record("readings", 0, "a"))
	sink.Commit()
	made.task.session.fail(errors.New("broken pipe"))
	sink.Put(record("readings", 0, "b"))
	_, err := sink.TryCommit()
	require.ErrorContains(t, err, "broken pipe")
	sink.AwaitTaken()
	assert.Equal(t, connect.Offsets{{Topic: "readings"}: 2}, sink.Commit())
	assert.Equal(t, []string{"a", "b"}, consumed(testbed.Consume(t, addr, "readings", 2, 10*time.Second)))
}

func TestAComplaintOfTheProducerIsTakenBackWhenRecordsComeThrough(t *testing.T) {
	addr := testbed.Embedded(t, "readings")
	made := &kept{}
	sink := connecttest.StartSink(t, made, writing(addr))
	sink.Put(record("readings", 0, "a"))
	sink.Commit()
	made.task.waiting(errors.New("a batch is put off"), time.Time{})
	assert.ErrorContains(t, sink.AwaitWaiting(), "a batch is put off")
	sink.Put(record("readings", 0, "b"))
	sink.AwaitHealthy()
}

func TestThePrefixEndsAtTheFirstRecordThatHasNotLanded(t *testing.T) {
	f := newFlights()
	s := f.slab(4)
	tp := connect.TopicPartition{Topic: "t"}
	for i := range s.flights {
		s.flights[i] = flight{slab: s, record: &connect.SinkRecord{Consumed: tp, Offset: int64(10 + i)}}
	}
	f.launch(s)
	assert.Empty(t, f.safe())
	f.land([]*flight{&s.flights[1], &s.flights[3]})
	assert.Empty(t, f.safe())
	f.land([]*flight{&s.flights[0]})
	assert.Equal(t, connect.Offsets{tp: 12}, f.safe())
	s.flights[2].refused = errors.New("too large")
	f.land([]*flight{&s.flights[2]})
	assert.Equal(t, connect.Offsets{tp: 12}, f.safe(), "a refused record holds the prefix until it is reported")
	assert.True(t, f.down())
	for _, fl := range f.takeRefused() {
		f.reported(fl)
	}
	assert.Equal(t, connect.Offsets{tp: 14}, f.safe())
	assert.Len(t, f.free, 1, "the slab is free again")
}

// kept is the sink whose task the test can reach.
type kept struct {
	Sink
	task *sinkTask
}

func (k *kept) Open(ctx context.Context, rt connect.SinkContext) (connect.SinkTask, error) {
	task, err := k.Sink.Open(ctx, rt)
	if err == nil {
		k.task = task.(*sinkTask)
	}
	return task, err
}
