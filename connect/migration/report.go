// Package migration tells what of a Java Kafka Connect cluster would run here, without touching anything: it reads the cluster's topics, live or
// stopped, joins no group, creates nothing and writes nothing.
package migration

import (
	"cmp"
	"slices"

	"github.com/sluice-connect/sluice/connect/redaction"
	"github.com/sluice-connect/sluice/connect/stores"
)

// Report is what was found. Values of configurations are never in it, but for names of connectors, classes, topics and brokers: keys and reasons are.
type Report struct {
	Kafka      Kafka       `json:"kafka"`
	Group      Group       `json:"group"`
	Topics     []Topic     `json:"topics"` // of configurations, offsets and statuses
	Worker     []Finding   `json:"worker"` // one for each key of the worker's properties, the worst first
	Connectors []Connector `json:"connectors"`
	Runnable   int         `json:"runnable"` // how many of the connectors would run here
	Verdict    Verdict     `json:"verdict"`
}

// Verdict is the report in a word: of the connectors all would run here, or some would not.
type Verdict string

// The verdicts.
const (
	AllRun  Verdict = "all"
	SomeDo  Verdict = "some"
	Untold  Verdict = "untold"  // there is no config topic, or nothing in it
	Blocked Verdict = "blocked" // the worker itself would not start
)

// Kafka is the cluster that the worker's properties name.
type Kafka struct {
	Bootstrap []string `json:"bootstrap_servers"`
	ClusterID string   `json:"cluster_id"`
	Brokers   []Broker `json:"brokers"`
}

// Broker is one of its brokers, by the address that it advertises.
type Broker struct {
	ID      int32  `json:"id"`
	Address string `json:"address"`
	Problem string `json:"problem,omitempty"` // why it cannot be reached from here
}

// Group is the workers' group.
type Group struct {
	ID      string `json:"id"`
	State   string `json:"state,omitempty"`
	Members int    `json:"members"`
	Problem string `json:"problem,omitempty"` // why that cannot be told, or what is wrong with it
}

// Places of the topics in a report.
const (
	configTopic = iota
	offsetTopic
	statusTopic
)

// Topic is one of the cluster's internal topics.
type Topic struct {
	Key        string `json:"key"`
	Name       string `json:"name"`
	There      bool   `json:"there"`
	Partitions int    `json:"partitions"`
	Policy     string `json:"cleanup_policy,omitempty"`
	Records    int    `json:"records"`
	Ignored    int    `json:"ignored"`           // of the records, those that no worker understands
	Problem    string `json:"problem,omitempty"` // why a worker would not start on it, or would start with nothing
	blocks     bool
}

// Weight is what a finding means.
type Weight string

// The weights, the worst first.
const (
	Blocks   Weight = "blocks"   // it keeps the connector, or the worker, from running
	Missing  Weight = "missing"  // what it does in Java is not done here
	Differs  Weight = "differs"  // it is done here in another way
	Ignored  Weight = "ignored"  // it has no effect here, and need not have one
	Unknown  Weight = "unknown"  // nobody here knows the key
	Unjudged Weight = "unjudged" // only a class that is not here knows the key
	OK       Weight = "ok"
)

var weights = []Weight{Blocks, Missing, Differs, Ignored, Unknown, Unjudged, OK}

// Finding is what there is to say about a key.
type Finding struct {
	Key    string `json:"key"`
	Weight Weight `json:"weight"`
	Reason string `json:"reason,omitempty"` // and what to do, after a colon
}

// Connector is one connector of the cluster.
type Connector struct {
	Name    string             `json:"name"`
	Class   string             `json:"class"`
	Here    string             `json:"here,omitempty"` // the class that would run; "" where it is not here
	Type    string             `json:"type"`           // source, sink or unknown
	Target  stores.TargetState `json:"target"`
	Tasks   int                `json:"tasks"`
	Status  *Status            `json:"status"` // null where the status topic has none
	Offsets Offsets            `json:"offsets"`
	Runs    bool               `json:"runs"`
	Keys    []Finding          `json:"keys"` // one for each key of its configuration, and for keys that it lacks; the worst first
}

// Status is what a connector and its tasks were last said to be.
type Status struct {
	Connector stores.State         `json:"connector"`
	Worker    string               `json:"worker"`
	Tasks     map[stores.State]int `json:"tasks"`
}

// Offsets is what a connector would go on from.
type Offsets struct {
	Group      string `json:"group,omitempty"` // the consumer group of a sink; "" for the offset topic
	Count      int    `json:"count"`           // source partitions stored, or topic partitions committed
	Unreadable int    `json:"unreadable"`
	Problem    string `json:"problem,omitempty"` // why they cannot be told
}

// judge sums the findings up.
func (r *Report) judge() {
	for _, c := range r.Connectors {
		if c.Runs {
			r.Runnable++
		}
	}
	switch {
	case !r.Topics[configTopic].There || r.Topics[configTopic].Records == 0:
		r.Verdict = Untold
	case slices.ContainsFunc(r.Worker, Finding.stops) || slices.ContainsFunc(r.Topics, func(t Topic) bool { return t.blocks }):
		r.Verdict = Blocked
	case r.Runnable < len(r.Connectors):
		r.Verdict = SomeDo
	default:
		r.Verdict = AllRun
	}
}

// stops reports whether a key keeps the worker itself from running; those of tasks' clients stop tasks.
func (f Finding) stops() bool { return f.Weight == Blocks && !ofTasks(f.Key) }

// findings gathers what there is to say about the keys of one configuration.
type findings struct {
	secrets redaction.Values
	all     []Finding
}

func (f *findings) add(key string, w Weight, reason string) {
	f.all = append(f.all, Finding{key, w, reason})
}

// quote adds the words of a check, which may repeat values.
func (f *findings) quote(key string, w Weight, reason string) {
	f.add(key, w, f.secrets.Removed(unframed(key, reason)))
}

// has reports whether something was said about a key.
func (f *findings) has(key string) bool {
	return slices.ContainsFunc(f.all, func(one Finding) bool { return one.Key == key })
}

// blocked reports whether something stands against a key.
func (f *findings) blocked(key string) bool {
	return slices.ContainsFunc(f.all, func(one Finding) bool { return one.Key == key && one.Weight == Blocks })
}

// sorted is the worst first, then by key.
func (f *findings) sorted() []Finding {
	slices.SortStableFunc(f.all, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(slices.Index(weights, a.Weight), slices.Index(weights, b.Weight)), cmp.Compare(a.Key, b.Key))
	})
	return f.all
}
