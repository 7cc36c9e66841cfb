package stores

import (
	"maps"
	"slices"

	"github.com/sluice-connect/sluice/connect"
)

// ConfigState is the configuration of the cluster as of one offset of the config topic. It never changes; what its methods return is
// shared and must not be changed. The zero ConfigState is that of a topic of which nothing was read.
type ConfigState struct {
	next       int64 // the offset after the last record that was understood
	connectors map[string]connectorState
	fences     map[string]fence
	sessionKey *SessionKey
}

// connectorState is what a connector's records say; records that replace parts of it replace the maps as well.
type connectorState struct {
	config       connect.Config // nil without a configuration: records may outlive the connector
	target       TargetState
	tasks        map[int]connect.Config
	taskCount    int
	counted      bool // a commit was read
	inconsistent bool
	applied      connect.Config
}

// fence is what exactly-once delivery must remember of a connector. It outlives the connector, because the producers of its tasks do.
type fence struct {
	taskCount  int
	counted    bool
	pending    bool
	generation int // of task configurations; counts from 1 here
}

// Offset is the number that workers of a group compare to agree on a state: 1 more than the offset of the last record understood, -1
// if there was none. It is neither the topic's end nor a position: markers, holes and what is no JSON do not count.
func (s *ConfigState) Offset() int64 {
	if s.next == 0 {
		return -1
	}
	return s.next
}

// Connectors lists the connectors that have a configuration, sorted.
func (s *ConfigState) Connectors() []string {
	names := make([]string, 0, len(s.connectors))
	for name, c := range s.connectors {
		if c.config != nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Contains reports whether the connector has a configuration.
func (s *ConfigState) Contains(connector string) bool { return s.connectors[connector].config != nil }

// Connector is a connector's configuration as it was submitted, references to secrets unresolved; nil if there is none.
func (s *ConfigState) Connector(connector string) connect.Config {
	return s.connectors[connector].config
}

// Target is the connector's target state; ok is false for a connector that does not exist.
func (s *ConfigState) Target(connector string) (t TargetState, ok bool) {
	t = s.connectors[connector].target
	return t, t != ""
}

// Tasks lists the connector's tasks that may run: none while its task configurations are inconsistent.
func (s *ConfigState) Tasks(connector string) []TaskID {
	c := s.connectors[connector]
	if c.inconsistent {
		return nil
	}
	ids := make([]TaskID, 0, c.taskCount)
	for n := range c.taskCount {
		ids = append(ids, TaskID{connector, n})
	}
	return ids
}

// Task is a task's configuration; nil if there is none.
func (s *ConfigState) Task(id TaskID) connect.Config {
	return s.connectors[id.Connector].tasks[id.Task]
}

// TaskConfigs are the configurations of [ConfigState.Tasks], in their order.
func (s *ConfigState) TaskConfigs(connector string) []connect.Config {
	ids := s.Tasks(connector)
	configs := make([]connect.Config, 0, len(ids))
	for _, id := range ids {
		configs = append(configs, s.Task(id))
	}
	return configs
}

// TaskCount is the number of tasks last committed, also while they are inconsistent.
func (s *ConfigState) TaskCount(connector string) int { return s.connectors[connector].taskCount }

// Inconsistent reports that a commit was read without all of its tasks' configurations, which compaction may cause: whoever runs the
// connector must have them written anew.
func (s *ConfigState) Inconsistent(connector string) bool {
	return s.connectors[connector].inconsistent
}

// Applied is the connector's configuration at the time of the last complete commit of task configurations; nil if there is none.
func (s *ConfigState) Applied(connector string) connect.Config {
	return s.connectors[connector].applied
}

// TasksChanged reports whether these configurations must be written: their number or one of them differs from what is stored, or the
// connector's configuration has changed since those were made. (AbstractHerder.taskConfigsChanged)
func (s *ConfigState) TasksChanged(connector string, tasks []connect.Config) bool {
	c := s.connectors[connector]
	if len(tasks) != c.taskCount {
		return true
	}
	for n, config := range tasks {
		if stored := c.tasks[n]; c.inconsistent || stored == nil || !maps.Equal(config, stored) {
			return true
		}
	}
	return c.applied == nil || !maps.Equal(c.config, c.applied)
}

// SessionKey is the newest key for requests between workers; nil if there is none.
func (s *ConfigState) SessionKey() *SessionKey { return s.sessionKey }

// TaskCountRecord bounds the tasks whose transactional producers may exist; ok is false if none was ever recorded.
func (s *ConfigState) TaskCountRecord(connector string) (n int, ok bool) {
	f := s.fences[connector]
	return f.taskCount, f.counted
}

// PendingFencing reports that task configurations were committed after the last task-count record.
func (s *ConfigState) PendingFencing(connector string) bool { return s.fences[connector].pending }

// Generation counts the task configurations that were applied since this worker's start, from 0; -1 if there were none.
func (s *ConfigState) Generation(connector string) int { return s.fences[connector].generation - 1 }
