package worker

import "github.com/sluice-connect/sluice/connect"

// TopicTracker is a [StatusSink] that wants to know which topics tasks use (KIP-558). Its methods return at once.
type TopicTracker interface {
	// TopicUsed says that a task has written to a topic or read from it. It is called on many goroutines, and more than once for the same.
	TopicUsed(id TaskID, topic string)
	// TopicsForgotten is another number whenever some connector's topics have been forgotten: then TopicUsed wants to hear of all again. It is cheap.
	TopicsForgotten() uint64
}

// activeTopics tells the tracker each topic of a task once. The zero value tells nobody. It is for one goroutine at a time.
type activeTopics struct {
	tracker TopicTracker
	task    TaskID

	told      map[string]struct{}
	forgotten uint64
	last      string // told, and asked for again most likely
}

// toldTopicsCount bounds what is remembered; a task with more topics tells some of them again.
const toldTopicsCount = 4096

func newActiveTopics(s StatusSink, task TaskID) activeTopics {
	tracker, _ := s.(TopicTracker)
	return activeTopics{tracker: tracker, task: task, told: map[string]struct{}{}}
}

// produced looks at the topics of records that Kafka has. While they are of one topic that costs a comparison each.
func (a *activeTopics) produced(done []connect.Receipt) {
	if a.tracker == nil {
		return
	}
	a.renew()
	for i := range done {
		if topic := done[i].Topic; topic != a.last && topic != "" {
			a.tell(topic)
		}
	}
}

// consumed looks at the topic of a batch.
func (a *activeTopics) consumed(topic string) {
	if a.tracker == nil {
		return
	}
	a.renew()
	if topic != a.last {
		a.tell(topic)
	}
}

// renew begins anew after a reset.
func (a *activeTopics) renew() {
	if n := a.tracker.TopicsForgotten(); n != a.forgotten {
		a.forgotten, a.last = n, ""
		clear(a.told)
	}
}

func (a *activeTopics) tell(topic string) {
	a.last = topic
	if _, known := a.told[topic]; known {
		return
	}
	if len(a.told) >= toldTopicsCount {
		clear(a.told)
	}
	a.told[topic] = struct{}{}
	a.tracker.TopicUsed(a.task, topic)
}
