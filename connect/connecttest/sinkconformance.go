package connecttest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/sluice-connect/sluice/connect"
)

// SinkWorld is the system that a sink writes to, as a test has it at hand.
type SinkWorld struct {
	// Read returns the texts of all that the system has by now, in whatever order, repeats among them. It is called on the test's goroutine, again and
	// again until what is wanted is there, while a task runs and after it.
	Read func() []string
	// Record makes a record with this text; nil: the text is its value, a string, and its key too.
	Record func(text string) connect.SinkRecord
	// BadConfigs are as those of [SourceWorld].
	BadConfigs map[string]connect.Config
	// Outage takes the system away until restore is called; nil: that is not tested.
	Outage func() (restore func())
}

// RunSink holds a sink to what the runtime expects of one, a subtest for each promise. world makes a system of its own for each, with nothing in it yet, and
// puts into cfg, a copy of the one given, what leads there; t is the subtest's. A promise about what the connector cannot do is kept, and the test's log says so.
func RunSink(t *testing.T, c connect.SinkConnector, cfg connect.Config, world func(t testing.TB, cfg connect.Config) SinkWorld, opts ...Option) {
	for _, promise := range sinkPromises {
		t.Run(promise.name, func(t *testing.T) { promise.hold(newSinkTrial(t, c, cfg, world, opts)) })
	}
}

// sinkTrial is a sink in one subtest.
type sinkTrial struct {
	subject
	sink  connect.SinkConnector
	world SinkWorld
	again func() *sinkTrial // another, with a system of its own
	made  int
}

func newSinkTrial(t testing.TB, c connect.SinkConnector, cfg connect.Config, world func(testing.TB, connect.Config) SinkWorld, opts []Option) *sinkTrial {
	own := maps.Clone(cfg)
	if own == nil {
		own = connect.Config{}
	}
	w := world(t, own)
	if w.Record == nil {
		w.Record = textRecord
	}
	return &sinkTrial{
		subject: subject{t: t, connector: c, spec: c.Spec, config: own, bad: w.BadConfigs, opts: opts},
		sink:    c, world: w, again: func() *sinkTrial { return newSinkTrial(t, c, cfg, world, opts) },
	}
}

func textRecord(text string) (r connect.SinkRecord) {
	r.SetKey(text)
	r.SetString(text)
	r.Timestamp = connect.NoTimestamp
	return r
}

func (s *sinkTrial) start(more ...Option) *Sink {
	s.t.Helper()
	sink := StartSink(s.t, s.sink, s.config, slices.Concat(s.opts, more)...)
	sink.AwaitHealthy()
	return sink
}

// records makes n records of one partition and says their texts.
func (s *sinkTrial) records(n int, partition int32) (records []connect.SinkRecord, texts []string) {
	for range n {
		s.made++
		text := fmt.Sprintf("record-%d", s.made)
		r := s.world.Record(text)
		r.Topic, r.Partition = "test", partition
		records, texts = append(records, r), append(texts, text)
	}
	return records, texts
}

func partition(n int32) connect.TopicPartition {
	return connect.TopicPartition{Topic: "test", Partition: n}
}

// commits asks the task how far it is until that is all that was put.
func (s *sinkTrial) commits(sink *Sink) {
	s.t.Helper()
	behind := func() (text string) {
		sink.update(func() {
			for tp, put := range sink.topics.put {
				if at := sink.topics.committed[tp]; at < put {
					text = fmt.Sprintf("%s-%d is committed up to %d, and was put up to %d", tp.Topic, tp.Partition, at, put)
				}
			}
		})
		return text
	}
	soon(s.t, s.opts, behind, func() { sink.Commit() })
}

// has waits until the system has these.
func (s *sinkTrial) has(want ...string) {
	s.t.Helper()
	var read []string
	soon(s.t, s.opts, func() string {
		there := map[string]bool{}
		for _, text := range read {
			there[text] = true
		}
		missing := slices.DeleteFunc(slices.Clone(want), func(text string) bool { return there[text] })
		if len(missing) == 0 {
			return ""
		}
		return fmt.Sprintf("%d of %d records are not at the system, the first of them %s", len(missing), len(want), few(missing))
	}, func() { read = s.world.Read() })
}

// sinkPromises are what a sink is held to.
var sinkPromises = []struct {
	name string
	hold func(s *sinkTrial)
}{
	{"it describes itself", func(s *sinkTrial) { s.describesItself() }},
	{"it refuses bad configurations by the key", func(s *sinkTrial) { s.refusesBadConfigs() }},
	{"its validation ends with its context", func(s *sinkTrial) { s.validates() }},
	{"it divides its work", func(s *sinkTrial) { s.splits() }},
	{"its watching ends with its context", func(s *sinkTrial) { s.watches() }},
	{"it starts and stops with nothing to write", func(s *sinkTrial) {
		sink := s.start()
		sink.Commit()
		sink.Kill()
		sink.AwaitHealthy()
		sink.Assign(partition(0), partition(1))
		sink.Commit()
		sink.Stop()
	}},
	{"what it commits is at the system", func(s *sinkTrial) {
		sink := s.start()
		var want []string
		for n := range int32(6) {
			records, texts := s.records(20, n%2)
			sink.Put(records...)
			want = append(want, texts...)
			s.commits(sink)
			s.has(want...)
		}
		sink.Commit() // with nothing new
		sink.Stop()
		s.has(want...)
	}},
	{"what it commits is there after a kill", func(s *sinkTrial) {
		sink := s.start()
		records, want := s.records(100, 0)
		sink.Put(records...)
		s.commits(sink)
		sink.Kill()
		sink.Stop()
		s.has(want...)
	}},
	{"many batches arrive", func(s *sinkTrial) {
		sink := s.start(BatchSize(7))
		records, want := s.records(1000, 0)
		sink.Put(records...)
		s.commits(sink)
		s.has(want...)
	}},
	{"a kill loses nothing", func(s *sinkTrial) {
		sink := s.start(BatchSize(7))
		records, want := s.records(50, 0)
		for from := 0; from < len(records); from += 10 {
			sink.Put(records[from : from+10]...)
			if from == 20 {
				s.commits(sink)
			}
			sink.Kill()
		}
		sink.AwaitTaken()
		s.commits(sink)
		s.has(want...)
	}},
	{"a stop while it writes loses nothing", func(s *sinkTrial) {
		sink := s.start(BatchSize(7))
		records, want := s.records(500, 0)
		sink.Send(records...)
		sink.Kill()
		sink.AwaitTaken()
		s.commits(sink)
		s.has(want...)
	}},
	{"it goes on after a restart", func(s *sinkTrial) {
		sink := s.start()
		var want []string
		for range 3 {
			records, texts := s.records(10, 0)
			sink.Put(records...)
			s.commits(sink)
			sink.Restart()
			sink.AwaitHealthy()
			want = append(want, texts...)
		}
		s.has(want...)
	}},
	{"it gives partitions away and takes them back", func(s *sinkTrial) {
		sink := s.start(BatchSize(7))
		one, want := s.records(20, 0)
		two, texts := s.records(20, 1)
		sink.Send(append(one, two...)...)
		sink.Revoke(partition(1))
		sink.AwaitTaken()
		want = append(want, texts...)
		for range 2 {
			more, texts := s.records(20, 0)
			sink.Put(more...)
			want = append(want, texts...)
		}
		late, texts := s.records(20, 1) // nobody has their partition
		sink.Send(late...)
		want = append(want, texts...)
		sink.Assign(partition(1))
		sink.AwaitTaken()
		s.commits(sink)
		s.has(want...)
		sink.Revoke(partition(0), partition(1))
		sink.Commit()
	}},
	{"it finishes what is in flight before its partitions are closed", func(s *sinkTrial) {
		sink := s.start(BatchSize(7))
		if _, ok := sink.life.task.(connect.Drainer); !ok {
			s.t.Log("connecttest: nothing to hold: the task is no Drainer")
			return
		}
		records, want := s.records(50, 0)
		sink.Put(records...)
		if at := sink.Drain()[partition(0)]; at != 50 {
			s.t.Errorf("connecttest: after Drain and PreCommit 50 records should be committed, and %d are", at)
		}
		s.has(want...)
	}},
	{"it goes on after its worker had lost the cluster", func(s *sinkTrial) {
		sink := s.start(BatchSize(7))
		records, want := s.records(50, 0)
		sink.Put(records[:25]...)
		sink.Suspend()
		sink.Send(records[25:]...)
		sink.Resume()
		sink.AwaitTaken()
		s.commits(sink)
		s.has(want...)
	}},
	{"it takes again what it was put before", func(s *sinkTrial) {
		sink := s.start(BatchSize(7))
		records, want := s.records(50, 0)
		sink.Put(records...)
		sink.Rewind(connect.Offsets{partition(0): 0})
		more, texts := s.records(10, 0)
		sink.Put(more...)
		s.commits(sink)
		s.has(append(want, texts...)...)
	}},
	{"it can be opened after an Open whose context had ended", func(s *sinkTrial) {
		h := newHost(s.t, s.config, s.opts)
		defer h.logging.close()
		h.begin(func() {})
		life := &sinkLife{Sink: &Sink{host: h, connector: s.sink, topics: newTopics()}}
		err := s.within("Open with an ended context", func() error {
			task, err := s.sink.Open(gone(), &sinkContext{taskContext: taskContext{h, s.config, h.metrics}, life: life})
			if err != nil {
				return nil
			}
			return task.Close(context.Background())
		})
		if err != nil {
			s.t.Errorf("connecttest: closing the task: %v", err)
		}
		sink := s.start()
		records, want := s.records(5, 0)
		sink.Put(records...)
		s.commits(sink)
		s.has(want...)
	}},
	{"two tasks at once do not meet", func(s *sinkTrial) {
		other := s.again()
		other.made = 1_000_000
		one, two := s.start(), other.start()
		mine, want := s.records(20, 0)
		others, wanted := other.records(20, 0)
		one.Send(mine...)
		two.Put(others...)
		one.AwaitTaken()
		s.commits(one)
		one.Stop()
		more, texts := other.records(20, 0)
		two.Put(more...)
		other.commits(two)
		s.has(want...)
		other.has(append(wanted, texts...)...)
		for _, text := range s.world.Read() {
			if slices.Contains(wanted, text) {
				s.t.Errorf("connecttest: %q was put to the other task", text)
			}
		}
	}},
	{"its own offsets can be stored again or reset", func(s *sinkTrial) {
		alterer, ok := s.sink.(connect.SinkOffsetAlterer)
		if !ok {
			s.t.Log("connecttest: nothing to hold: the connector is no SinkOffsetAlterer")
			return
		}
		sink := s.start()
		records, _ := s.records(10, 0)
		sink.Put(records...)
		s.commits(sink)
		sink.Stop()
		for _, offsets := range []connect.Offsets{sink.Committed(), {partition(0): connect.NoOffset}} {
			err := s.within("AlterOffsets", func() error { return alterer.AlterOffsets(context.Background(), maps.Clone(s.config), offsets) })
			if err != nil && !errors.Is(err, errors.ErrUnsupported) {
				s.t.Errorf("connecttest: AlterOffsets refuses %v: %v", offsets, err)
			}
		}
	}},
	{"it says that its system is away, and loses nothing", func(s *sinkTrial) {
		if s.world.Outage == nil {
			s.t.Log("connecttest: nothing to hold: the world has no Outage")
			return
		}
		sink := s.start(BatchSize(7))
		records, want := s.records(50, 0)
		sink.Put(records[:10]...)
		s.commits(sink)
		restore := s.world.Outage()
		sink.Send(records[10:]...)
		sink.AwaitWaiting()
		restore()
		sink.AwaitHealthy()
		sink.AwaitTaken()
		s.commits(sink)
		s.has(want...)
	}},
	{"it leaves nothing behind", func(s *sinkTrial) {
		sink := s.start()
		s.leavesNothing(func() {
			records, _ := s.records(5, 0)
			sink.Put(records...)
			s.commits(sink)
			sink.Kill()
			sink.AwaitHealthy()
		})
	}},
}
