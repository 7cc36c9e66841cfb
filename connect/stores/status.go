package stores

import (
	"strconv"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/connect"
)

// State is what a connector or task is, as shown to users.
type State string

// The states.
const (
	StateUnassigned State = "UNASSIGNED"
	StateRunning    State = "RUNNING"
	StatePaused     State = "PAUSED"
	StateFailed     State = "FAILED"
	StateRestarting State = "RESTARTING"
	StateStopped    State = "STOPPED" // connectors only
)

// Status is a connector's or task's state and who says so.
type Status struct {
	State      State
	Trace      string // why it failed; "" is written as null
	WorkerID   string // host:port of the worker's REST listener
	Generation int    // of the group when the worker wrote it
	Version    string // of the plugin; "" is written as null
}

// Instance is what has a status: a task, or a connector itself.
type Instance struct {
	Connector string
	Task      int // WholeConnector for the connector itself
}

// WholeConnector is the number that stands for a connector itself among its tasks, as in the group protocol.
const WholeConnector = -1

// ConnectorInstance is a connector itself.
func ConnectorInstance(name string) Instance { return Instance{name, WholeConnector} }

// TaskInstance is a task.
func TaskInstance(id TaskID) Instance { return Instance(id) }

// String is for logs.
func (i Instance) String() string {
	if i.Task == WholeConnector {
		return i.Connector
	}
	return TaskID(i).String()
}

// TopicStatus says that a connector uses a topic (KIP-558).
type TopicStatus struct {
	Topic      string
	Connector  string
	Task       int // the first to use it
	Discovered time.Time
}

// Keys of the status topic.
const (
	connectorStatusPrefix = "status-connector-"
	taskStatusPrefix      = "status-task-"
	topicStatusPrefix     = "status-topic-"
	topicStatusInfix      = ":connector-"
)

func (i Instance) key() string {
	if i.Task == WholeConnector {
		return connectorStatusPrefix + i.Connector
	}
	return taskStatusPrefix + i.Connector + "-" + strconv.Itoa(i.Task)
}

func (s Status) record() []byte {
	return object(
		connect.Attr{Name: "state", Value: connect.String(string(s.State))},
		connect.Attr{Name: "trace", Value: textOrNull(s.Trace)},
		connect.Attr{Name: "worker_id", Value: connect.String(s.WorkerID)},
		connect.Attr{Name: "generation", Value: connect.Int64(int64(s.Generation))},
		connect.Attr{Name: "version", Value: textOrNull(s.Version)})
}

func textOrNull(s string) connect.Value {
	if s == "" {
		return connect.Value{}
	}
	return connect.String(s)
}

// parseStatus reads a status; ok is false where one of the members that Java requires is missing.
func parseStatus(v connect.Value) (s Status, ok bool) {
	state, hasState := text(member(v, "state"))
	worker, hasWorker := text(member(v, "worker_id"))
	generation, hasGeneration := integer(member(v, "generation"))
	trace, _ := text(member(v, "trace"))
	version, _ := text(member(v, "version"))
	s = Status{State(state), trace, worker, int(generation), version}
	return s, hasState && hasWorker && hasGeneration && s.State.known()
}

func (s State) known() bool {
	switch s {
	case StateUnassigned, StateRunning, StatePaused, StateFailed, StateRestarting, StateStopped:
		return true
	}
	return false
}

func topicStatusKey(connector, topic string) string {
	return topicStatusPrefix + topic + topicStatusInfix + connector
}

func (t TopicStatus) record() []byte {
	content := connect.NewMap(4).
		Put(connect.String("name"), connect.String(t.Topic)).
		Put(connect.String("connector"), connect.String(t.Connector)).
		Put(connect.String("task"), connect.Int64(int64(t.Task))).
		Put(connect.String("discoverTimestamp"), connect.Int64(t.Discovered.UnixMilli()))
	return object(connect.Attr{Name: "topic", Value: connect.MapOf(content)})
}

// parseTopicKey splits what follows the prefix at the first colon: topics' names have none, connectors' may.
func parseTopicKey(s string) (connector, topic string, ok bool) {
	topic, rest, found := strings.Cut(s, ":")
	if !found {
		return "", "", false
	}
	connector, found = strings.CutPrefix(":"+rest, topicStatusInfix)
	return connector, topic, found && connector != "" && topic != ""
}

func parseTopicStatus(v connect.Value) (t TopicStatus, ok bool) {
	content := member(v, "topic")
	name, hasName := text(member(content, "name"))
	connector, hasConnector := text(member(content, "connector"))
	task, hasTask := integer(member(content, "task"))
	discovered, hasTime := integer(member(content, "discoverTimestamp"))
	return TopicStatus{name, connector, int(task), time.UnixMilli(discovered)}, hasName && hasConnector && hasTask && hasTime
}
