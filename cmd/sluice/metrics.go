package main

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sluice-connect/sluice/api"
	"github.com/sluice-connect/sluice/connect/metrics"
	"github.com/sluice-connect/sluice/connect/workerconfig"
)

// scraped answers /metrics with the metrics of this process and these.
func scraped(all ...prometheus.Collector) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	registry.MustRegister(all...)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

func sampling(config *workerconfig.Worker) metrics.Sampling {
	return metrics.Sampling{Window: config.MetricsWindow, Count: config.MetricsSamples}
}

// clientID is that of the worker's own client, as Java chooses it.
func clientID(config *workerconfig.Worker, rest *api.Server) string {
	if id := config.Properties.Clients()["client.id"]; id != "" {
		return id
	}
	return "connect-" + rest.WorkerID()
}

// appInfo is what Kafka Connect tells of itself (org.apache.kafka.common.utils.AppInfoParser).
type appInfo struct {
	client string
	began  time.Time
}

func newAppInfo(client string) *appInfo { return &appInfo{client, time.Now()} }

func (a *appInfo) milliseconds() float64 { return float64(a.began.UnixMilli()) }

func (a *appInfo) texts() []string {
	return []string{version, commit, strconv.FormatInt(a.began.UnixMilli(), 10)}
}

// appFamily has the texts under two names: jmx_exporter before 1.0 and since, with the rules of Confluent's dashboards.
var appFamily = metrics.NewFamily[*appInfo]("kafka_connect_app", "client_id").
	Gauge("_info_start_time_ms", "When this worker was started, in milliseconds since 1970.",
		func(a *appInfo, _ time.Time) float64 { return a.milliseconds() }).
	Text("_info", appLabels, "This worker's program.", (*appInfo).texts).
	Text("", appLabels, "This worker's program.", (*appInfo).texts)

var appLabels = []string{"version", "commit_id", "start_time_ms"}

// Describe implements prometheus.Collector.
func (a *appInfo) Describe(ch chan<- *prometheus.Desc) { appFamily.Describe(ch) }

// Collect implements prometheus.Collector.
func (a *appInfo) Collect(ch chan<- prometheus.Metric) {
	appFamily.Collect(ch, time.Now(), a, a.client)
}
