package remote

import (
	"math"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/contract"
)

// metrics shows a task's own metrics as the runtime's. It is for the stream's reader.
type metrics struct {
	of     *connect.Metrics
	counts map[string]uint64 // of counters, as last told
}

func (m *metrics) take(told *contract.Metrics) {
	for _, one := range told.GetMetrics()[:min(len(told.GetMetrics()), connect.MaxMetrics)] {
		if !one.GetCounter() {
			m.of.Gauge(one.GetName(), one.GetHelp()).Set(one.GetValue())
			continue
		}
		if _, known := m.counts[one.GetName()]; !known && len(m.counts) == connect.MaxMetrics {
			continue
		}
		if m.counts == nil {
			m.counts = map[string]uint64{}
		}
		if now, v := m.counts[one.GetName()], one.GetValue(); v > float64(now) && v < math.MaxInt64 {
			m.of.Counter(one.GetName(), one.GetHelp()).Add(int(uint64(v) - now))
			m.counts[one.GetName()] = uint64(v)
		} else {
			m.of.Counter(one.GetName(), one.GetHelp()) // it is shown at 0
		}
	}
}
