package remote

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/sluice-connect/sluice/api/client"
)

// meter is what the metrics of all workers say of a connector, its tasks summed.
type meter struct {
	in, out   float64 // records polled and written, or read and put
	underWay  float64 // of a source: polled and not yet acknowledged
	failed    float64 // records that could not be handled
	skipped   float64
	letters   float64
	lastError time.Time     // zero for never
	oldest    time.Duration // age of a source's oldest record that is not yet acknowledged
	lag       *float64      // of a sink; nil where no metric tells it
}

// gauges are the meters of all connectors at one moment.
type gauges struct {
	at     time.Time
	meters map[string]*meter
	silent []string // workers that did not answer
}

// errNoMetrics says that no worker shows metrics over REST.
var errNoMetrics = errors.New("this cluster's workers have no /metrics: Java's show theirs over JMX only, so that rates and lag cannot be shown")

// scrapePatience bounds the wait for one worker.
const scrapePatience = 3 * time.Second

// gauge asks all workers of a cluster for their metrics, as far as they can be asked.
func gauge(ctx context.Context, c *client.Client) (*gauges, error) {
	info, err := c.Cluster(ctx)
	if err != nil {
		return nil, err
	}
	urls := []string{c.URL()}
	if info.Source == "leader" {
		urls = nil
		for _, m := range info.Members {
			urls = append(urls, m.URL)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, scrapePatience)
	defer cancel()
	type scrape struct {
		families map[string]*dto.MetricFamily
		err      error
	}
	scrapes := make([]scrape, len(urls))
	var asking sync.WaitGroup
	for i, url := range urls {
		asking.Go(func() {
			worker, err := c.At(url)
			if err == nil {
				scrapes[i].families, err = worker.Metrics(ctx)
			}
			scrapes[i].err = err
		})
	}
	asking.Wait()
	g := &gauges{at: time.Now(), meters: map[string]*meter{}}
	none := 0
	for i, s := range scrapes {
		no := new(client.RefusedError)
		switch {
		case errors.As(s.err, &no) && (no.Code == http.StatusNotFound || no.Code == http.StatusMethodNotAllowed):
			none++
		case s.err != nil:
			g.silent = append(g.silent, urls[i])
		default:
			g.add(s.families)
		}
	}
	if none == len(urls) {
		return nil, errNoMetrics
	}
	return g, nil
}

// counters are the metrics that make up a meter.
var counters = map[string]func(m *meter, value float64){
	"kafka_connect_source_task_metrics_source_record_poll_total":        func(m *meter, v float64) { m.in += v },
	"kafka_connect_source_task_metrics_source_record_write_total":       func(m *meter, v float64) { m.out += v },
	"kafka_connect_source_task_metrics_source_record_active_count":      func(m *meter, v float64) { m.underWay += v },
	"kafka_connect_sink_task_metrics_sink_record_read_total":            func(m *meter, v float64) { m.in += v },
	"kafka_connect_sink_task_metrics_sink_record_send_total":            func(m *meter, v float64) { m.out += v },
	"kafka_connect_task_error_metrics_total_record_failures":            func(m *meter, v float64) { m.failed += v },
	"kafka_connect_task_error_metrics_total_records_skipped":            func(m *meter, v float64) { m.skipped += v },
	"kafka_connect_task_error_metrics_deadletterqueue_produce_requests": func(m *meter, v float64) { m.letters += v },
	"kafka_connect_task_error_metrics_last_error_timestamp":             (*meter).errorAt,
	"sluice_sink_lag_records":                                           (*meter).lagging,
	"sluice_source_oldest_unacknowledged_seconds":                       (*meter).waiting,
}

func (m *meter) errorAt(ms float64) {
	if at := time.UnixMilli(int64(ms)); ms > 0 && at.After(m.lastError) {
		m.lastError = at
	}
}

func (m *meter) waiting(seconds float64) {
	m.oldest = max(m.oldest, time.Duration(seconds*float64(time.Second)))
}

func (m *meter) lagging(records float64) {
	if m.lag == nil {
		m.lag = new(float64)
	}
	*m.lag += records
}

// add takes one worker's metrics in.
func (g *gauges) add(families map[string]*dto.MetricFamily) {
	for name, take := range counters {
		family := families[name]
		if family == nil {
			family = families[strings.TrimSuffix(name, "_total")]
		}
		for _, metric := range family.GetMetric() {
			connector := ""
			for _, label := range metric.GetLabel() {
				if label.GetName() == "connector" {
					connector = label.GetValue()
				}
			}
			if connector == "" {
				continue
			}
			if g.meters[connector] == nil {
				g.meters[connector] = new(meter)
			}
			value := metric.GetCounter().GetValue() + metric.GetGauge().GetValue() + metric.GetUntyped().GetValue() // only one of them is there
			take(g.meters[connector], value)
		}
	}
}

// rate is how fast a counter has grown; a counter that has fallen began anew.
func rate(before, now float64, took time.Duration) float64 {
	if took <= 0 {
		return 0
	}
	return max(now-before, 0) / took.Seconds()
}
