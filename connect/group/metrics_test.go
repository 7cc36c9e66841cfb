package group

import (
	"context"
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect/metrics"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// values are the metrics of a member's talk by name, without what they all begin with.
func values(t *testing.T, m *Metrics) map[string]float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	require.NoError(t, registry.Register(m))
	families, err := registry.Gather()
	require.NoError(t, err)
	all := map[string]float64{}
	for _, f := range families {
		require.Len(t, f.GetMetric(), 1)
		one := f.GetMetric()[0]
		require.Equal(t, "me", one.GetLabel()[0].GetValue())
		all[f.GetName()[len("kafka_connect_connect_"):]] = one.GetGauge().GetValue() + one.GetCounter().GetValue()
	}
	return all
}

func TestAMembersTalkIsMeasured(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 1)
	talk := NewMetrics("me", metrics.Sampling{})
	before := values(t, talk)
	assert.EqualValues(t, -1, before["coordinator_metrics_last_heartbeat_seconds_ago"])
	assert.EqualValues(t, -1, before["coordinator_metrics_last_rebalance_seconds_ago"])
	m := k.member(&script{name: "ada"}, func(s *Settings) { s.Metrics = talk })
	m.await(joined, 1)
	testbed.Await(t, patience, "three heartbeats to be counted", func(context.Context) error {
		if n := values(t, talk)["coordinator_metrics_heartbeat_total"]; n < 3 {
			return fmt.Errorf("%v", n)
		}
		return nil
	})
	m.Rejoin("for the test")
	m.await(joined, 2)
	testbed.Await(t, patience, "two rounds to be counted", func(context.Context) error {
		if n := values(t, talk)["coordinator_metrics_rebalance_total"]; n != 2 {
			return fmt.Errorf("%v", n)
		}
		return nil
	})
	got := values(t, talk)
	assert.EqualValues(t, 2, got["coordinator_metrics_join_total"])
	assert.EqualValues(t, 2, got["coordinator_metrics_sync_total"])
	assert.Positive(t, got["coordinator_metrics_heartbeat_response_time_max"])
	assert.Positive(t, got["coordinator_metrics_rebalance_latency_total"])
	assert.Positive(t, got["metrics_connection_creation_total"])
	assert.Positive(t, got["metrics_incoming_byte_total"])
	assert.Greater(t, got["metrics_outgoing_byte_total"], got["metrics_request_total"])
	m.stop()
	require.NoError(t, m.ended())
	after := values(t, talk)
	assert.Zero(t, after["metrics_connection_count"], "all are closed")
	assert.Equal(t, after["metrics_connection_creation_total"], after["metrics_connection_close_total"])
}
