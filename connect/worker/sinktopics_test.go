package worker

import (
	"context"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// topics are those that records came from, with how many.
func (b *sinkScriptBook) topics() map[string]int {
	out := map[string]int{}
	for tp, offsets := range b.offsets() {
		out[tp.Topic] += len(offsets)
	}
	return out
}

// fill creates a topic with 3 records.
func (b *sinkScriptBed) fill(topic string) {
	b.t.Helper()
	testbed.CreateTopic(b.t, b.direct, topic, 1, nil)
	testbed.ProduceTo(b.t, b.direct, testbed.Values(topic, 3)...)
}

func TestAPatternOfTopicsFindsThoseThatAppearLaterAndNoInternalOnes(t *testing.T) {
	t.Parallel()
	book := &sinkScriptBook{}
	bed := newSinkScriptBed(t, testbed.Embedded(t), sinkScriptKeeping(book))
	delete(bed.config, "topics")
	bed.config["topics.regex"] = "(a|__).*"
	bed.config["consumer.override.metadata.max.age.ms"] = "1000"
	bed.fill("__consumer_offsets")
	bed.fill("a1")
	bed.fill("ba")
	bed.run(sinkScriptID(0))
	bed.within("the records of a1", func() bool { return book.topics()["a1"] == 3 })
	bed.fill("a2")
	bed.within("the records of a2", func() bool { return book.topics()["a2"] == 3 })
	bed.commits(connect.Offsets{{Topic: "a1"}: 3, {Topic: "a2"}: 3})
	bed.stop()
	require.Equal(t, map[string]int{"a1": 3, "a2": 3}, book.topics(), "each record once, and only of topics that match whole")
}

func TestAPatternThatMatchesNoTopicSaysSoAndWaitsForOne(t *testing.T) {
	t.Parallel()
	book := &sinkScriptBook{}
	bed := newSinkScriptBed(t, testbed.Embedded(t), sinkScriptKeeping(book))
	delete(bed.config, "topics")
	bed.config["topics.regex"] = "a.*"
	bed.config["consumer.override.metadata.max.age.ms"] = "1000"
	bed.run(sinkScriptID(0))
	bed.shows(sinkScriptID(0), Running, "retrying: ", "no topic matches topics.regex=a.*")
	bed.fill("a1")
	bed.within("the records of a1", func() bool { return book.topics()["a1"] == 3 })
	bed.shows(sinkScriptID(0), Running)
	bed.stop()
}

func TestATopicThatIsMissingIsWaitedFor(t *testing.T) {
	t.Parallel()
	book := &sinkScriptBook{}
	bed := newSinkScriptBed(t, testbed.Embedded(t), sinkScriptKeeping(book))
	bed.config["topics"] = "t,late"
	bed.config["consumer.override.metadata.max.age.ms"] = "1000"
	bed.config["consumer.override.allow.auto.create.topics"] = "false"
	bed.run(sinkScriptID(0))
	bed.shows(sinkScriptID(0), Running, "retrying: ")
	bed.fill("t")
	bed.within("the records of t", func() bool { return book.topics()["t"] == 3 })
	bed.shows(sinkScriptID(0), Running)
	bed.fill("late")
	bed.within("the records of the topic that came late", func() bool { return book.topics()["late"] == 3 })
	bed.stop()
	require.Equal(t, map[string]int{"t": 3, "late": 3}, book.topics())
}

func TestARecordThatCannotBeConverted(t *testing.T) {
	t.Parallel()
	mixed := func(bed *sinkScriptBed) {
		testbed.CreateTopic(t, bed.direct, "t", 2, nil)
		bed.config["value.converter"] = "org.apache.kafka.connect.json.JsonConverter"
		bed.config["value.converter.schemas.enable"] = "false"
		var all []*sarama.ProducerMessage
		for _, text := range []string{`1`, `2`, `{`, `4`} {
			all = append(all, &sarama.ProducerMessage{Topic: "t", Partition: 1, Value: sarama.StringEncoder(text)})
		}
		testbed.ProduceTo(bed.t, bed.direct, all...)
	}
	t.Run("fails the task, which names it, with errors.tolerance=none", func(t *testing.T) {
		bed := newSinkScriptBed(t, testbed.Embedded(t), sinkScriptKeeping(&sinkScriptBook{}))
		mixed(bed)
		bed.run(sinkScriptID(0))
		bed.shows(sinkScriptID(0), Failed, "tolerance exceeded", "VALUE_CONVERTER of the record at offset 2 of t-1: ")
		require.NotEqual(t, connect.Offsets{sinkScriptAt(1): 4}, bed.committed("s"))
	})
	t.Run("is skipped with errors.tolerance=all", func(t *testing.T) {
		book := &sinkScriptBook{}
		bed := newSinkScriptBed(t, testbed.Embedded(t), sinkScriptKeeping(book))
		bed.config["errors.tolerance"] = "all"
		mixed(bed)
		bed.run(sinkScriptID(0))
		bed.commits(connect.Offsets{sinkScriptAt(1): 4})
		bed.stop()
		require.Equal(t, []int64{0, 1, 3}, book.offsets()[sinkScriptAt(1)])
	})
	t.Run("moves the offset also when nothing else is there", func(t *testing.T) {
		book := &sinkScriptBook{}
		bed := newSinkScriptBed(t, testbed.Embedded(t), sinkScriptKeeping(book))
		bed.config["errors.tolerance"] = "all"
		mixed(bed)
		bed.run(sinkScriptID(0))
		bed.commits(connect.Offsets{sinkScriptAt(1): 4})
		testbed.ProduceTo(t, bed.direct, &sarama.ProducerMessage{Topic: "t", Partition: 1, Value: sarama.StringEncoder("}")})
		bed.commits(connect.Offsets{sinkScriptAt(1): 5})
		bed.stop()
		require.Equal(t, 3, book.size())
	})
}

func TestASinkThatIsPausedTakesNothingUntilItIsResumedAndKeepsItsPartitions(t *testing.T) {
	t.Parallel()
	book := &sinkScriptBook{}
	bed := newSinkScriptBed(t, testbed.Embedded(t), sinkScriptKeeping(book))
	testbed.CreateTopic(t, bed.direct, "t", 1, nil)
	bed.produce(0, 5)
	bed.run(sinkScriptID(0))
	bed.within("5 records", func() bool { return book.size() == 5 })
	bed.apply(stores.Paused, sinkScriptID(0))
	bed.shows(sinkScriptID(0), Paused)
	bed.produce(0, 5)
	bed.commits(connect.Offsets{sinkScriptAt(0): 5})
	bed.hasMembers(1)
	require.Never(t, func() bool { return book.size() != 5 }, 200*time.Millisecond, 20*time.Millisecond)
	bed.run(sinkScriptID(0))
	bed.within("the records of the pause", func() bool { return book.size() == 10 })
	bed.shows(sinkScriptID(0), Running)

	bed.apply(stores.Paused, sinkScriptID(0))
	bed.shows(sinkScriptID(0), Paused)
	bed.stop()
	bed.shows(sinkScriptID(0), Unassigned)
	require.Equal(t, sinkScriptRange(0, 10), book.offsets()[sinkScriptAt(0)])
}

func TestATaskThatStartsPausedIsNotOpenedBeforeItIsResumed(t *testing.T) {
	t.Parallel()
	opened := make(chan struct{})
	script := sinkScriptKeeping(&sinkScriptBook{})
	script.open = func(context.Context, connect.SinkContext) error { close(opened); return nil }
	bed := newSinkScriptBed(t, testbed.Embedded(t, "t"), script)
	bed.apply(stores.Paused, sinkScriptID(0))
	bed.shows(sinkScriptID(0), Paused)
	select {
	case <-opened:
		t.Fatal("it was opened")
	default:
	}
	bed.run(sinkScriptID(0))
	bed.shows(sinkScriptID(0), Running)
	<-opened
	bed.stop()
}

func TestAPartitionThatTheTaskPausesIsHeldBackWhileOthersGoOn(t *testing.T) {
	t.Parallel()
	book := &sinkScriptBook{}
	script := sinkScriptKeeping(book)
	contexts := make(chan connect.SinkContext, 1)
	script.open = func(_ context.Context, rt connect.SinkContext) error {
		rt.Pause(sinkScriptAt(0), connect.TopicPartition{Topic: "unknown"})
		contexts <- rt
		return nil
	}
	bed := newSinkScriptBed(t, testbed.Embedded(t), script)
	testbed.CreateTopic(t, bed.direct, "t", 2, nil)
	bed.produce(0, 5)
	bed.produce(1, 5)
	bed.run(sinkScriptID(0))
	bed.commits(connect.Offsets{sinkScriptAt(1): 5})
	require.Empty(t, book.offsets()[sinkScriptAt(0)])
	(<-contexts).Resume(sinkScriptAt(0))
	bed.commits(connect.Offsets{sinkScriptAt(0): 5, sinkScriptAt(1): 5})
	bed.stop()
	require.Equal(t, sinkScriptRange(0, 5), book.offsets()[sinkScriptAt(0)])
}

func TestRequestCommitDoesNotWaitForTheFlushInterval(t *testing.T) {
	t.Parallel()
	script := &sinkScript{put: func(_ context.Context, task *sinkScriptTask, _ []connect.SinkRecord) error {
		task.rt.RequestCommit()
		return nil
	}}
	bed := newSinkScriptBed(t, testbed.Embedded(t), script)
	bed.settings.OffsetFlushInterval = time.Hour
	testbed.CreateTopic(t, bed.direct, "t", 1, nil)
	bed.produce(0, 5)
	bed.run(sinkScriptID(0))
	bed.commits(connect.Offsets{sinkScriptAt(0): 5})
	bed.stop()
}

func TestATaskThatCannotReachItsSystemSaysSoUntilItIsHealthy(t *testing.T) {
	t.Parallel()
	contexts := make(chan connect.SinkContext, 1)
	script := &sinkScript{open: func(_ context.Context, rt connect.SinkContext) error { contexts <- rt; return nil }}
	bed := newSinkScriptBed(t, testbed.Embedded(t, "t"), script)
	bed.run(sinkScriptID(0))
	rt := <-contexts
	rt.Waiting(errSinkScript, time.Time{})
	bed.shows(sinkScriptID(0), Running, "retrying: the system says no (since ")
	rt.Healthy()
	bed.shows(sinkScriptID(0), Running)
	bed.stop()
}
