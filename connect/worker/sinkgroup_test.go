package worker

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// sinkScriptSession is the session timeout of a test that outlasts one. It runs alone: heartbeats must come in time.
const sinkScriptSession = 500 * time.Millisecond

func TestAPutThatHangsCostsNeitherItsPartitionsNorTheOtherTasks(t *testing.T) {
	hang, book := make(chan struct{}), &sinkScriptBook{}
	var once atomic.Int32 // Puts of partition 0
	script := &sinkScript{put: func(_ context.Context, _ *sinkScriptTask, records []connect.SinkRecord) error {
		if records[0].Partition == 0 && once.Add(1) == 1 {
			<-hang
		}
		book.add(records)
		return nil
	}}
	_, proxy := sinkScriptKafka(t)
	bed := newSinkScriptBed(t, proxy.Addr(), script)
	bed.config["consumer.override.session.timeout.ms"] = fmt.Sprint(sinkScriptSession.Milliseconds())
	bed.config["consumer.override.heartbeat.interval.ms"] = "50"
	testbed.CreateTopic(t, bed.direct, "t", 2, nil)
	bed.run(sinkScriptID(0), sinkScriptID(1))
	bed.hasMembers(2)
	bed.produce(0, 5)
	bed.within("the hang", func() bool { return once.Load() == 1 })

	began, n := time.Now(), int64(0)
	for time.Since(began) < 3*sinkScriptSession {
		bed.produce(1, 1)
		n++
		bed.within("the other task's record", func() bool { return len(book.offsets()[sinkScriptAt(1)]) == int(n) })
	}
	require.Empty(t, book.offsets()[sinkScriptAt(0)], "nobody else got the partition")
	close(hang)
	bed.within("the records that hung", func() bool { return len(book.offsets()[sinkScriptAt(0)]) >= 5 })
	bed.commits(connect.Offsets{sinkScriptAt(0): 5, sinkScriptAt(1): n})
	bed.stop()
	require.Equal(t, sinkScriptRange(0, 5), book.offsets()[sinkScriptAt(0)])
}

func TestASinkWhoseWorkerHasNoLeaseLeavesItsPartitionsToOthers(t *testing.T) {
	cluster, proxy := sinkScriptKafka(t)
	first, second := &sinkScriptBook{}, &sinkScriptBook{}
	var beds []*sinkScriptBed
	for _, book := range []*sinkScriptBook{first, second} {
		bed := newSinkScriptBed(t, proxy.Addr(), sinkScriptKeeping(book))
		bed.direct = cluster.ListenAddrs()[0]
		bed.config["consumer.override.session.timeout.ms"] = "2000"
		beds = append(beds, bed)
	}
	testbed.CreateTopic(t, beds[0].direct, "t", 2, nil)
	beds[0].run(sinkScriptID(0))
	beds[1].run(sinkScriptID(1))
	beds[1].hasMembers(2)
	beds[0].worker.gate.Suspend()
	beds[1].produce(0, 5)
	beds[1].produce(1, 5)
	beds[1].within("all of both partitions", func() bool { return second.size() == 10 })
	beds[1].hasMembers(1)
	require.Zero(t, first.size())
	beds[0].worker.gate.Resume(time.Time{})
	beds[1].hasMembers(2)
	beds[0].stop()
	beds[1].stop()
}

func TestATaskThatHangsInPutIsAbandonedAfterTheGracefulTimeAndItsSuccessorTakesOver(t *testing.T) {
	t.Parallel()
	hang, book := make(chan struct{}), &sinkScriptBook{}
	defer close(hang)
	var once atomic.Bool
	script := &sinkScript{put: func(_ context.Context, _ *sinkScriptTask, records []connect.SinkRecord) error {
		if !once.Swap(true) {
			<-hang
		}
		book.add(records)
		return nil
	}}
	bed := newSinkScriptBed(t, testbed.Embedded(t), script)
	bed.settings.GracefulShutdown = 100 * time.Millisecond
	testbed.CreateTopic(t, bed.direct, "t", 1, nil)
	bed.produce(0, 10)
	bed.run(sinkScriptID(0))
	bed.within("the hang", once.Load)
	began := time.Now()
	bed.stop()
	require.Less(t, time.Since(began), sinkScriptGrace)

	bed.run(sinkScriptID(0))
	bed.commits(connect.Offsets{sinkScriptAt(0): 10})
	require.Equal(t, sinkScriptRange(0, 10), book.offsets()[sinkScriptAt(0)])
	bed.shows(sinkScriptID(0), Running)
}

// sinkScriptOwners knows which task has which partition, and complains when two have one.
type sinkScriptOwners struct {
	mu        sync.Mutex
	owner     map[connect.TopicPartition]int
	complaint string
}

func (o *sinkScriptOwners) complain(format string, args ...any) {
	if o.complaint == "" {
		o.complaint = fmt.Sprintf(format, args...)
	}
}

func (o *sinkScriptOwners) assigned(t *sinkScriptTask, tps []connect.TopicPartition) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, tp := range tps {
		if other, owned := o.owner[tp]; owned {
			o.complain("task %d gets %v of task %d", t.rt.TaskID(), tp, other)
		}
		o.owner[tp] = t.rt.TaskID()
	}
	return nil
}

func (o *sinkScriptOwners) revoked(t *sinkScriptTask, tps []connect.TopicPartition) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, tp := range tps {
		if owner, owned := o.owner[tp]; !owned || owner != t.rt.TaskID() {
			o.complain("task %d loses %v, which it has not", t.rt.TaskID(), tp)
		}
		delete(o.owner, tp)
	}
	return nil
}

func (o *sinkScriptOwners) putting(t *sinkScriptTask, tp connect.TopicPartition) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if owner, owned := o.owner[tp]; !owned || owner != t.rt.TaskID() {
		o.complain("task %d puts records of %v, which it has not", t.rt.TaskID(), tp)
	}
}

// counts are how many partitions each task has.
func (o *sinkScriptOwners) counts() map[int]int {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := map[int]int{}
	for _, task := range o.owner {
		out[task]++
	}
	return out
}

func TestTasksOfASinkShareItsPartitionsAndWhatMovesIsNeitherLostNorDoubledNorMixedUp(t *testing.T) {
	t.Parallel()
	book, owners := &sinkScriptBook{}, &sinkScriptOwners{owner: map[connect.TopicPartition]int{}}
	script := &sinkScript{assigned: owners.assigned, revoked: owners.revoked}
	script.put = func(_ context.Context, task *sinkScriptTask, records []connect.SinkRecord) error {
		owners.putting(task, records[0].Consumed)
		book.add(records)
		return nil
	}
	bed := newSinkScriptBed(t, testbed.Embedded(t), script)
	testbed.CreateTopic(t, bed.direct, "t", 4, nil)
	n := 0
	produce := func() {
		for p := range int32(4) {
			bed.produce(p, 25)
		}
		n += 100
	}
	produce()
	bed.run(sinkScriptID(0))
	bed.within("the first records", func() bool { return book.size() == n })
	produce()
	bed.run(sinkScriptID(0), sinkScriptID(1))
	produce()
	bed.within("two partitions each", func() bool { return maps.Equal(owners.counts(), map[int]int{0: 2, 1: 2}) })
	produce()
	bed.run(sinkScriptID(1))
	produce()
	bed.within("the second task to have all", func() bool { return maps.Equal(owners.counts(), map[int]int{1: 4}) })
	bed.within("all records", func() bool { return book.size() >= n })
	bed.stop()
	require.Empty(t, owners.complaint)
	require.Empty(t, owners.counts(), "a task that stops is told that it loses its partitions")
	for p := range int32(4) {
		require.Equal(t, sinkScriptRange(0, int64(n/4)), book.offsets()[sinkScriptAt(p)])
	}
}

func TestABatchThatIsRetriedIsDroppedWhenItsPartitionGoesToAnotherTask(t *testing.T) {
	t.Parallel()
	book, owners := &sinkScriptBook{}, &sinkScriptOwners{owner: map[connect.TopicPartition]int{}}
	script := &sinkScript{assigned: owners.assigned, revoked: owners.revoked}
	script.put = func(_ context.Context, task *sinkScriptTask, records []connect.SinkRecord) error {
		owners.putting(task, records[0].Consumed)
		if task.rt.TaskID() == 0 {
			return connect.Retry(errSinkScript, time.Hour)
		}
		book.add(records)
		return nil
	}
	bed := newSinkScriptBed(t, testbed.Embedded(t), script)
	testbed.CreateTopic(t, bed.direct, "t", 2, nil)
	bed.run(sinkScriptID(0))
	bed.produce(0, 10)
	bed.produce(1, 10)
	bed.shows(sinkScriptID(0), Running, "retrying: the system says no")
	bed.run(sinkScriptID(0), sinkScriptID(1))
	bed.within("the other task's records", func() bool { return book.size() == 10 })
	bed.run(sinkScriptID(1))
	bed.within("all records", func() bool { return book.size() == 20 })
	bed.stop()
	require.Empty(t, owners.complaint)
	for p := range int32(2) {
		require.Equal(t, sinkScriptRange(0, 10), book.offsets()[sinkScriptAt(p)])
	}
}

func TestATaskThatLosesTheBatchItRetriesNoLongerComplains(t *testing.T) {
	t.Parallel()
	book := &sinkScriptBook{}
	script := &sinkScript{put: func(_ context.Context, task *sinkScriptTask, records []connect.SinkRecord) error {
		if task.rt.TaskID() == 1 {
			return connect.Retry(errSinkScript, time.Hour)
		}
		book.add(records)
		return nil
	}}
	bed := newSinkScriptBed(t, testbed.Embedded(t), script)
	testbed.CreateTopic(t, bed.direct, "t", 1, nil)
	bed.produce(0, 10)
	bed.run(sinkScriptID(1)) // members are sorted, by their clients' names first: task 0 will get the only partition
	bed.shows(sinkScriptID(1), Running, "retrying: the system says no")
	bed.run(sinkScriptID(0), sinkScriptID(1))
	bed.within("the other task's records", func() bool { return book.size() == 10 })
	bed.shows(sinkScriptID(1), Running)
	bed.stop()
}

func TestACommitThatKafkaRefusesIsTriedAgainWithoutNewRecords(t *testing.T) {
	t.Parallel()
	cluster, proxy := sinkScriptKafka(t)
	var refused atomic.Int32
	cluster.ControlKey(int16(kmsg.OffsetCommit), func(request kmsg.Request) (kmsg.Response, error, bool) {
		refused.Add(1)
		asked := request.(*kmsg.OffsetCommitRequest)
		answer := asked.ResponseKind().(*kmsg.OffsetCommitResponse)
		for _, topic := range asked.Topics {
			t := kmsg.NewOffsetCommitResponseTopic()
			t.Topic = topic.Topic
			for _, partition := range topic.Partitions {
				p := kmsg.NewOffsetCommitResponseTopicPartition()
				p.Partition, p.ErrorCode = partition.Partition, kerr.CoordinatorLoadInProgress.Code
				t.Partitions = append(t.Partitions, p)
			}
			answer.Topics = append(answer.Topics, t)
		}
		return answer, nil, true
	})
	book := &sinkScriptBook{}
	bed := newSinkScriptBed(t, proxy.Addr(), sinkScriptKeeping(book))
	testbed.CreateTopic(t, bed.direct, "t", 1, nil)
	bed.produce(0, 10)
	bed.run(sinkScriptID(0))
	bed.commits(connect.Offsets{sinkScriptAt(0): 10})
	require.Equal(t, int32(1), refused.Load())
	bed.stop()
}

func TestASinkTaskStopsInTimeWhileKafkaIsAway(t *testing.T) {
	for name, away := range map[string]func(*testbed.Proxy){
		"and refuses connections": func(p *testbed.Proxy) { p.Refuse(); p.Cut() },
		"and answers nothing":     (*testbed.Proxy).Stall,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, proxy := sinkScriptKafka(t)
			book := &sinkScriptBook{}
			script := sinkScriptKeeping(book)
			closed := make(chan struct{})
			script.closing = func(*sinkScriptTask) { close(closed) }
			bed := newSinkScriptBed(t, proxy.Addr(), script)
			bed.settings.OffsetFlushInterval = time.Hour // what was put is committed at the stop, or not
			testbed.CreateTopic(t, bed.direct, "t", 1, nil)
			bed.produce(0, 10)
			bed.run(sinkScriptID(0))
			bed.within("10 records", func() bool { return book.size() == 10 })
			away(proxy)
			began := time.Now()
			bed.stop()
			require.LessOrEqual(t, time.Since(began), sinkScriptGrace, "it was not abandoned")
			select {
			case <-closed:
			default:
				t.Error("the plugin's Close was not called")
			}
			bed.shows(sinkScriptID(0), Unassigned)
		})
	}
}

func TestASinkTaskStopsInTimeWhileACommitIsNotAnswered(t *testing.T) {
	t.Parallel()
	_, proxy := sinkScriptKafka(t)
	script, closed := sinkScriptKeeping(&sinkScriptBook{}), make(chan struct{})
	var stall sync.Once
	committing := make(chan struct{})
	script.preCommit = func(_ context.Context, _ *sinkScriptTask, put connect.Offsets) (connect.Offsets, error) {
		stall.Do(func() { proxy.Stall(); close(committing) })
		return put, nil
	}
	script.closing = func(*sinkScriptTask) { close(closed) }
	bed := newSinkScriptBed(t, proxy.Addr(), script)
	testbed.CreateTopic(t, bed.direct, "t", 1, nil)
	bed.produce(0, 10)
	bed.run(sinkScriptID(0))
	<-committing
	bed.stop()
	select {
	case <-closed:
	default:
		t.Error("the plugin's Close was not called")
	}
	bed.shows(sinkScriptID(0), Unassigned)
}

func TestASinkTaskWaitsForAKafkaThatIsAwayAndStopsWhileItWaits(t *testing.T) {
	t.Parallel()
	_, proxy := sinkScriptKafka(t)
	book := &sinkScriptBook{}
	bed := newSinkScriptBed(t, proxy.Addr(), sinkScriptKeeping(book))
	testbed.CreateTopic(t, bed.direct, "t", 1, nil)
	bed.produce(0, 10)
	proxy.Refuse()
	proxy.Cut()
	bed.run(sinkScriptID(0))
	bed.shows(sinkScriptID(0), Running, "retrying: Kafka at "+proxy.Addr()+" cannot be reached")
	bed.stop()
	bed.run(sinkScriptID(0))
	bed.shows(sinkScriptID(0), Running, "retrying: ")
	proxy.Accept()
	bed.within("10 records", func() bool { return book.size() == 10 })
	bed.shows(sinkScriptID(0), Running)
	bed.stop()
}
