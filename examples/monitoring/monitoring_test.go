// Package monitoring holds the dashboard and the alerts of examples/monitoring, and dashboards that others have published, to the metrics that a worker really
// has.
package monitoring

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/sluice-connect/sluice/internal/ledger"
	"github.com/sluice-connect/sluice/internal/testbed"
)

func TestMain(m *testing.M) { testbed.Main(m) }

// exposed are the labels of each metric of a scrape.
type exposed map[string][]string

var (
	series = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)`)
	label  = regexp.MustCompile(`([a-zA-Z_][a-zA-Z0-9_]*)="`)
)

func scrape(ctx context.Context, url string) (text string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/metrics", nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	return string(all), err
}

func parse(text string) exposed {
	all := exposed{}
	for line := range strings.Lines(text) {
		m := series.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		names := []string{}
		for _, l := range label.FindAllStringSubmatch(m[2], -1) {
			names = append(names, l[1])
		}
		all[m[1]] = names
	}
	return all
}

// worker scrapes a worker that runs a source and a sink which have carried records.
func worker(t *testing.T) exposed {
	t.Helper()
	if testing.Short() {
		t.Skip("runs a program: not with -short")
	}
	input := ledger.File(t, "input", strings.Repeat("a line\n", 100))
	d := ledger.LaunchDev(t, "--set", "offset.flush.interval.ms=200", "--set", "value.converter=org.apache.kafka.connect.storage.StringConverter")
	d.WaitReady()
	d.Create("in", map[string]string{"connector.class": "FileStreamSource", "tasks.max": "1", "file": input, "topic": "lines"})
	d.Create("out", map[string]string{"connector.class": "FileStreamSink", "tasks.max": "1", "file": filepath.Join(t.TempDir(), "output"), "topics": "lines"})
	var text string
	testbed.Await(t, 30*time.Second, "records to be counted on both ways", func(ctx context.Context) (err error) {
		if text, err = scrape(ctx, d.URL); err != nil {
			return err
		}
		for _, want := range []string{
			`kafka_connect_source_task_metrics_source_record_write_total{connector="in",task="0"} 100`,
			`kafka_connect_sink_task_metrics_sink_record_send_total{connector="out",task="0"} 100`,
			`kafka_connect_connector_task_metrics_offset_commit_success_percentage{connector="out",task="0"} 1`,
		} {
			if !strings.Contains(text, want+"\n") {
				return fmt.Errorf("there is no %s in\n%s", want, text)
			}
		}
		return nil
	})
	return parse(text)
}

var (
	quoted   = regexp.MustCompile(`"[^"]*"`)
	selector = regexp.MustCompile(`\b((?:kafka|sluice|go|process|up)(?:_[a-z0-9_]+)?)\b(?:\{([^}]*)\})?`)
	grouping = regexp.MustCompile(`\b(by|on|group_left|group_right|without|ignoring) ?\(([^)]*)\)`)
)

// prometheus are labels and metrics that Prometheus itself adds.
var prometheus = []string{"instance", "job", "up"}

// holds checks that all metrics of an expression exist, with the labels that it selects by, and that the labels by which it groups are of some metric in it.
func (e exposed) holds(t *testing.T, where, expr string) {
	t.Helper()
	expr = quoted.ReplaceAllString(expr, `""`)
	bare := grouping.ReplaceAllString(expr, " ")
	found := selector.FindAllStringSubmatch(bare, -1)
	assert.NotEmpty(t, found, "%s has no metric: %s", where, expr)
	var labels []string
	for _, m := range found {
		if slices.Contains(prometheus, m[1]) {
			continue
		}
		have, there := e[m[1]]
		assert.True(t, there, "%s: no worker has the metric %s", where, m[1])
		labels = append(labels, have...)
		for _, l := range regexp.MustCompile(`([a-z_]+) ?(?:=~|!=|!~|=)`).FindAllStringSubmatch(m[2], -1) {
			assert.Contains(t, append(have, prometheus...), l[1], "%s: %s has no such label", where, m[1])
		}
	}
	for _, g := range grouping.FindAllStringSubmatch(expr, -1) {
		for _, l := range strings.FieldsFunc(g[2], func(r rune) bool { return r == ',' || r == ' ' }) {
			assert.Contains(t, append(labels, prometheus...), l, "%s: no metric of it has the label: %s", where, expr)
		}
	}
}

// board is what matters here of a dashboard.
type board struct {
	Templating struct {
		List []struct{ Name, Type, Definition string }
	}
	Panels []struct {
		ID      int
		Title   string
		Type    string
		GridPos struct{ X, Y, W, H int }
		Targets []struct{ RefID, Expr string }
	}
}

type rules struct {
	Groups []struct {
		Name  string
		Rules []struct {
			Alert, Expr, For    string
			Labels, Annotations map[string]string
		}
	}
}

var values = regexp.MustCompile(`label_values\(([a-z_]+), ([a-z_]+)\)`)

func TestWhatDashboardsAndAlertsAskForIsThere(t *testing.T) {
	t.Parallel()
	e := worker(t)
	t.Run("our dashboard", func(t *testing.T) {
		text, err := os.ReadFile("grafana-dashboard.json")
		require.NoError(t, err)
		var b board
		require.NoError(t, json.Unmarshal(text, &b))
		require.NotEmpty(t, b.Panels)
		for _, v := range b.Templating.List {
			if v.Type != "query" {
				continue
			}
			m := values.FindStringSubmatch(v.Definition)
			require.NotNil(t, m, v.Definition)
			have, there := e[m[1]]
			require.True(t, there, "%s: no worker has the metric %s", v.Name, m[1])
			require.Contains(t, append(have, prometheus...), m[2], v.Name)
		}
		ids := map[int]bool{}
		for _, p := range b.Panels {
			assert.False(t, ids[p.ID], "two panels have the id %d", p.ID)
			ids[p.ID] = true
			assert.LessOrEqual(t, p.GridPos.X+p.GridPos.W, 24, p.Title)
			assert.Equal(t, p.Type == "row", len(p.Targets) == 0, p.Title)
			for _, target := range p.Targets {
				e.holds(t, p.Title, target.Expr)
			}
		}
	})
	t.Run("our alerts", func(t *testing.T) {
		text, err := os.ReadFile("alerts.yml")
		require.NoError(t, err)
		var r rules
		require.NoError(t, yaml.Unmarshal(text, &r))
		names := map[string]bool{}
		for _, g := range r.Groups {
			for _, rule := range g.Rules {
				assert.False(t, names[rule.Alert], "%s is there twice", rule.Alert)
				names[rule.Alert] = true
				e.holds(t, rule.Alert, rule.Expr)
				assert.Contains(t, []string{"page", "ticket"}, rule.Labels["severity"], rule.Alert)
				assert.NotEmpty(t, rule.Annotations["summary"], rule.Alert)
			}
		}
		assert.Len(t, names, 15)
	})
	t.Run("published dashboards", func(t *testing.T) {
		text, err := os.ReadFile("testdata/dashboards.txt")
		require.NoError(t, err)
		for line := range strings.Lines(string(text)) {
			words := strings.Fields(line)
			if len(words) == 0 || words[0] == "#" {
				continue
			}
			have, there := e[words[0]]
			assert.True(t, there, "no worker has the metric %s", words[0])
			if there && len(words) > 1 {
				assert.Subset(t, have, words[1:], words[0])
			}
		}
	})
}

// A check that finds nothing would be content with everything.
func TestAnExpressionIsHeldToWhatIsThere(t *testing.T) {
	e := exposed{"sluice_a": {"connector"}, "sluice_b_bucket": {"le", "connector"}}
	for expr, holds := range map[string]bool{
		`sum by (connector) (sluice_a{connector="x",instance=~"y"}) > 1`:                    true,
		`histogram_quantile(0.99, sum by (le, connector) (rate(sluice_b_bucket{}[5m])))`:    true,
		`sluice_a unless on (connector) sluice_b_bucket{connector="kafka_connect_no_such"}`: true,
		`up{job="sluice"} == 0`:                   true,
		`sluice_c`:                                false,
		`sluice_a{task="0"}`:                      false,
		`sum by (task) (sluice_a)`:                false,
		`sluice_a * on (instance, task) sluice_a`: false,
		`vector(1)`:                               false,
	} {
		inner := new(testing.T)
		e.holds(inner, "here", expr)
		assert.Equal(t, holds, !inner.Failed(), expr)
	}
}
