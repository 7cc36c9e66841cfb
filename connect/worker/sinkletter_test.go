package worker

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// newLetterBed is a bed whose topic "t" has one partition and whose connector has its dead letters in "dead".
func newLetterBed(t *testing.T, script *sinkScript, more ...string) (*sinkScriptBed, *kfake.Cluster) {
	t.Helper()
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(testbed.FreePort(t)), kfake.SeedTopics(1, "t"),
		kfake.GroupMinSessionTimeout(100*time.Millisecond))
	require.NoError(t, err)
	t.Cleanup(kafka.Close)
	bed := newSinkScriptBed(t, kafka.ListenAddrs()[0], script)
	for key, value := range intoQueue(append([]string{"value.converter", scriptedConverterClass}, more...)...) {
		bed.config[key] = value
	}
	return bed, kafka
}

// letters reads n dead letters; there must not be more.
func (b *sinkScriptBed) letters(kafka *kfake.Cluster, n int) []*sarama.ConsumerMessage {
	b.t.Helper()
	all := testbed.Consume(b.t, b.direct, "dead", n, within)
	require.Len(b.t, all, n)
	require.EqualValues(b.t, n, kafka.PartitionInfo("dead", 0).HighWatermark)
	return all
}

func TestARecordThatASinkCannotConvertIsADeadLetterAsItWasConsumed(t *testing.T) {
	t.Parallel()
	book := &sinkScriptBook{}
	bed, kafka := newLetterBed(t, &sinkScript{put: func(_ context.Context, _ *sinkScriptTask, records []connect.SinkRecord) error {
		book.add(records)
		return nil
	}})
	bed.convert.fails(unfit("bad"))
	at := time.UnixMilli(1234567890123)
	testbed.ProduceTo(t, bed.direct,
		&sarama.ProducerMessage{Topic: "t", Value: sarama.StringEncoder("good")},
		&sarama.ProducerMessage{
			Topic: "t", Key: sarama.StringEncoder("k"), Value: sarama.StringEncoder("bad"), Timestamp: at,
			Headers: []sarama.RecordHeader{{Key: []byte("own"), Value: []byte{0xff}}, {Key: []byte("empty")}},
		},
		&sarama.ProducerMessage{Topic: "t", Value: sarama.StringEncoder("good too")})
	bed.run(sinkScriptID(0))
	bed.commits(connect.Offsets{sinkScriptAt(0): 3})
	assert.Equal(t, []int64{0, 2}, book.offsets()[sinkScriptAt(0)])
	letter := bed.letters(kafka, 1)[0]
	assert.Equal(t, "k", string(letter.Key))
	assert.Equal(t, "bad", string(letter.Value))
	assert.Equal(t, at, letter.Timestamp)
	assert.Equal(t, []string{
		"own=\xff", "empty=", "__connect.errors.topic=t", "__connect.errors.partition=0", "__connect.errors.offset=1",
		"__connect.errors.connector.name=s", "__connect.errors.task.id=0", "__connect.errors.stage=VALUE_CONVERTER",
		"__connect.errors.class.name=" + scriptedConverterClass,
		"__connect.errors.exception.class.name=org.apache.kafka.connect.errors.DataException",
		"__connect.errors.exception.message=bad does not fit",
		"__connect.errors.exception.stacktrace=org.apache.kafka.connect.errors.DataException: bad does not fit\n",
	}, headersOf(letter))
}

func TestNeitherDeadLettersNorTracesShowPasswords(t *testing.T) {
	bed, kafka := newLetterBed(t, &sinkScript{}, "errors.tolerance", "none", sinkScriptToken.Name(), "does not fit")
	bed.convert.fails(unfit("2"))
	bed.produce(0, 5)
	bed.run(sinkScriptID(0))
	bed.shows(sinkScriptID(0), Failed, "2 [hidden]")
	headers := headersOf(bed.letters(kafka, 1)[0])
	assert.Contains(t, headers, "__connect.errors.exception.message=2 [hidden]")
	assert.Contains(t, headers, "__connect.errors.exception.stacktrace=org.apache.kafka.connect.errors.DataException: 2 [hidden]\n")
}

func TestWithoutToleranceASinksRecordIsADeadLetterAndFailsTheTask(t *testing.T) {
	t.Parallel()
	bed, kafka := newLetterBed(t, &sinkScript{}, "errors.tolerance", "none")
	bed.convert.fails(unfit("2"))
	bed.produce(0, 5)
	bed.run(sinkScriptID(0))
	bed.shows(sinkScriptID(0), Failed, "VALUE_CONVERTER of the record at offset 2 of t-0")
	bed.letters(kafka, 1)
	bed.commitsAtMost(2)
}

func TestAnOffsetIsNotCommittedBeforeItsDeadLetterIsInKafka(t *testing.T) {
	t.Parallel()
	put := make(chan struct{}, 100)
	bed, kafka := newLetterBed(t, &sinkScript{put: func(context.Context, *sinkScriptTask, []connect.SinkRecord) error {
		put <- struct{}{}
		return nil
	}})
	bed.convert.fails(unfit("2"))
	bed.produce(0, 5)
	held, gate := make(chan struct{}), make(chan struct{})
	kafka.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		close(held)
		kafka.SleepControl(func() { <-gate })
		return nil, nil, false
	})
	bed.run(sinkScriptID(0))
	<-put
	<-held
	bed.shows(sinkScriptID(0), Running, "retrying: dead letters for topic dead wait: ", "no acknowledgement of dead letters from Kafka")
	bed.commitsAtMost(2) // many flushes have passed
	close(gate)
	bed.commits(connect.Offsets{sinkScriptAt(0): 5})
	bed.shows(sinkScriptID(0), Running)
	bed.letters(kafka, 1)
}

func TestDeadLettersAreSentAgainWhenTheProducerIsLost(t *testing.T) {
	t.Parallel()
	bed, kafka := newLetterBed(t, &sinkScript{})
	bed.convert.fails(func(text string) error { return fmt.Errorf("%w: %s", connect.ErrData, text) })
	lost := kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.UnknownProducerID, When: producesTo("dead")})
	bed.produce(0, 3000)
	bed.run(sinkScriptID(0))
	bed.commits(connect.Offsets{sinkScriptAt(0): 3000})
	require.Equal(t, 1, lost.Hits())
	last := -1
	for _, m := range bed.letters(kafka, 3000) {
		n := 0
		_, err := fmt.Sscan(string(m.Value), &n)
		require.NoError(t, err)
		require.Equal(t, last+1, n)
		last = n
	}
}

func TestAQueueThatDoesNotTakeALetterFailsItsSinkWithTheTopicAndTheKey(t *testing.T) {
	t.Parallel()
	bed, kafka := newLetterBed(t, &sinkScript{})
	kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.MessageTooLarge, Count: -1, When: producesTo("dead")})
	bed.convert.fails(unfit("2"))
	bed.produce(0, 5)
	bed.run(sinkScriptID(0))
	bed.shows(sinkScriptID(0), Failed, "topic dead (errors.deadletterqueue.topic.name) does not take the dead letter of the record at offset 2 of t-0",
		"check max.message.bytes of the topic")
	bed.commitsAtMost(2)
	assert.EqualValues(t, 1, errorCounts(t, bed.worker)["deadletterqueue_produce_failures"])
}

func TestAStopWhileDeadLettersWaitEndsInTimeAndTheyComeAgain(t *testing.T) {
	t.Parallel()
	bed, kafka := newLetterBed(t, &sinkScript{})
	bed.convert.fails(unfit("2"))
	bed.produce(0, 5)
	held, gate := make(chan struct{}), make(chan struct{})
	kafka.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		close(held)
		kafka.SleepControl(func() { <-gate })
		return nil, context.Canceled, true
	})
	bed.run(sinkScriptID(0))
	<-held
	bed.stop()
	close(gate)
	bed.commitsAtMost(2)
	bed.run(sinkScriptID(0))
	bed.commits(connect.Offsets{sinkScriptAt(0): 5})
	bed.letters(kafka, 1)
}

func TestWhatASinkReportsIsSafeWhenReportReturns(t *testing.T) {
	t.Parallel()
	returned := make(chan int64, 1)
	var kafka *kfake.Cluster
	bed, kafka := newLetterBed(t, &sinkScript{put: func(ctx context.Context, task *sinkScriptTask, records []connect.SinkRecord) error {
		for i := range records {
			if records[i].Value.Str() == "2" {
				err := task.rt.Report(ctx, &records[i], errSinkScript)
				if err != nil {
					return err
				}
				returned <- kafka.PartitionInfo("dead", 0).HighWatermark
			}
		}
		return nil
	}})
	bed.produce(0, 5)
	bed.run(sinkScriptID(0))
	require.EqualValues(t, 1, <-returned)
	bed.commits(connect.Offsets{sinkScriptAt(0): 5})
	letter := bed.letters(kafka, 1)[0]
	assert.Equal(t, "2", string(letter.Value))
	headers := headersOf(letter)
	assert.Contains(t, headers, "__connect.errors.stage=TASK_PUT")
	assert.Contains(t, headers, "__connect.errors.class.name=org.apache.kafka.connect.sink.SinkTask")
	assert.Contains(t, headers, "__connect.errors.exception.message="+errSinkScript.Error())
	counts := errorCounts(t, bed.worker)
	assert.EqualValues(t, 1, counts["total_record_failures"])
	assert.Zero(t, counts["total_records_skipped"], "Java does not count those that are reported")
}

func TestWhatASinkReportsFailsTheTaskWithoutTolerance(t *testing.T) {
	t.Parallel()
	bed, kafka := newLetterBed(t, &sinkScript{put: func(ctx context.Context, task *sinkScriptTask, records []connect.SinkRecord) error {
		return task.rt.Report(ctx, &records[0], errSinkScript)
	}}, "errors.tolerance", "none")
	bed.produce(0, 1)
	bed.run(sinkScriptID(0))
	bed.shows(sinkScriptID(0), Failed, "TASK_PUT of the record at offset 0 of t-0", errSinkScript.Error())
	bed.letters(kafka, 1)
}

func TestARecordThatATaskMadeItselfIsReportedAsTheConvertersWriteIt(t *testing.T) {
	t.Parallel()
	done := make(chan error, 1)
	bed, kafka := newLetterBed(t, &sinkScript{put: func(ctx context.Context, task *sinkScriptTask, records []connect.SinkRecord) error {
		made := connect.SinkRecord{Consumed: records[0].Consumed, Offset: records[0].Offset}
		made.Topic = "elsewhere"
		made.SetKey("key")
		made.SetString("made")
		made.Header("n", connect.Int32Schema, connect.Int32(7))
		done <- task.rt.Report(ctx, &made, errSinkScript)
		return nil
	}})
	bed.produce(0, 1)
	bed.run(sinkScriptID(0))
	require.NoError(t, <-done)
	letter := bed.letters(kafka, 1)[0]
	assert.Equal(t, "key made", string(letter.Key)+" "+string(letter.Value))
	assert.Equal(t, "n=7", headersOf(letter)[0])
}

func TestTheRecordsThatASinkRefusesOfABatchAreDeadLetters(t *testing.T) {
	t.Parallel()
	bed, kafka := newLetterBed(t, &sinkScript{put: func(_ context.Context, _ *sinkScriptTask, records []connect.SinkRecord) error {
		refused := &connect.BatchError{Failed: map[int]error{}}
		for i := range records {
			if records[i].Offset%2 == 1 {
				refused.Failed[i] = errSinkScript
			}
		}
		return refused
	}})
	bed.produce(0, 6)
	bed.run(sinkScriptID(0))
	bed.commits(connect.Offsets{sinkScriptAt(0): 6})
	for i, m := range bed.letters(kafka, 3) {
		assert.Equal(t, fmt.Sprint(2*i+1), string(m.Value))
	}
}

func TestAConverterOfASinkIsRetriedAndRebalancesAreAnswered(t *testing.T) {
	t.Parallel()
	ready := make(chan struct{})
	book := &sinkScriptBook{}
	bed := newSinkScriptBed(t, testbed.Embedded(t), &sinkScript{put: func(_ context.Context, _ *sinkScriptTask, records []connect.SinkRecord) error {
		book.add(records)
		return nil
	}})
	testbed.CreateTopic(t, bed.direct, "t", 2, nil)
	bed.config["value.converter"], bed.config["errors.retry.timeout"] = scriptedConverterClass, "-1"
	bed.convert.fails(unfitUntil(ready, "2"))
	bed.produce(0, 5)
	bed.run(sinkScriptID(0))
	bed.shows(sinkScriptID(0), Running, "retrying: the registry is down")
	bed.run(sinkScriptID(0), sinkScriptID(1))
	bed.hasMembers(2)
	bed.commitsAtMost(2)
	close(ready)
	bed.commits(connect.Offsets{sinkScriptAt(0): 5})
	bed.shows(sinkScriptID(0), Running)
	require.Equal(t, sinkScriptRange(0, 5), book.offsets()[sinkScriptAt(0)], "nothing is lost or doubled")
}

func TestAStopDuringARetryOfASinkLeavesTheWholeBatch(t *testing.T) {
	t.Parallel()
	ready := make(chan struct{})
	bed, kafka := newLetterBed(t, &sinkScript{}, "errors.retry.timeout", "-1")
	bed.convert.fails(func(text string) error {
		if text == "1" {
			return errors.New("unfit")
		}
		return unfitUntil(ready, "2")(text)
	})
	bed.produce(0, 5)
	bed.run(sinkScriptID(0))
	bed.shows(sinkScriptID(0), Running, "retrying: the registry is down")
	bed.stop()
	bed.commitsAtMost(2)
	close(ready)
	bed.run(sinkScriptID(0))
	bed.commits(connect.Offsets{sinkScriptAt(0): 5})
	bed.letters(kafka, 1)
}
