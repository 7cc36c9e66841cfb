package stores

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/sluice-connect/sluice/connect"
)

// configView computes the state of the cluster from the records of the config topic (KafkaConfigBackingStore's consume callback).
type configView struct {
	mu       sync.Mutex
	state    ConfigState
	shared   bool // state was given out: its maps must be copied before the next change
	buffered map[string]map[int]connect.Config
}

// snapshot is the state as it is, not to be changed any more.
func (v *configView) snapshot() *ConfigState {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.shared = true
	s := v.state
	return &s
}

// apply takes in a record and returns what happened, nil for nothing to tell. The error is why a record was ignored; it tells no values.
// Such a record moves the config offset all the same, except one that is no JSON: workers compare that number, so the rule is Java's.
func (v *configView) apply(e Entry) (ConfigEvent, error) {
	value, err := parse(e.Value)
	if err != nil {
		return nil, errors.New("the value is no JSON")
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.own()
	v.state.next = e.Offset + 1
	return v.dispatch(string(e.Key), value)
}

// own makes the maps safe to change.
func (v *configView) own() {
	if v.state.connectors == nil {
		v.state.connectors, v.state.fences = map[string]connectorState{}, map[string]fence{}
		v.buffered = map[string]map[int]connect.Config{}
	}
	if v.shared {
		v.state.connectors, v.state.fences = maps.Clone(v.state.connectors), maps.Clone(v.state.fences)
		v.shared = false
	}
}

func (v *configView) dispatch(key string, value connect.Value) (ConfigEvent, error) {
	if key == sessionKeyKey {
		return v.sessionKey(value)
	}
	for _, kind := range []struct {
		prefix string
		apply  func(name string, value connect.Value) (ConfigEvent, error)
	}{
		{targetPrefix, v.target}, {connectorPrefix, v.connector}, {taskPrefix, v.task}, {commitPrefix, v.commit},
		{restartPrefix, v.restart}, {taskCountPrefix, v.taskCount}, {loggerPrefix, v.logger},
	} {
		if name, ok := strings.CutPrefix(key, kind.prefix); ok {
			return kind.apply(name, value)
		}
	}
	return nil, errors.New("the key is of no known kind")
}

func (v *configView) target(name string, value connect.Value) (ConfigEvent, error) {
	c := v.state.connectors[name]
	if value.IsNull() {
		c.target = ""
		if c.config != nil {
			c.target = Started
		}
		v.put(name, c)
		return nil, nil
	}
	t, ok := targetState(value)
	if !ok {
		return nil, errors.New("neither state.v2 nor state is STARTED, PAUSED or STOPPED")
	}
	changed := c.target != t
	c.target = t
	v.put(name, c)
	if !changed || c.config == nil {
		return nil, nil
	}
	return TargetStateChanged{name}, nil
}

func (v *configView) connector(name string, value connect.Value) (ConfigEvent, error) {
	if value.IsNull() {
		v.remove(name)
		return ConnectorRemoved{name}, nil
	}
	config, ok := parseProperties(value)
	if !ok {
		return nil, errors.New("the member properties is missing or not an object of texts")
	}
	c := v.state.connectors[name]
	c.config = config
	if c.target == "" {
		c.target = Started
	}
	v.put(name, c)
	return ConnectorChanged{name}, nil
}

// remove forgets a connector except for its target state, which has a record of its own, and what fencing needs.
func (v *configView) remove(name string) {
	c := v.state.connectors[name]
	v.put(name, connectorState{target: c.target, inconsistent: c.inconsistent})
	delete(v.buffered, name)
}

// put keeps c, unless it says nothing.
func (v *configView) put(name string, c connectorState) {
	if c.config == nil && c.target == "" && !c.inconsistent && !c.counted {
		delete(v.state.connectors, name)
		return
	}
	v.state.connectors[name] = c
}

// task keeps a task's configuration for the commit, which alone makes it effective.
func (v *configView) task(key string, value connect.Value) (ConfigEvent, error) {
	id, ok := parseTaskID(key)
	if !ok {
		return nil, errors.New("the key does not end in a task's number")
	}
	config, ok := parseProperties(value)
	if !ok {
		return nil, errors.New("the member properties is missing or not an object of texts")
	}
	if v.buffered[id.Connector] == nil {
		v.buffered[id.Connector] = map[int]connect.Config{}
	}
	v.buffered[id.Connector][id.Task] = config
	return nil, nil
}

// commit makes the buffered task configurations effective, if they are all there.
func (v *configView) commit(name string, value connect.Value) (ConfigEvent, error) {
	c := v.state.connectors[name]
	if c.config == nil { // compaction has moved the connector's record behind this one
		v.remove(name)
		return nil, nil
	}
	count, ok := integer(member(value, "tasks"))
	if !ok || count != int64(int32(count)) {
		return nil, errors.New("the member tasks is no number")
	}
	buffer, hasBuffer := v.buffered[name]
	var applied []TaskID
	c.inconsistent = !complete(buffer, int(count))
	if !c.inconsistent {
		if hasBuffer {
			c.tasks, applied = merged(c.tasks, buffer), taskIDs(name, buffer)
			v.fence(name, func(f *fence) { f.generation++ })
		}
		c.applied = c.config
	}
	if hasBuffer {
		v.buffered[name] = map[int]connect.Config{}
	}
	c.taskCount, c.counted = int(count), true
	v.put(name, c)
	v.fence(name, func(f *fence) { f.pending = true })
	return TasksChanged{name, applied}, nil
}

func complete(buffer map[int]connect.Config, count int) bool {
	for n := range count {
		if _, ok := buffer[n]; !ok {
			return false
		}
	}
	return true
}

func merged(tasks, buffer map[int]connect.Config) map[int]connect.Config {
	all := make(map[int]connect.Config, len(tasks)+len(buffer))
	maps.Copy(all, tasks)
	maps.Copy(all, buffer)
	return all
}

func taskIDs(connector string, tasks map[int]connect.Config) []TaskID {
	ids := make([]TaskID, 0, len(tasks))
	for _, n := range slices.Sorted(maps.Keys(tasks)) {
		ids = append(ids, TaskID{connector, n})
	}
	return ids
}

func (v *configView) fence(name string, change func(*fence)) {
	f := v.state.fences[name]
	change(&f)
	v.state.fences[name] = f
}

func (v *configView) restart(name string, value connect.Value) (ConfigEvent, error) {
	request, ok := parseRestart(name, value)
	if !ok {
		return nil, errors.New("the value is no object")
	}
	return RestartRequested{request}, nil
}

func (v *configView) taskCount(name string, value connect.Value) (ConfigEvent, error) {
	count, ok := integer(member(value, "task-count"))
	if !ok {
		return nil, errors.New("the member task-count is no number")
	}
	v.fence(name, func(f *fence) { f.taskCount, f.counted, f.pending = int(count), true, false })
	return nil, nil
}

func (v *configView) sessionKey(value connect.Value) (ConfigEvent, error) {
	key, ok := parseSessionKey(value)
	if !ok {
		return nil, errors.New("the session key is incomplete or not Base64")
	}
	v.state.sessionKey = &key
	return SessionKeyChanged{key}, nil
}

func (v *configView) logger(namespace string, value connect.Value) (ConfigEvent, error) {
	level, ok := text(member(value, "level"))
	if !ok {
		return nil, errors.New("the member level is no text")
	}
	return LoggerLevelChanged{namespace, level}, nil
}
