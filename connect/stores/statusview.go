package stores

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/sluice-connect/sluice/connect"
)

// statusView is what the records of the status topic say.
type statusView struct {
	mu         sync.RWMutex
	connectors map[string]*connectorStatuses
	forgotten  atomic.Uint64 // topics
}

type connectorStatuses struct {
	instances map[int]Status // WholeConnector and tasks
	topics    map[string]TopicStatus
}

// of returns a connector's statuses, made if missing. The caller holds the lock for writing.
func (v *statusView) of(connector string) *connectorStatuses {
	if v.connectors == nil {
		v.connectors = map[string]*connectorStatuses{}
	}
	c := v.connectors[connector]
	if c == nil {
		c = &connectorStatuses{instances: map[int]Status{}, topics: map[string]TopicStatus{}}
		v.connectors[connector] = c
	}
	return c
}

// prune forgets a connector of which nothing is known. The caller holds the lock for writing.
func (v *statusView) prune(connector string) {
	if c := v.connectors[connector]; c != nil && len(c.instances) == 0 && len(c.topics) == 0 {
		delete(v.connectors, connector)
	}
}

// apply takes in a record; the error is why it was ignored.
func (v *statusView) apply(e Entry) error {
	value, err := parse(e.Value)
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	key := string(e.Key)
	if name, ok := strings.CutPrefix(key, connectorStatusPrefix); ok {
		defer v.prune(name)
		return v.instance(ConnectorInstance(name), value)
	}
	if name, ok := strings.CutPrefix(key, taskStatusPrefix); ok {
		id, ok := parseTaskID(name)
		if !ok {
			return errors.New("the key does not end in a task's number")
		}
		defer v.prune(id.Connector)
		return v.instance(TaskInstance(id), value)
	}
	if name, ok := strings.CutPrefix(key, topicStatusPrefix); ok {
		return v.topic(name, value)
	}
	return errors.New("the key is of no known kind")
}

func (v *statusView) instance(i Instance, value connect.Value) error {
	c := v.of(i.Connector)
	if value.IsNull() {
		delete(c.instances, i.Task)
		if i.Task == WholeConnector {
			clear(c.instances) // a deleted connector takes its tasks along
		}
		return nil
	}
	s, ok := parseStatus(value)
	if !ok {
		return errors.New("the status is incomplete or its state unknown")
	}
	// A worker that lost a task may say so after the next has begun it.
	if old := c.instances[i.Task]; i.Task != WholeConnector && s.State == StateUnassigned &&
		old.State == StateRunning && old.Generation >= s.Generation {
		return nil
	}
	c.instances[i.Task] = s
	return nil
}

func (v *statusView) topic(name string, value connect.Value) error {
	connector, topic, ok := parseTopicKey(name)
	if !ok {
		return errors.New("the key names no topic and connector")
	}
	defer v.prune(connector)
	c := v.of(connector)
	if value.IsNull() {
		delete(c.topics, topic)
		v.forgotten.Add(1)
		return nil
	}
	t, ok := parseTopicStatus(value)
	if !ok {
		return errors.New("the topic's status is incomplete")
	}
	c.topics[topic] = t
	return nil
}

func (v *statusView) get(i Instance) (Status, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	c := v.connectors[i.Connector]
	if c == nil {
		return Status{}, false
	}
	s, ok := c.instances[i.Task]
	return s, ok
}

func (v *statusView) tasks(connector string) map[int]Status {
	v.mu.RLock()
	defer v.mu.RUnlock()
	tasks := map[int]Status{}
	if c := v.connectors[connector]; c != nil {
		maps.Copy(tasks, c.instances)
		delete(tasks, WholeConnector)
	}
	return tasks
}

func (v *statusView) all() []Instance {
	v.mu.RLock()
	defer v.mu.RUnlock()
	var all []Instance
	for _, name := range slices.Sorted(maps.Keys(v.connectors)) {
		for _, task := range slices.Sorted(maps.Keys(v.connectors[name].instances)) {
			all = append(all, Instance{name, task})
		}
	}
	return all
}

func (v *statusView) topicsOf(connector string) []TopicStatus {
	v.mu.RLock()
	defer v.mu.RUnlock()
	c := v.connectors[connector]
	if c == nil {
		return nil
	}
	topics := make([]TopicStatus, 0, len(c.topics))
	for _, name := range slices.Sorted(maps.Keys(c.topics)) {
		topics = append(topics, c.topics[name])
	}
	return topics
}

// topicUsers lists the connectors that use topics.
func (v *statusView) topicUsers() []string {
	v.mu.RLock()
	defer v.mu.RUnlock()
	var users []string
	for _, name := range slices.Sorted(maps.Keys(v.connectors)) {
		if len(v.connectors[name].topics) > 0 {
			users = append(users, name)
		}
	}
	return users
}

func (v *statusView) hasTopic(connector, topic string) bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	c := v.connectors[connector]
	if c == nil {
		return false
	}
	_, ok := c.topics[topic]
	return ok
}
