package herder

import (
	"context"
	"time"

	"github.com/sluice-connect/sluice/connect/stores"
)

// TopicPolicy says what becomes known of the topics that connectors use (KIP-558).
type TopicPolicy struct {
	Tracked    bool // topic.tracking.enable
	Resettable bool // topic.tracking.allow.reset
}

// ActiveTopics lists the topics that a connector has used since it was created or its topics were reset. Nobody asks whether there is such a
// connector.
func (h *Herder) ActiveTopics(ctx context.Context, name string) (ActiveTopics, error) {
	if !h.Topics.Tracked {
		return ActiveTopics{}, &DisabledError{Message: "Topic tracking is disabled."}
	}
	if err := h.await(ctx); err != nil {
		return ActiveTopics{}, err
	}
	active := ActiveTopics{Topics: []string{}}
	for _, t := range h.Statuses.Topics(name) {
		active.Topics = append(active.Topics, t.Topic)
	}
	return active, nil
}

// ResetTopics forgets the topics that a connector has used. Those that it goes on using are found again.
func (h *Herder) ResetTopics(ctx context.Context, name string) error {
	switch {
	case !h.Topics.Tracked:
		return &DisabledError{Message: "Topic tracking is disabled."}
	case !h.Topics.Resettable:
		return &DisabledError{Message: "Topic tracking reset is disabled."}
	}
	if err := h.await(ctx); err != nil {
		return err
	}
	h.forgetTopics(name)
	return nil
}

func (h *Herder) forgetTopics(name string) {
	for _, t := range h.Statuses.Topics(name) {
		h.Statuses.DeleteTopic(name, t.Topic)
	}
}

// TopicUsed implements [worker.TopicTracker]. What belongs to nothing any more is not written: a deleted connector's tasks end later than it does.
func (r reporter) TopicUsed(id stores.TaskID, topic string) {
	h := r.h
	if !h.Topics.Tracked || h.Statuses.HasTopic(id.Connector, topic) || !h.configs.Snapshot().Contains(id.Connector) {
		return
	}
	h.Statuses.PutTopic(stores.TopicStatus{Topic: topic, Connector: id.Connector, Task: id.Task, Discovered: time.Now()})
}

// TopicsForgotten implements [worker.TopicTracker].
func (r reporter) TopicsForgotten() uint64 { return r.h.Statuses.TopicsForgotten() }
