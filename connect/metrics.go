package connect

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// What a task's own metrics may be.
const (
	// MaxMetrics is how many metrics a task has at most.
	MaxMetrics = 100
	// MaxMetricName is how long a name is at most.
	MaxMetricName = 100
	// MaxMetricHelp is how long a help text is at most; the rest is cut off.
	MaxMetricHelp = 400
)

// Metrics are those that a task keeps itself: get each once, at Open, and keep the pointer. The worker shows them as sluice_task_NAME with the labels
// connector and task, counters as sluice_task_NAME_total, until the task ends; the next life of the task begins at 0. It is safe for concurrent use.
//
// A name is of a-z, 0-9 and _, with the unit at its end where there is one (spool_bytes, oldest_seconds), and not _total. One that is not, that is taken
// by the runtime or by a metric of the other kind, or that is one too many ([MaxMetrics]) gives a metric that counts and is not shown; the log has the
// first of these mistakes.
type Metrics struct {
	refused func(cause error)

	mu    sync.Mutex
	named map[string]*metric
	all   []*metric
	told  bool
}

// metric is a number behind a name. Its bits are a whole number where it counts, else those of a float64.
type metric struct {
	name, help string
	counts     bool
	bits       atomic.Uint64
	read       func() float64 // nil: bits are the value
}

// Metric is a metric as it stands.
type Metric struct {
	Name, Help string
	// Counter: the value only grows.
	Counter bool
	Value   float64
}

// Counter counts what happens. Add costs one atomic operation.
type Counter metric

// Gauge is a value that goes up and down, 0 at first. Set costs one atomic operation.
type Gauge metric

// NewMetrics returns the metrics of one life of a task. It is for runtimes. refused is told of the first mistake of the author's.
func NewMetrics(refused func(cause error)) *Metrics {
	return &Metrics{refused: refused, named: map[string]*metric{}}
}

// Counter returns the counter of that name, the same one each time. help says in one sentence what is counted.
func (m *Metrics) Counter(name, help string) *Counter {
	return (*Counter)(m.metric(name, help, true, nil))
}

// Gauge returns the gauge of that name, the same one each time. help says in one sentence what it shows.
func (m *Metrics) Gauge(name, help string) *Gauge { return (*Gauge)(m.metric(name, help, false, nil)) }

// GaugeFunc makes a gauge whose value is what read returns when somebody looks: for what is only known then, an age for instance. read is called on any
// goroutine, from now until a moment after the task's Close, and must not wait for anything but a lock that is held for moments. One that panics gives NaN.
func (m *Metrics) GaugeFunc(name, help string, read func() float64) {
	m.metric(name, help, false, read)
}

func (m *Metrics) metric(name, help string, counts bool, read func() float64) *metric {
	m.mu.Lock()
	defer m.mu.Unlock()
	known := m.named[name]
	if known != nil && known.counts == counts {
		return known
	}
	// The name and the text may be of a buffer that the author uses again.
	made := &metric{name: strings.Clone(name), help: strings.ToValidUTF8(help[:min(len(help), MaxMetricHelp)], ""), counts: counts, read: read}
	cause := checkMetricName(name)
	switch {
	case cause != nil:
	case known != nil:
		cause = fmt.Errorf("the metric %s is a counter and a gauge: give one of them another name", name)
	case len(m.all) == MaxMetrics:
		cause = fmt.Errorf("the metric %s is one too many: a task has at most %d, so a name must not depend on what the task works on", name, MaxMetrics)
	default:
		m.named[made.name] = made
		m.all = append(m.all, made)
		return made
	}
	if !m.told {
		m.told = true
		m.refused(cause)
	}
	return made
}

// ofRuntime are the names under which the worker shows what it measures of each task.
var ofRuntime = []string{"starts", "offset_commit_failures", "retrying_seconds", "system_reachable"}

func checkMetricName(name string) error {
	switch {
	case name == "":
		return errors.New("a metric has no name")
	case len(name) > MaxMetricName:
		return fmt.Errorf("the name of the metric %s... is longer than %d characters", name[:20], MaxMetricName)
	case strings.HasSuffix(name, "_total"):
		return fmt.Errorf("the name of the metric %s ends in _total: leave that out, it is put behind the name of each counter", name)
	}
	if slices.Contains(ofRuntime, name) {
		return fmt.Errorf("a metric %s of each task is shown already: give this one another name", name)
	}
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return fmt.Errorf("the name of the metric %q has the character %q: it may have a to z, 0 to 9 and _", name, c)
		}
	}
	return nil
}

// All returns the metrics as they stand, in the order of their first mention. It is for runtimes.
func (m *Metrics) All() []Metric {
	m.mu.Lock()
	all := m.all[:len(m.all):len(m.all)]
	m.mu.Unlock()
	out := make([]Metric, 0, len(all))
	for _, one := range all {
		out = append(out, Metric{Name: one.name, Help: one.help, Counter: one.counts, Value: one.value()})
	}
	return out
}

func (m *metric) value() (value float64) {
	if m.read != nil {
		defer func() {
			if recover() != nil {
				value = math.NaN()
			}
		}()
		return m.read()
	}
	bits := m.bits.Load()
	if m.counts {
		return float64(bits)
	}
	return math.Float64frombits(bits)
}

// Add counts n more. A negative n is ignored.
func (c *Counter) Add(n int) {
	if n > 0 {
		c.bits.Add(uint64(n))
	}
}

// Value returns how many it has counted.
func (c *Counter) Value() uint64 { return c.bits.Load() }

// Set makes v the value.
func (g *Gauge) Set(v float64) { g.bits.Store(math.Float64bits(v)) }

// Value returns the value.
func (g *Gauge) Value() float64 { return (*metric)(g).value() }
