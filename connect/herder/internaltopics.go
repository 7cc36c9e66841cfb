package herder

import (
	"context"
	"errors"
)

// InternalTopicsPath is where a worker tells its [InternalTopics]. Between workers the request is signed, as if the path were its body.
const InternalTopicsPath = "/sluice/v1/internal-topics"

// InternalTopics are the topics in which a worker keeps the memory of its cluster. Kafka Connect's group protocol does not tell them, so that workers
// ask one another.
type InternalTopics struct {
	Worker string `json:"worker"` // URL
	Group  string `json:"group.id"`
	Config string `json:"config.storage.topic"`
	Offset string `json:"offset.storage.topic"`
	Status string `json:"status.storage.topic"`
	// Since is the generation of the group with which the worker's membership began; -1 before.
	Since int `json:"since_generation"`
}

// Disagreement is a topic that two workers of a group do not have in common.
type Disagreement struct {
	Key string `json:"key"` // of the workers' properties
	// Worker is the URL of the one that is to be set right, and Elder of the one that has been in the group for longer.
	Worker     string `json:"worker"`
	Value      string `json:"value"`
	Elder      string `json:"elder"`
	ElderValue string `json:"elder_value"`
}

// Disagreements are the topics of a worker that are not those of an elder one, in the order of what they cost.
func (t *InternalTopics) Disagreements(elder *InternalTopics) (all []Disagreement) {
	for _, topic := range []struct{ key, value, elders string }{
		{"config.storage.topic", t.Config, elder.Config},
		{"offset.storage.topic", t.Offset, elder.Offset},
		{"status.storage.topic", t.Status, elder.Status},
	} {
		if topic.value != topic.elders {
			all = append(all, Disagreement{Key: topic.key, Worker: t.Worker, Value: topic.value, Elder: elder.Worker, ElderValue: topic.elders})
		}
	}
	return all
}

// ErrUntold says that a worker does not tell its topics: it is one of Java's, or of another cluster.
var ErrUntold = errors.New("the worker does not tell its internal topics")

// InternalTopics are this worker's; nil where it has none. It waits for nothing: others ask before this worker has joined them.
func (h *Herder) InternalTopics() *InternalTopics { return h.Membership.InternalTopics() }

// InternalTopicsOf implements [Mind].
func (m *mind) InternalTopicsOf(ctx context.Context, url string) (*InternalTopics, error) {
	return m.h.Peers.InternalTopics(ctx, url, m.h.signKnown)
}

// signKnown signs a request to a worker of whose group this one is no member yet, as far as it knows the cluster's key; nil where it does not.
func (h *Herder) signKnown(body []byte) (*Signature, error) {
	key := h.configs.Snapshot().SessionKey()
	if key == nil {
		return nil, nil
	}
	s, err := Sign(key.Key, h.Keys.SignAlgorithm, body)
	return &s, err
}
