package connecttest

import (
	"context"
	"fmt"
	"testing"

	"github.com/sluice-connect/sluice/connect"
)

// Source is a source task in its runtime. Its methods are for the test's goroutine; they end the test where they cannot do what they say.
type Source struct {
	*host
	connector connect.SourceConnector
	store     *offsetStore
	life      *sourceLife

	// Guarded by host.state:
	queue   []queued // polled, not yet taken
	pending []queued // polled, not yet acknowledged
	granted int      // how many of pending may be acknowledged while acks are held
	holding bool
	paused  bool
	killed  bool
	number  uint64 // of the last record
	polls   int    // polls that have returned
	largest int    // records of the largest of them
	empty   int    // the last of them that began after all else was known and returned nothing
	next    map[connect.TopicPartition]int64
}

// queued is a record on its way, with a number that tells it apart.
type queued struct {
	number  uint64
	record  connect.SourceRecord
	source  *connect.Partition
	outcome connect.Outcome
}

// StartSource checks cfg by the connector's Spec and Validate and opens a task. A connector that splits its work gives the
// configuration of its only task. The test's cleanup closes the task, and fails the test for a failure that the test did not ask for.
func StartSource(t testing.TB, c connect.SourceConnector, cfg connect.Config, opts ...Option) *Source {
	t.Helper()
	h := newHost(t, cfg, opts)
	h.validate(c.Spec(), c)
	if definer, ok := c.(connect.TransactionDefiner); h.opts.exact && (!ok || !definer.DefinesTransactions(h.config)) {
		t.Fatal("connecttest: the connector does not define transactions under this configuration, so they would never end")
	}
	s := &Source{host: h, connector: c, store: newOffsetStore(h.opts.committed), holding: h.opts.holdAcks, next: map[connect.TopicPartition]int64{}}
	s.begin()
	t.Cleanup(s.cleanup)
	return s
}

// Take returns the next n records, in the order of Poll, acknowledged or not. They are copies. It waits until there are so many.
func (s *Source) Take(n int) []connect.SourceRecord {
	s.t.Helper()
	s.need(wantRecords(n), func() bool { return len(s.queue) >= n })
	return s.take(n)
}

// TakeAll returns what there is when the source has no more at hand: when a Poll comes back without records. It is for sources whose Poll
// does so; one that waits for its first record for ever has to be asked with Take.
func (s *Source) TakeAll() []connect.SourceRecord {
	s.t.Helper()
	var from int
	s.update(func() { from = s.polls })
	// The poll that is under way may have begun before what the test did last.
	s.need("want a poll that returns no records", func() bool { return s.empty > from+1 })
	return s.take(-1)
}

// take cuts n records, or all, off the queue.
func (s *Source) take(n int) []connect.SourceRecord {
	var taken []connect.SourceRecord
	s.update(func() {
		if n < 0 {
			n = len(s.queue)
		}
		for _, q := range s.queue[:n] {
			taken = append(taken, q.record)
		}
		s.queue = append([]queued(nil), s.queue[n:]...)
	})
	return taken
}

// Ack acknowledges the n oldest records that are not, which [HoldAcks] holds back, as produced. It waits until they have been polled and
// until the task has been told and their offsets are stored.
func (s *Source) Ack(n int) { s.t.Helper(); s.AckAs(connect.Produced, n) }

// AckAs is Ack with another outcome.
func (s *Source) AckAs(outcome connect.Outcome, n int) {
	s.t.Helper()
	s.need(wantRecords(n)+" to acknowledge", func() bool { return len(s.pending) >= n })
	if n == 0 {
		return
	}
	var last uint64
	s.update(func() {
		for i := range s.pending[:n] {
			if s.pending[i].outcome != connect.Aborted {
				s.pending[i].outcome = outcome
			}
		}
		s.granted, last = n, s.pending[n-1].number
	})
	s.need("want the task to take an acknowledgement", func() bool { return len(s.pending) == 0 || s.pending[0].number > last })
}

// Hold makes the records that are not acknowledged yet wait for Ack or Release.
func (s *Source) Hold() { s.update(func() { s.holding = true }) }

// Release acknowledges all that was held back, and what comes from now on at once.
func (s *Source) Release() { s.update(func() { s.holding = false }) }

// Pause ends the Poll that is under way, as a worker does whose connector is paused, and waits for its return. There is no other until Resume.
func (s *Source) Pause() {
	s.t.Helper()
	s.update(func() {
		s.paused = true
		if s.life.interrupt != nil {
			s.life.interrupt()
		}
	})
	s.need("want Poll to return when it is paused", func() bool { return s.life.interrupt == nil })
}

// Resume takes Pause back.
func (s *Source) Resume() { s.update(func() { s.paused = false }) }

// InFlight returns how many records have been polled and not acknowledged.
func (s *Source) InFlight() (n int) {
	s.update(func() { n = len(s.pending) })
	return n
}

// Polls returns how often Poll has returned.
func (s *Source) Polls() (n int) {
	s.update(func() { n = s.polls })
	return n
}

// largestPoll returns how many records the largest Poll has added.
func (s *Source) largestPoll() (n int) {
	s.update(func() { n = s.largest })
	return n
}

// AwaitPolls waits until Poll has returned n times in all.
func (s *Source) AwaitPolls(n int) {
	s.t.Helper()
	s.need(fmt.Sprintf("want %d polls", n), func() bool { return s.polls >= n })
}

// Offset returns what is stored for a source partition of strings, names and values in turn; zero for nothing.
func (s *Source) Offset(kv ...string) connect.Offset { return s.OffsetOf(connect.Strings(kv...)...) }

// OffsetOf is Offset for members of other kinds.
func (s *Source) OffsetOf(partition ...connect.Attr) connect.Offset { return s.store.get(partition) }

// Restart ends the task in good order, all its records acknowledged unless acks are held, and opens one anew. Records that were not
// acknowledged are taken out of the topic: the new task must bring them again.
func (s *Source) Restart() {
	s.t.Helper()
	s.Stop()
	s.begin()
}

// Kill ends the task without acknowledging any more, and opens one anew.
func (s *Source) Kill() {
	s.t.Helper()
	s.update(func() { s.killed = true })
	s.Restart()
}

// Stop ends the task in good order. Restart begins another.
func (s *Source) Stop() {
	s.t.Helper()
	if err := s.end(); err != nil {
		s.t.Fatal(err)
	}
}

// begin starts a life of the task.
func (s *Source) begin() {
	s.t.Helper()
	cfg := s.split(s.connector, s.config)
	ctx, stop := context.WithCancel(context.Background())
	s.host.begin(stop)
	l := &sourceLife{Source: s, done: make(chan struct{})}
	l.rt = sourceContext{taskContext: taskContext{s.host, cfg, s.metrics}, store: s.store}
	s.life = l
	go l.run(ctx)
}

// end ends the present life and forgets what it did not get acknowledged.
func (s *Source) end() error {
	s.stop()
	if err := s.ended(s.life.done); err != nil {
		return err
	}
	s.update(func() {
		lost := map[uint64]bool{}
		for _, q := range s.pending {
			lost[q.number] = true
		}
		var left []queued
		for _, q := range s.queue {
			if !lost[q.number] {
				left = append(left, q)
			}
		}
		s.queue, s.pending, s.granted, s.killed = left, nil, 0, false
	})
	return nil
}

func (s *Source) cleanup() {
	defer s.logging.close()
	if err := s.end(); err != nil {
		s.t.Error(err)
		return
	}
	if cause := s.leftover(); cause != nil {
		s.t.Errorf("connecttest: the task failed: %v", cause)
	}
}
