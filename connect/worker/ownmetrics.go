package worker

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-connect/sluice/connect"
)

// ownMetrics shows what the plugins' tasks measure themselves.
type ownMetrics struct{ of *Metrics }

// Describe implements prometheus.Collector: it says nothing, which tells Prometheus that the names are not known before.
func (ownMetrics) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector. Prometheus refuses a whole scrape in which one name has two texts, and two plugins may well explain a name differently: the
// first task's text counts. The kinds cannot differ, because only a counter's name ends in _total.
func (o ownMetrics) Collect(ch chan<- prometheus.Metric) {
	o.of.mu.Lock()
	tasks := maps.Clone(o.of.tasks)
	o.of.mu.Unlock()
	described := map[string]*prometheus.Desc{}
	for _, id := range slices.SortedFunc(maps.Keys(tasks), byID) {
		own := tasks[id].own.Load()
		if own == nil {
			continue
		}
		for _, metric := range own.All() {
			name, kind := shownAs(metric)
			if described[name] == nil {
				described[name] = prometheus.NewDesc(name, metric.Help, taskLabels, nil)
			}
			ch <- prometheus.MustNewConstMetric(described[name], kind, metric.Value, id.Connector, strconv.Itoa(id.Task))
		}
	}
}

func shownAs(m connect.Metric) (name string, kind prometheus.ValueType) {
	if name = "sluice_task_" + m.Name; m.Counter {
		return name + "_total", prometheus.CounterValue
	}
	return name, prometheus.GaugeValue
}

func byID(a, b TaskID) int {
	return cmp.Or(cmp.Compare(a.Connector, b.Connector), cmp.Compare(a.Task, b.Task))
}
