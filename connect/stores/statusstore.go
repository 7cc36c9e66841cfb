package stores

import (
	"context"
	"fmt"
	"log/slog"
)

// StatusStore shows users what connectors and tasks are doing. Writing is asynchronous: a status is seen, here and by every other worker,
// once it has come back from the topic. Its methods are safe for concurrent use once Start has returned.
type StatusStore struct {
	journal journal
	logger  *slog.Logger
	view    statusView
	outbox  *outbox
}

// NewStatusStore is the store on a topic made by [StatusTopic].
func NewStatusStore(k Kafka, topic Topic) *StatusStore {
	s := &StatusStore{logger: k.logger().With("topic", topic.Name)}
	s.journal = NewLog(k, topic, s.replay)
	s.outbox = newOutbox(s.journal.Send, "writing statuses", k.outages(), s.logger)
	return s
}

// NewMemoryStatusStore is the store of a standalone worker, empty at its start.
func NewMemoryStatusStore(logger *slog.Logger) *StatusStore {
	s := &StatusStore{logger: orDiscard(logger)}
	s.journal = &memory{deliver: s.replay}
	s.outbox = newOutbox(s.journal.Send, "writing statuses", new(Outages), s.logger)
	return s
}

// Start reads everything. See [Log.Start] for its errors.
func (s *StatusStore) Start(ctx context.Context) error {
	if err := s.journal.Start(ctx); err != nil {
		return fmt.Errorf("starting the status store: %w", err)
	}
	s.outbox.start(context.WithoutCancel(ctx))
	return nil
}

// Close sends what is waiting, until ctx ends.
func (s *StatusStore) Close(ctx context.Context) error {
	flushed := s.outbox.close(ctx)
	if err := s.journal.Close(ctx); err != nil {
		return err
	}
	return flushed
}

// Outage tells whether the store can read at present.
func (s *StatusStore) Outage() Outage { return s.journal.Outage() }

func (s *StatusStore) replay(e Entry) {
	if err := s.view.apply(e); err != nil {
		s.logger.Error("ignoring a status record", "key", string(e.Key), "partition", e.Partition, "offset", e.Offset, "cause", err)
	}
}

// Refresh reads to the topic's end.
func (s *StatusStore) Refresh(ctx context.Context) error { return s.journal.ReadToEnd(ctx) }

// Put writes a status whatever is known so far: for what this worker has just begun to do. While the brokers are away it is kept and tried
// again, until a newer one takes its place or the worker reports in another generation.
func (s *StatusStore) Put(i Instance, status Status) {
	s.outbox.generation(status.Generation)
	s.outbox.put(i.key(), message{value: status.record(), wanted: s.sameGeneration(status)})
}

// PutSafe writes a status unless another worker has written one in a later generation: for what ends, as somebody else may have begun it by
// then. The rule is applied again before each try.
func (s *StatusStore) PutSafe(i Instance, status Status) {
	s.outbox.generation(status.Generation)
	allowed := func() bool {
		old, known := s.view.get(i)
		return !known || old.WorkerID == status.WorkerID || old.Generation <= status.Generation
	}
	if !allowed() {
		return
	}
	sameGeneration := s.sameGeneration(status)
	s.outbox.put(i.key(), message{value: status.record(), wanted: func() bool { return sameGeneration() && allowed() }})
}

// sameGeneration is Java's test for a status that failed to be written: this worker speaks in the same generation still.
func (s *StatusStore) sameGeneration(status Status) func() bool {
	return func() bool { return s.outbox.inGeneration(status.Generation) }
}

// Delete removes a status; that of a connector takes those of its tasks along.
func (s *StatusStore) Delete(i Instance) { s.outbox.put(i.key(), message{wanted: always}) }

// Get is a status; ok is false where there is none.
func (s *StatusStore) Get(i Instance) (status Status, ok bool) { return s.view.get(i) }

// Tasks are the statuses of a connector's tasks by number, a copy.
func (s *StatusStore) Tasks(connector string) map[int]Status { return s.view.tasks(connector) }

// Instances lists everything that has a status, by connector, the connector itself before its tasks.
func (s *StatusStore) Instances() []Instance { return s.view.all() }

// PutTopic says that a connector uses a topic.
func (s *StatusStore) PutTopic(t TopicStatus) {
	s.outbox.put(topicStatusKey(t.Connector, t.Topic), message{value: t.record(), wanted: always})
}

// DeleteTopic says that a connector does not use a topic.
func (s *StatusStore) DeleteTopic(connector, topic string) {
	s.outbox.put(topicStatusKey(connector, topic), message{wanted: always})
}

// HasTopic reports whether a connector is known to use a topic. It is cheap.
func (s *StatusStore) HasTopic(connector, topic string) bool {
	return s.view.hasTopic(connector, topic)
}

// Topics lists the topics that a connector uses, sorted by name.
func (s *StatusStore) Topics(connector string) []TopicStatus { return s.view.topicsOf(connector) }

// TopicUsers lists the connectors that are known to use topics, sorted.
func (s *StatusStore) TopicUsers() []string { return s.view.topicUsers() }

// TopicsForgotten counts how often some connector's use of a topic was deleted. It is cheap.
func (s *StatusStore) TopicsForgotten() uint64 { return s.view.forgotten.Load() }

// Flush returns when everything put so far is stored, or not wanted any more.
func (s *StatusStore) Flush(ctx context.Context) error {
	if err := s.outbox.flush(ctx); err != nil {
		return fmt.Errorf("flushing the status store: %w", err)
	}
	return nil
}

func always() bool { return true }
