package parity

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/ledger"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// absent are metrics of Java that Sluice does not have: their name begins so. Each has its reason in the README's table.
var absent = []string{
	"kafka_connect_connect_metrics_io_", "kafka_connect_connect_metrics_iotime_", "kafka_connect_connect_metrics_select_", // of Java's selector
	"kafka_connect_connect_metrics_response_",
	"kafka_connect_connect_metrics_successful_", "kafka_connect_connect_metrics_failed_", "kafka_connect_connect_metrics_reauthentication_",
	"kafka_connect_connect_node_metrics_",
	"kafka_connect_kafka_metrics_count_",
	"kafka_connect_app_info_starttimems", "kafka_connect_app_info_start_time_ms{}", // the same a second time
}

// scrape is the series of a worker by name and labels, with their values.
type scrape map[string]string

var sample = regexp.MustCompile(`^(kafka_connect_[a-z0-9_]+)(\{[^}]*\})? (\S+)$`)

// scrapeOf reads the metrics at a URL until ready is content.
func scrapeOf(t *testing.T, url string, ready func(scrape) error) scrape {
	t.Helper()
	var all scrape
	testbed.Await(t, within, "metrics at "+url, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			return err
		}
		all = scrape{}
		for line := range strings.Lines(string(text)) {
			if m := sample.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
				all[m[1]+normal(m[2])] = m[3]
			}
		}
		return ready(all)
	})
	return all
}

var pair = regexp.MustCompile(`([a-z_]+)="([^"]*)"`)

// normal are labels in order, without the value of the client's id.
func normal(labels string) string {
	var pairs []string
	for _, p := range pair.FindAllStringSubmatch(labels, -1) {
		if p[1] == "client_id" {
			p[2] = "any"
		}
		pairs = append(pairs, fmt.Sprintf("%s=%q", p[1], p[2]))
	}
	slices.Sort(pairs)
	return "{" + strings.Join(pairs, ",") + "}"
}

// same are metrics whose values do not depend on time: both workers must say the same of the same manifests. Starts of tasks are not among them: Java 4.1.2
// counts none.
var same = []string{
	`kafka_connect_source_task_metrics_source_record_poll_total{connector="lines-in",task="0"}`,
	`kafka_connect_source_task_metrics_source_record_write_total{connector="lines-in",task="0"}`,
	`kafka_connect_source_task_metrics_source_record_active_count{connector="lines-in",task="0"}`,
	`kafka_connect_sink_task_metrics_sink_record_read_total{connector="lines-out",task="0"}`,
	`kafka_connect_sink_task_metrics_sink_record_send_total{connector="lines-out",task="0"}`,
	`kafka_connect_sink_task_metrics_partition_count{connector="lines-out",task="0"}`,
	`kafka_connect_sink_task_metrics_sink_record_active_count{connector="lines-out",task="0"}`,
	`kafka_connect_sink_task_metrics_offset_commit_skip_total{connector="lines-out",task="0"}`,
	`kafka_connect_task_error_metrics_total_record_failures{connector="lines-out",task="0"}`,
	`kafka_connect_task_error_metrics_total_record_errors{connector="lines-out",task="0"}`,
	`kafka_connect_task_error_metrics_total_records_skipped{connector="lines-out",task="0"}`,
	`kafka_connect_task_error_metrics_total_retries{connector="lines-out",task="0"}`,
	`kafka_connect_task_error_metrics_total_errors_logged{connector="lines-out",task="0"}`,
	`kafka_connect_task_error_metrics_deadletterqueue_produce_requests{connector="lines-out",task="0"}`,
	`kafka_connect_task_error_metrics_deadletterqueue_produce_failures{connector="lines-out",task="0"}`,
	`kafka_connect_connector_task_metrics_offset_commit_success_percentage{connector="lines-out",task="0"}`,
	`kafka_connect_connector_task_metrics_offset_commit_failure_percentage{connector="lines-out",task="0"}`,
	`kafka_connect_connector_task_metrics_pause_ratio{connector="lines-in",task="0"}`,
	`kafka_connect_connect_worker_metrics_connector_count{}`,
	`kafka_connect_connect_worker_metrics_task_count{}`,
	`kafka_connect_connect_worker_metrics_connector_startup_attempts_total{}`,
	`kafka_connect_connect_worker_metrics_connector_startup_success_total{}`,
	`kafka_connect_connect_worker_metrics_connector_startup_failure_total{}`,
	`kafka_connect_connect_worker_metrics_connector_startup_success_percentage{}`,
	`kafka_connect_connect_worker_metrics_task_startup_failure_total{}`,
	`kafka_connect_connect_worker_metrics_task_startup_failure_percentage{}`,
	`kafka_connect_connect_worker_metrics_connector_running_task_count{connector="lines-out"}`,
	`kafka_connect_connect_worker_metrics_connector_total_task_count{connector="lines-out"}`,
	`kafka_connect_connect_worker_metrics_connector_failed_task_count{connector="lines-out"}`,
	`kafka_connect_connect_coordinator_metrics_assigned_connectors{client_id="any"}`,
	`kafka_connect_connect_coordinator_metrics_assigned_tasks{client_id="any"}`,
	`kafka_connect_connect_worker_rebalance_metrics_rebalancing{}`,
}

// measured has one worker run both manifests and scrapes it when all has been committed.
func measured(t *testing.T, w *ledger.Worker, kafka, metrics, input string) scrape {
	t.Helper()
	w.Create("lines-in", source(input))
	testbed.Consume(t, kafka, "lines", linesCount, within)
	bad := hostile(time.Now())
	testbed.Produce(t, kafka, bad...)
	w.Create("lines-out", sink(filepath.Join(t.TempDir(), "printed")))
	testbed.Consume(t, kafka, "dead", len(bad), within)
	return scrapeOf(t, metrics, func(s scrape) error {
		for key, want := range map[string]string{
			`kafka_connect_sink_task_metrics_sink_record_read_total{connector="lines-out",task="0"}`:                fmt.Sprint(linesCount + len(bad)),
			`kafka_connect_sink_task_metrics_sink_record_active_count{connector="lines-out",task="0"}`:              "0",
			`kafka_connect_connector_task_metrics_offset_commit_success_percentage{connector="lines-out",task="0"}`: "1",
			`kafka_connect_connect_worker_rebalance_metrics_rebalancing{}`:                                          "0",
		} {
			if strings.TrimSuffix(s[key], ".0") != want {
				return fmt.Errorf("%s is %q", key, s[key])
			}
		}
		return nil
	})
}

// Java's metrics through jmx_exporter with its default rules in lower case, and Sluice's own.
func TestTheMetricsHaveTheNamesAndLabelsThatJMXExporterGivesJavas(t *testing.T) {
	if testing.Short() {
		t.Skip("runs programs: not with -short")
	}
	agent := testbed.JMXExporter(t)
	input := ledger.File(t, "input", strings.Repeat("a line\n", linesCount))

	kafka := testbed.StartKafka(t).Addr()
	for _, topic := range []string{"lines", "hostile"} {
		testbed.CreateTopic(t, kafka, topic, 1, nil)
	}
	rules := ledger.File(t, "jmx.yml", "lowercaseOutputName: true\nlowercaseOutputLabelNames: true\n")
	port := testbed.FreePort(t)
	java := measured(t, ledger.StartJavaWorkerWith(t, kafka, "j-", fmt.Sprintf("-javaagent:%s=127.0.0.1:%d:%s", agent, port, rules)), kafka,
		fmt.Sprintf("http://127.0.0.1:%d/metrics", port), input)

	kafka = testbed.StartKafka(t).Addr()
	for _, topic := range []string{"lines", "hostile"} {
		testbed.CreateTopic(t, kafka, topic, 1, nil)
	}
	w := ledger.StartWorker(t, kafka, "s-")
	ours := measured(t, w, kafka, w.URL+"/metrics", input)

	require.Greater(t, len(java), 100)
	for _, key := range slices.Sorted(maps.Keys(java)) {
		if slices.ContainsFunc(absent, func(prefix string) bool { return strings.HasPrefix(key, prefix) }) {
			assert.NotContains(t, slices.Collect(maps.Keys(ours)), key, "it is there: the README need not excuse it")
			continue
		}
		_, there := ours[key]
		assert.True(t, there, "Java has %s, which is %s", key, java[key])
	}
	for _, key := range same {
		require.NotEmpty(t, java[key], "Java has no %s", key)
		assert.Equal(t, strings.TrimSuffix(java[key], ".0"), strings.TrimSuffix(ours[key], ".0"), key)
	}
}
