package worker

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

// diary is a TopicTracker that writes down what it hears.
type diary struct {
	StatusSink
	heard     []string
	forgotten uint64
}

func (d *diary) TopicUsed(_ TaskID, topic string) { d.heard = append(d.heard, topic) }
func (d *diary) TopicsForgotten() uint64          { return d.forgotten }

func TestATopicIsToldOnceUntilTopicsAreForgotten(t *testing.T) {
	d := &diary{}
	topics := newActiveTopics(d, TaskID{Connector: "c"})
	receipts := []connect.Receipt{{Topic: "a"}, {Topic: "a"}, {Topic: ""}, {Topic: "b"}, {Topic: "a"}}
	topics.produced(receipts)
	topics.produced(receipts)
	topics.consumed("b")
	require.Equal(t, []string{"a", "b"}, d.heard, "each once, and no topic is not one")
	d.forgotten++
	topics.produced(receipts[:2])
	require.Equal(t, []string{"a", "b", "a"}, d.heard)
	deaf := newActiveTopics(nil, TaskID{})
	deaf.produced(receipts)
	deaf.consumed("a")
}

func TestLookingForTopicsAllocatesNothing(t *testing.T) {
	topics := newActiveTopics(&diary{heard: make([]string, 0, 8)}, TaskID{})
	receipts := make([]connect.Receipt, 1024)
	for i := range receipts {
		receipts[i].Topic = []string{"a", "b"}[i%2]
	}
	require.Zero(t, testing.AllocsPerRun(100, func() { topics.produced(receipts) }))
}
