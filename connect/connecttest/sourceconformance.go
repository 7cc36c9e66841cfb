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

// SourceWorld is the system that a source reads from, as a test has it at hand.
type SourceWorld struct {
	// Feed makes n new records available at the system and returns their texts, in the order in which the source brings those of one source partition.
	// No text comes twice. It is called on the test's goroutine, while a task runs and between two lives of it.
	Feed func(n int) []string
	// Text is what a record is told by; nil: its value as text.
	Text func(r *connect.SourceRecord) string
	// BadConfigs are changes to the configuration that must be refused, by the key that the refusal must name. The suite itself adds missing keys, and numbers
	// and booleans that are none.
	BadConfigs map[string]connect.Config
	// Outage takes the system away until restore is called; nil: that is not tested.
	Outage func() (restore func())
}

// RunSource holds a source to what the runtime expects of one, a subtest for each promise. world makes a system of its own for each, with nothing in it yet,
// and puts into cfg, a copy of the one given, what leads there; t is the subtest's. A promise about what the connector cannot do is kept, and the test's log says so.
func RunSource(t *testing.T, c connect.SourceConnector, cfg connect.Config, world func(t testing.TB, cfg connect.Config) SourceWorld, opts ...Option) {
	for _, promise := range sourcePromises {
		t.Run(promise.name, func(t *testing.T) { promise.hold(newSourceTrial(t, c, cfg, world, opts)) })
	}
}

// sourceTrial is a source in one subtest.
type sourceTrial struct {
	subject
	source connect.SourceConnector
	world  SourceWorld
	again  func() *sourceTrial // another, with a system of its own
}

func newSourceTrial(t testing.TB, c connect.SourceConnector, cfg connect.Config, world func(testing.TB, connect.Config) SourceWorld, opts []Option,
) *sourceTrial {
	own := maps.Clone(cfg)
	if own == nil {
		own = connect.Config{}
	}
	w := world(t, own)
	if w.Text == nil {
		w.Text = func(r *connect.SourceRecord) string { return plain(r.Value) }
	}
	return &sourceTrial{
		subject: subject{t: t, connector: c, spec: c.Spec, config: own, bad: w.BadConfigs, opts: opts},
		source:  c, world: w, again: func() *sourceTrial { return newSourceTrial(t, c, cfg, world, opts) },
	}
}

// start opens a task and waits until it reads.
func (s *sourceTrial) start(more ...Option) *Source {
	s.t.Helper()
	src := StartSource(s.t, s.source, s.config, slices.Concat(s.opts, more)...)
	src.AwaitHealthy()
	return src
}

// brings takes records until all that are wanted have come, each once and those of a source partition in their order, and returns their texts as they
// came. Those of repeats may come too.
func (s *sourceTrial) brings(src *Source, want []string, repeats ...string) (came []string) {
	s.t.Helper()
	place, missing, last := map[string]int{}, len(want), map[string]int{}
	for i, text := range want {
		place[text] = i
	}
	for missing > 0 {
		src.need(fmt.Sprintf("want %d more records, the first of them %s", missing, few(absent(want, place))), func() bool { return len(src.queue) > 0 })
		r := src.take(1)[0]
		text, from := s.world.Text(&r), fmt.Sprint(r.Source)
		i, wanted := place[text]
		switch {
		case wanted && i < last[from]:
			s.t.Fatalf("connecttest: %q came after %q, which was later at the system", text, want[last[from]-1])
		case wanted:
			delete(place, text)
			last[from] = i + 1
			missing--
			came = append(came, text)
		case slices.Contains(came, text):
			s.t.Fatalf("connecttest: %q came twice", text)
		case !slices.Contains(repeats, text):
			s.t.Fatalf("connecttest: %q came, and want %s", text, few(absent(want, place)))
		}
	}
	return came
}

// absent are those of want that are still in place.
func absent(want []string, place map[string]int) []string {
	return slices.DeleteFunc(slices.Clone(want), func(text string) bool { _, still := place[text]; return !still })
}

// goesOn feeds one more record, which must be the next that comes.
func (s *sourceTrial) goesOn(src *Source, repeats ...string) {
	s.t.Helper()
	s.brings(src, s.world.Feed(1), repeats...)
}

// inFlight waits until there are polled records that are not acknowledged.
func inFlight(src *Source) {
	src.t.Helper()
	src.need("want a record in flight", func() bool { return len(src.pending) > 0 })
}

// sourcePromises are what a source is held to.
var sourcePromises = []struct {
	name string
	hold func(s *sourceTrial)
}{
	{"it describes itself", func(s *sourceTrial) { s.describesItself() }},
	{"it refuses bad configurations by the key", func(s *sourceTrial) { s.refusesBadConfigs() }},
	{"its validation ends with its context", func(s *sourceTrial) { s.validates() }},
	{"it divides its work", func(s *sourceTrial) { s.splits() }},
	{"its watching ends with its context", func(s *sourceTrial) { s.watches() }},
	{"it starts and stops with nothing to read", func(s *sourceTrial) {
		src := s.start()
		src.Restart()
		src.AwaitHealthy()
		src.Stop()
	}},
	{"it brings each record once and in order", func(s *sourceTrial) {
		src := s.start()
		for range 3 {
			s.brings(src, s.world.Feed(20))
		}
	}},
	{"it goes on after a restart", func(s *sourceTrial) {
		src := s.start()
		s.brings(src, s.world.Feed(5))
		src.Restart()
		src.AwaitHealthy()
		s.goesOn(src)
		src.Stop()
		while := s.world.Feed(5)
		src.begin()
		s.brings(src, while)
	}},
	{"it takes acknowledgements of all kinds while it waits for more", func(s *sourceTrial) {
		src := s.start(HoldAcks())
		s.brings(src, s.world.Feed(8))
		src.AckAs(connect.Filtered, 1)
		src.AckAs(connect.DeadLettered, 2)
		src.AckAs(connect.Dropped, 1)
		src.Ack(2)
		src.Release()
		src.Restart()
		src.AwaitHealthy()
		s.goesOn(src)
	}},
	{"a kill loses nothing", func(s *sourceTrial) {
		src := s.start(HoldAcks())
		came := s.brings(src, s.world.Feed(6))
		src.Ack(2)
		src.Kill()
		s.brings(src, came[2:], came[:2]...)
		src.Kill()
		s.brings(src, came[2:], came[:2]...)
		src.Release()
		s.goesOn(src, came...)
	}},
	{"a kill in a flood loses nothing", func(s *sourceTrial) {
		src := s.start(HoldAcks())
		want := s.world.Feed(200)
		inFlight(src)
		src.Kill()
		src.Release()
		s.brings(src, want)
	}},
	{"a stop in a flood loses nothing", func(s *sourceTrial) {
		src := s.start(HoldAcks(), Window(10), BatchSize(5))
		want := s.world.Feed(200)
		inFlight(src)
		src.Stop()
		src.Release()
		src.begin()
		s.brings(src, want)
	}},
	{"a slow Kafka loses nothing", func(s *sourceTrial) {
		src := s.start(HoldAcks(), Window(20), BatchSize(5))
		want := s.world.Feed(300)
		inFlight(src)
		src.Ack(1)
		inFlight(src)
		src.Release()
		s.brings(src, want)
	}},
	{"a batch that is full ends the poll", func(s *sourceTrial) {
		src := s.start(Window(10), BatchSize(5))
		s.brings(src, s.world.Feed(300))
		if largest := src.largestPoll(); largest > 100 {
			s.t.Errorf("connecttest: a Poll added %d records to a batch that is full with 5: ask Batch.Full before each record", largest)
		}
	}},
	{"a pause ends the poll, and nothing is lost", func(s *sourceTrial) {
		src := s.start()
		s.brings(src, s.world.Feed(3))
		for range 2 {
			src.Pause()
			while := s.world.Feed(5)
			src.Resume()
			s.brings(src, while)
		}
		src.Pause()
		src.Stop()
	}},
	{"it can be opened after an Open whose context had ended", func(s *sourceTrial) {
		ctx := gone()
		h := newHost(s.t, s.config, s.opts)
		defer h.logging.close()
		h.begin(func() {})
		err := s.within("Open with an ended context", func() error {
			rt := sourceContext{taskContext: taskContext{h, s.config, h.metrics}, store: newOffsetStore(nil)}
			task, err := s.source.Open(ctx, &rt)
			if err != nil {
				return nil
			}
			return task.Close(context.Background())
		})
		if err != nil {
			s.t.Errorf("connecttest: closing the task: %v", err)
		}
		src := s.start()
		s.goesOn(src)
	}},
	{"two tasks at once do not meet", func(s *sourceTrial) {
		other := s.again()
		one, two := s.start(), other.start()
		mine, others := s.world.Feed(20), other.world.Feed(20)
		s.brings(one, mine)
		other.brings(two, others)
		one.Stop()
		other.goesOn(two)
	}},
	{"with exactly-once the stored offset alone decides", func(s *sourceTrial) {
		if exact, ok := s.source.(connect.ExactlyOnceSource); !ok || !exact.ExactlyOnce(s.config) {
			s.t.Log("connecttest: nothing to hold: the connector is no ExactlyOnceSource with this configuration")
			return
		}
		src := s.start(HoldAcks(), Transactional())
		came := s.brings(src, s.world.Feed(10))
		for acked := 3; acked <= 9; acked += 3 {
			src.Ack(3)
			src.Kill()
			s.brings(src, came[acked:])
		}
	}},
	{"it ends the transactions that it defines", func(s *sourceTrial) {
		if definer, ok := s.source.(connect.TransactionDefiner); !ok || !definer.DefinesTransactions(s.config) {
			s.t.Log("connecttest: nothing to hold: the connector is no TransactionDefiner with this configuration")
			return
		}
		src := s.start(Transactions(), Transactional())
		s.brings(src, s.world.Feed(20))
	}},
	{"its own offsets can be stored again or reset", func(s *sourceTrial) { s.altersOffsets() }},
	{"it says that its system is away, and goes on when it is back", func(s *sourceTrial) {
		if s.world.Outage == nil {
			s.t.Log("connecttest: nothing to hold: the world has no Outage")
			return
		}
		src := s.start()
		want := s.world.Feed(5)
		s.brings(src, want)
		restore := s.world.Outage()
		src.AwaitWaiting()
		restore()
		src.AwaitHealthy()
		s.goesOn(src, want...)
	}},
	{"it leaves nothing behind", func(s *sourceTrial) {
		src := s.start()
		s.leavesNothing(func() {
			src.Restart()
			src.AwaitHealthy()
			s.goesOn(src)
		})
	}},
}

func (s *sourceTrial) altersOffsets() {
	s.t.Helper()
	alterer, ok := s.source.(connect.SourceOffsetAlterer)
	if !ok {
		s.t.Log("connecttest: nothing to hold: the connector is no SourceOffsetAlterer")
		return
	}
	src := s.start()
	s.brings(src, s.world.Feed(5))
	src.Stop()
	for _, reset := range []bool{false, true} {
		var offsets []connect.SourceOffset
		for _, at := range src.store.all() {
			o := connect.SourceOffset{Partition: src.life.rt.PartitionOf(at.partition...)}
			if !reset {
				o.Offset = at.offset
			}
			offsets = append(offsets, o)
		}
		err := s.within("AlterOffsets", func() error { return alterer.AlterOffsets(context.Background(), maps.Clone(s.config), offsets) })
		if err != nil && !errors.Is(err, connect.ErrUnsupported) && !errors.Is(err, errors.ErrUnsupported) {
			s.t.Errorf("connecttest: AlterOffsets refuses the connector's own offsets (reset: %t): %v", reset, err)
		}
	}
}
