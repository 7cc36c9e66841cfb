package worker

import (
	"context"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

// ownValues are a name's values by connector and task.
func ownValues(t *testing.T, m *Metrics, name string) map[string]float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	require.NoError(t, registry.Register(m))
	require.NoError(t, registry.Register(m.Own()))
	families, err := registry.Gather()
	require.NoError(t, err)
	values := map[string]float64{}
	for _, f := range families {
		if f.GetName() == name {
			for _, one := range f.GetMetric() {
				values[label(t, one, "connector")+"-"+label(t, one, "task")] = one.GetGauge().GetValue() + one.GetCounter().GetValue()
			}
		}
	}
	return values
}

func TestATasksOwnMetricsAreShownAsLongAsItIsThere(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	measuring := func(help string, value float64) script {
		return script{open: func(_ context.Context, rt connect.SourceContext) error {
			assert.Contains(t, []string{"one", "other"}, rt.Connector())
			rt.Metrics().Counter("lines", help).Add(int(value))
			rt.Metrics().Gauge("open_files", help).Set(value)
			rt.Metrics().Gauge("retrying_seconds", "The worker's own stays what it is.").Set(value)
			rt.Metrics().Gauge("not valid", "").Set(value)
			return nil
		}}
	}
	one := s.start("one", measuring("Lines read.", 3), nil)
	s.start("other", measuring("Another plugin has another text for it.", 4), nil)
	m := s.worker.Metrics()
	for _, name := range []string{"sluice_task_lines_total", "sluice_task_open_files"} {
		s.eventually(name+" is shown", func() bool { return len(ownValues(t, m, name)) == 2 })
		assert.Equal(t, map[string]float64{"one-0": 3, "other-0": 4}, ownValues(t, m, name))
	}
	s.stop(one)
	s.eventually("what has ended is shown no more", func() bool { return len(ownValues(t, m, "sluice_task_lines_total")) == 1 })
}

// What a plugin calls its metrics must never be what the worker calls one of its own: Prometheus would refuse the scrape.
func TestNoMetricOfATasksOwnHasTheNameOfOneOfTheWorkers(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	s.start("flow", script{}, nil)
	m := s.worker.Metrics()
	s.eventually("the task is there", func() bool { return len(gathered(t, m)["sluice_task_starts_total"]) == 1 })
	checked := 0
	for name := range gathered(t, m) {
		if own, is := strings.CutPrefix(name, "sluice_task_"); is {
			checked++
			refused := false
			connect.NewMetrics(func(error) { refused = true }).Counter(strings.TrimSuffix(own, "_total"), "")
			assert.True(t, refused, name)
		}
	}
	assert.Greater(t, checked, 3)
}
