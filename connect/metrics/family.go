package metrics

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Family is metrics that are read together from one thing of a kind: a task, a connector, a worker.
type Family[T any] struct {
	prefix     string
	labels     []string
	attributes []attribute[T]
}

type attribute[T any] struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(of T, now time.Time) float64
	text func(of T) []string // not nil: the metric is 1, and these its last labels
}

// NewFamily returns a family whose names begin with prefix.
func NewFamily[T any](prefix string, labels ...string) *Family[T] {
	return &Family[T]{prefix: prefix, labels: labels}
}

func (f *Family[T]) add(name, help string, kind prometheus.ValueType, read func(T, time.Time) float64) *Family[T] {
	f.attributes = append(f.attributes, attribute[T]{prometheus.NewDesc(f.prefix+name, help, f.labels, nil), kind, read, nil})
	return f
}

// Gauge adds a metric that goes up and down.
func (f *Family[T]) Gauge(name, help string, read func(of T, now time.Time) float64) *Family[T] {
	return f.add(name, help, prometheus.GaugeValue, read)
}

// Counter adds a metric that only grows.
func (f *Family[T]) Counter(name, help string, read func(of T) float64) *Family[T] {
	return f.add(name, help, prometheus.CounterValue, func(of T, _ time.Time) float64 { return read(of) })
}

// Text adds attributes that are texts: a metric that is 1 and has them as labels, as jmx_exporter needs rules of one's own for. There is none while all are empty.
func (f *Family[T]) Text(name string, labels []string, help string, texts func(of T) []string) *Family[T] {
	all := slices.Concat(f.labels, labels)
	f.attributes = append(f.attributes, attribute[T]{prometheus.NewDesc(f.prefix+name, help, all, nil), prometheus.GaugeValue, nil, texts})
	return f
}

// Describe sends the descriptions of the family.
func (f *Family[T]) Describe(ch chan<- *prometheus.Desc) {
	for _, a := range f.attributes {
		ch <- a.desc
	}
}

// Collect sends the metrics of one thing.
func (f *Family[T]) Collect(ch chan<- prometheus.Metric, now time.Time, of T, labels ...string) {
	for _, a := range f.attributes {
		if a.text == nil {
			ch <- prometheus.MustNewConstMetric(a.desc, a.kind, a.read(of, now), labels...)
		} else if texts := a.text(of); slices.ContainsFunc(texts, func(t string) bool { return t != "" }) {
			ch <- prometheus.MustNewConstMetric(a.desc, a.kind, 1, slices.Concat(labels, texts)...)
		}
	}
}
