package connecttest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/sluice-connect/sluice/connect"
)

// Sink is a sink task in its runtime, which consumes in-memory topics that the test fills. Its methods are for the test's goroutine; they
// end the test where they cannot do what they say.
type Sink struct {
	*host
	connector connect.SinkConnector
	life      *sinkLife

	topics    topics // guarded by host.state, as is what follows
	errant    []Report
	suspended chan struct{} // what the task is told; nil for none
	heldBack  bool          // the task has been told since Suspend
}

// Report is a record that went to the connector's error handling: handed to [connect.SinkContext] Report, or named in a [connect.BatchError].
type Report struct {
	Record connect.SinkRecord
	Cause  error
}

// StartSink checks cfg by the connector's Spec and Validate and opens a task, without any partition. The test's cleanup commits nothing more,
// closes the task, and fails the test for a failure that the test did not ask for.
func StartSink(t testing.TB, c connect.SinkConnector, cfg connect.Config, opts ...Option) *Sink {
	t.Helper()
	h := newHost(t, cfg, opts)
	h.validate(c.Spec(), c)
	s := &Sink{host: h, connector: c, topics: newTopics()}
	s.begin()
	t.Cleanup(s.cleanup)
	return s
}

// Put appends records to the topics and waits until the task has taken them, those of paused partitions excepted. A record without
// Consumed is appended to Topic (or "test") and Partition (or 0), at the next offset. Partitions that occur for the first time are
// assigned before.
func (s *Sink) Put(records ...connect.SinkRecord) {
	s.t.Helper()
	s.Send(records...)
	s.AwaitTaken()
}

// Send is Put without the waiting: for a task that is expected to refuse, to fail, or to pause.
func (s *Sink) Send(records ...connect.SinkRecord) {
	s.t.Helper()
	var fresh []connect.TopicPartition
	s.update(func() { fresh = s.topics.add(records) })
	if len(fresh) > 0 {
		s.Assign(fresh...)
	}
}

// AwaitTaken waits until the task has taken all that is in its partitions, those that it paused excepted.
func (s *Sink) AwaitTaken() {
	s.t.Helper()
	s.need("want all records to be taken", func() bool { return s.topics.taken() })
}

// Commit asks the task how far it is, commits that, and returns all committed offsets. An error of PreCommit ends the test.
func (s *Sink) Commit() connect.Offsets {
	s.t.Helper()
	committed, err := s.TryCommit()
	if err != nil {
		s.t.Fatalf("connecttest: PreCommit: %v", err)
	}
	return committed
}

// TryCommit is Commit that returns PreCommit's error. The records since the last commit are then put again.
func (s *Sink) TryCommit() (committed connect.Offsets, err error) {
	s.t.Helper()
	s.do("PreCommit", func(ctx context.Context, l *sinkLife) { err = l.commit(ctx) })
	return s.Committed(), err
}

// Committed returns the committed offsets.
func (s *Sink) Committed() (offsets connect.Offsets) {
	s.update(func() { offsets = maps.Clone(s.topics.committed) })
	return offsets
}

// Assign gives partitions to the task, from their committed offsets on.
func (s *Sink) Assign(partitions ...connect.TopicPartition) {
	s.t.Helper()
	s.do("Assigned", func(ctx context.Context, l *sinkLife) { l.assign(ctx, partitions) })
}

// Revoke drains and commits, and takes partitions from the task.
func (s *Sink) Revoke(partitions ...connect.TopicPartition) {
	s.t.Helper()
	s.do("Revoked", func(ctx context.Context, l *sinkLife) { l.revoke(ctx, partitions) })
}

// Rewind makes the task's partitions go on from these offsets, so that records come again, as a worker does that reads anew from the last committed ones.
func (s *Sink) Rewind(offsets connect.Offsets) {
	s.t.Helper()
	s.do("the batch before", func(context.Context, *sinkLife) {
		s.update(func() { maps.Copy(s.topics.rewound, offsets) })
	})
}

// do runs a step on the task's goroutine.
func (s *Sink) do(name string, step func(ctx context.Context, l *sinkLife)) {
	s.t.Helper()
	done := false // guarded by state
	life := s.life
	s.update(func() {
		life.steps = append(life.steps, func(ctx context.Context) {
			step(ctx, life)
			s.update(func() { done = true })
		})
	})
	s.need(fmt.Sprintf("want %s to return", name), func() bool { return done })
}

// Suspend is the loss of the worker's cluster: nothing more is put, and [connect.SinkContext] Suspended tells the task to write nothing, until Resume.
func (s *Sink) Suspend() {
	s.update(func() { s.suspended, s.heldBack = make(chan struct{}), false })
}

// AwaitHeldBack waits until the task has asked whether it may write, and was told that it must not.
func (s *Sink) AwaitHeldBack() {
	s.t.Helper()
	s.need("want the task to ask whether it may write", func() bool { return s.heldBack })
}

// Resume takes Suspend back.
func (s *Sink) Resume() {
	s.update(func() {
		close(s.suspended)
		s.suspended = nil
	})
}

// Reports returns the records that went to the error handling so far.
func (s *Sink) Reports() (reports []Report) {
	s.update(func() { reports = slices.Clone(s.errant) })
	return reports
}

// Paused returns the partitions that the task has paused, in order of name.
func (s *Sink) Paused() (partitions []connect.TopicPartition) {
	s.update(func() { partitions = slices.SortedFunc(maps.Keys(s.topics.paused), byName) })
	return partitions
}

// AwaitPaused waits until the task has paused so many partitions.
func (s *Sink) AwaitPaused(n int) {
	s.t.Helper()
	s.need(fmt.Sprintf("want %d paused partitions", n), func() bool { return len(s.topics.paused) == n })
}

// AwaitCommitted waits until tp is committed up to offset, by [connect.SinkContext] RequestCommit or by what the test does elsewhere.
func (s *Sink) AwaitCommitted(tp connect.TopicPartition, offset int64) {
	s.t.Helper()
	s.need(fmt.Sprintf("want %s-%d committed up to %d", tp.Topic, tp.Partition, offset), func() bool { return s.topics.committed[tp] >= offset })
}

// Drain has the task finish what it has in flight, as before partitions are closed; then it commits, and returns all committed offsets.
func (s *Sink) Drain() connect.Offsets {
	s.t.Helper()
	s.do("Drain", func(ctx context.Context, l *sinkLife) { l.drain(ctx) })
	return s.Commit()
}

// Restart drains and commits, ends the task in good order, and opens one anew with the same partitions, from the committed offsets on.
func (s *Sink) Restart() {
	s.t.Helper()
	s.Drain()
	s.Kill()
}

// Kill ends the task without a commit, and opens one anew with the same partitions, from the committed offsets on.
func (s *Sink) Kill() {
	s.t.Helper()
	s.Stop()
	var had []connect.TopicPartition
	s.update(func() { had = s.topics.release() })
	s.begin()
	if len(had) > 0 {
		s.Assign(had...)
	}
}

// Stop ends the task, without a commit.
func (s *Sink) Stop() {
	s.t.Helper()
	if err := s.end(); err != nil {
		s.t.Fatal(err)
	}
}

func (s *Sink) begin() {
	s.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	s.host.begin(stop)
	l := &sinkLife{Sink: s, done: make(chan struct{})}
	l.rt = sinkContext{taskContext: taskContext{s.host, s.split(s.connector, s.config), s.metrics}, life: l}
	s.life = l
	go l.run(ctx)
}

func (s *Sink) end() error {
	s.stop()
	return s.ended(s.life.done)
}

func (s *Sink) cleanup() {
	defer s.logging.close()
	if err := s.end(); err != nil {
		s.t.Error(err)
		return
	}
	if cause := s.leftover(); cause != nil {
		s.t.Errorf("connecttest: the task failed: %v", cause)
	}
}
