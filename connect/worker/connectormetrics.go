package worker

import (
	"strings"
	"sync"
	"time"

	"github.com/sluice-connect/sluice/connect/metrics"
)

// destroyed is what Java calls a task whose connector is being deleted. Here it is none until it is gone.
const destroyed State = "DESTROYED"

// taskCounts are how many tasks of a connector are here, by state.
type taskCounts map[State]int

func (c taskCounts) total() (n int) {
	for _, count := range c {
		n += count
	}
	return n
}

var taskCountFamily = taskCountsFamily()

func taskCountsFamily() *metrics.Family[taskCounts] {
	f := metrics.NewFamily[taskCounts]("kafka_connect_connect_worker_metrics_connector_", "connector").
		Gauge("total_task_count", "Tasks of the connector in this worker.", func(c taskCounts, _ time.Time) float64 { return float64(c.total()) })
	for _, state := range []State{Running, Paused, Failed, Unassigned, destroyed, Restarting} {
		word := strings.ToLower(string(state))
		f.Gauge(word+"_task_count", "Tasks of the connector in this worker that are "+word+".",
			func(c taskCounts, _ time.Time) float64 { return float64(c[state]) })
	}
	return f
}

// connectorMetrics are those of a connector's instance.
type connectorMetrics struct {
	mu                   sync.Mutex
	state                State
	class, kind, version string
}

func (c *connectorMetrics) noted(state State, version string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state, c.version = state, version
}

// is says what the connector's class has turned out to be.
func (c *connectorMetrics) is(class, kind string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.class, c.kind = class, kind
}

func (c *connectorMetrics) texts() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return []string{c.class, c.kind, c.version, strings.ToLower(string(c.state))}
}

var connectorFamily = metrics.NewFamily[*connectorMetrics]("kafka_connect_connector_metrics", "connector").
	Text("", []string{"connector_class", "connector_type", "connector_version", "status"}, "A connector of this worker.", (*connectorMetrics).texts).
	Text("_connector_class_info", []string{"connector_class"}, "Class of the connector.", func(c *connectorMetrics) []string { return c.texts()[:1] }).
	Text("_connector_type_info", []string{"connector_type"}, "source or sink.", func(c *connectorMetrics) []string { return c.texts()[1:2] }).
	Text("_connector_version_info", []string{"connector_version"}, "Version of the connector.",
		func(c *connectorMetrics) []string { return c.texts()[2:3] }).
	Text("_status_info", []string{"status"}, "State of the connector.", func(c *connectorMetrics) []string { return c.texts()[3:] })
