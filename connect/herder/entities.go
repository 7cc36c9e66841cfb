package herder

import (
	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/stores"
)

// The answers of the herder, with the members and their order as Kafka Connect's REST API writes them
// (org.apache.kafka.connect.runtime.rest.entities). Java workers read some of them strictly: no member may be added.

// ServerInfo describes the worker.
type ServerInfo struct {
	Version        string  `json:"version"`
	Commit         string  `json:"commit"`
	KafkaClusterID *string `json:"kafka_cluster_id"`
}

// ConnectorInfo is a connector, its configuration as submitted, and its tasks.
type ConnectorInfo struct {
	Name   string            `json:"name"`
	Config map[string]string `json:"config"`
	Tasks  []TaskRef         `json:"tasks"`
	Type   string            `json:"type"` // source, sink or unknown
}

// TaskRef names a task.
type TaskRef struct {
	Connector string `json:"connector"`
	Task      int    `json:"task"`
}

// TaskInfo is a task and its configuration.
type TaskInfo struct {
	ID     TaskRef           `json:"id"`
	Config map[string]string `json:"config"`
}

// ConnectorStateInfo is the status of a connector and its tasks, sorted by number.
type ConnectorStateInfo struct {
	Name      string         `json:"name"`
	Connector ConnectorState `json:"connector"`
	Tasks     []TaskState    `json:"tasks"`
	Type      string         `json:"type"`
}

// ConnectorState is the status of a connector's instance.
type ConnectorState struct {
	State    string  `json:"state"`
	WorkerID string  `json:"worker_id"`
	Trace    string  `json:"trace,omitempty"`
	Version  *string `json:"version"`
}

// TaskState is the status of a task.
type TaskState struct {
	ID       int     `json:"id"`
	State    string  `json:"state"`
	WorkerID string  `json:"worker_id"`
	Trace    string  `json:"trace,omitempty"`
	Version  *string `json:"version"`
}

// ConnectorOffsets are offsets of a connector, whose kind is the plugin's affair for a source; a sink's are those of its consumer group.
type ConnectorOffsets struct {
	Offsets []ConnectorOffset `json:"offsets"`
}

// ConnectorOffset is a partition and its offset; nil stands for null.
type ConnectorOffset struct {
	Partition stores.Members `json:"partition"`
	Offset    stores.Members `json:"offset"`
}

// Message tells a user how something went.
type Message struct {
	Message string `json:"message"`
}

// ActiveTopics are the topics that a connector uses, sorted.
type ActiveTopics struct {
	Topics []string `json:"topics"`
}

// NewConnector asks for a connector.
type NewConnector struct {
	Name   string
	Config connect.Config
	// Nulls are keys that are given as null, which is an error of the configuration; they are not in it.
	Nulls []string
	// InitialState is RUNNING, PAUSED or STOPPED; "" leaves it to the framework: RUNNING, and no record of it.
	InitialState string
}

// Created tells what became of a submitted configuration.
type Created struct {
	Info ConnectorInfo
	// New is true where the connector did not exist before.
	New bool
	// Warnings are findings that did not prevent acceptance: unknown keys, a server out of reach.
	Warnings []string
}
