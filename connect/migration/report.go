// Package migration tells what of a Java Kafka Connect cluster would run here, without touching anything: it reads the cluster's topics, live or
// stopped, joins no group and writes nothing.
package migration

import "github.com/sluice-connect/sluice/connect/stores"

// Report is what was found. Values of configurations are never in it: keys and reasons are.
type Report struct {
	Group      string      `json:"group"`
	Topics     []Topic     `json:"topics"`
	Worker     []Finding   `json:"worker"`
	Connectors []Connector `json:"connectors"`
}

// Topic is one of the cluster's internal topics.
type Topic struct {
	Key     string `json:"key"`
	Name    string `json:"name"`
	Problem string `json:"problem,omitempty"` // why a worker would not start on it, or could not read it; "" for none
}

// Weight is what a finding means.
type Weight string

// The weights.
const (
	// Blocks keeps a connector, or the worker, from running.
	Blocks Weight = "blocks"
	// Differs is something that has no effect here, or another one.
	Differs Weight = "differs"
)

// Finding is what there is to say about a key.
type Finding struct {
	Key    string `json:"key"`
	Weight Weight `json:"weight"`
	Reason string `json:"reason"`
}

// Connector is one connector of the cluster.
type Connector struct {
	Name      string             `json:"name"`
	Class     string             `json:"class"`
	Type      string             `json:"type"`
	Target    stores.TargetState `json:"target"`
	Tasks     int                `json:"tasks"`
	LastState string             `json:"last_state,omitempty"` // of the connector and its tasks, as the status topic has them
	Offsets   string             `json:"offsets"`              // how many source partitions are stored, or topic partitions committed
	Runs      bool               `json:"runs"`
	Keys      int                `json:"keys"` // of its configuration; those without a finding are as they should be
	Findings  []Finding          `json:"findings"`
}

// Ready is how many connectors would run here.
func (r *Report) Ready() (n int) {
	for _, c := range r.Connectors {
		if c.Runs {
			n++
		}
	}
	return n
}

// Blocked reports whether the worker itself would not start.
func (r *Report) Blocked() bool {
	for _, t := range r.Topics {
		if t.Problem != "" {
			return true
		}
	}
	for _, f := range r.Worker {
		if f.Weight == Blocks {
			return true
		}
	}
	return false
}
