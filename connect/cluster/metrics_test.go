package cluster

import (
	"math"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect/assignment"
)

// metric is one of a node's that has one series.
func (n *node) metric(t *testing.T, name string) *dto.Metric {
	t.Helper()
	registry := prometheus.NewRegistry()
	require.NoError(t, registry.Register(n.membership.Metrics()))
	families, err := registry.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == name {
			require.Len(t, f.GetMetric(), 1)
			return f.GetMetric()[0]
		}
	}
	require.Fail(t, "no metric "+name)
	return nil
}

func (n *node) value(t *testing.T, name string) float64 {
	t.Helper()
	m := n.metric(t, name)
	return m.GetGauge().GetValue() + m.GetCounter().GetValue()
}

func TestAMembershipIsMeasured(t *testing.T) {
	const rebalance = "kafka_connect_connect_worker_rebalance_metrics_"
	assemble(t, 5, assignment.Sessioned, 0, func(t *testing.T, c *crew) {
		first := c.add()
		second := c.add()
		c.put("a", 4)
		c.settles(map[string]int{"a": 4})
		c.pass(10 * time.Second)
		leader := first.metric(t, rebalance+"leader_name_info").GetLabel()[0].GetValue()
		assigned := 0.0
		for _, n := range []*node{first, second} {
			assert.EqualValues(t, 1, n.value(t, "sluice_group_member"))
			assert.Zero(t, n.value(t, rebalance+"rebalancing"))
			assert.Positive(t, n.value(t, rebalance+"completed_rebalances_total"))
			assert.Equal(t, first.value(t, rebalance+"epoch"), n.value(t, rebalance+"epoch"))
			assert.Equal(t, leader, n.metric(t, rebalance+"leader_name_info").GetLabel()[0].GetValue())
			assert.Equal(t, "sessioned", n.metric(t, rebalance+"connect_protocol_info").GetLabel()[0].GetValue())
			assert.GreaterOrEqual(t, n.value(t, rebalance+"time_since_last_rebalance_ms"), 5000.0)
			assert.EqualValues(t, n.value(t, rebalance+"completed_rebalances_total"), n.metric(t, "sluice_rebalance_seconds").GetHistogram().GetSampleCount())
			assigned += n.value(t, "kafka_connect_connect_coordinator_metrics_assigned_tasks")
		}
		assert.EqualValues(t, 4, assigned)
		assert.Positive(t, second.value(t, "sluice_rebalance_moved_total"))

		second.link.cut()
		c.pass(2 * c.at.session)
		assert.Zero(t, second.value(t, "sluice_group_member"), "it cannot know that it still is one")
		assert.EqualValues(t, 1, first.value(t, "sluice_group_member"))
		second.link.mend()
		c.settles(map[string]int{"a": 4})
		c.pass(5 * time.Second)
		assert.EqualValues(t, 1, second.value(t, "sluice_group_member"))
		assert.Positive(t, second.value(t, "sluice_group_losses_total"))
	})
}

func TestAWorkerThatWasNeverInAGroupSaysSo(t *testing.T) {
	n := &node{membership: New(Options{})}
	assert.Zero(t, n.value(t, "sluice_group_member"))
	assert.EqualValues(t, -1, n.value(t, "kafka_connect_connect_worker_rebalance_metrics_epoch"))
	assert.True(t, math.IsInf(n.value(t, "kafka_connect_connect_worker_rebalance_metrics_time_since_last_rebalance_ms"), 1))
}
