package restart

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

func TestNothingIsRestartedUnlessSomebodyAsks(t *testing.T) {
	p, err := Parse(connect.Config{"name": "x"}, connect.Config{"group.id": "g"})
	require.NoError(t, err)
	_, ok := new(Attempts).Next(p, time.Hour)
	assert.False(t, ok)
}

func TestAConnectorsKeysComeOverItsWorkers(t *testing.T) {
	worker := connect.Config{"sluice.restart.policy": "on-failure", "sluice.restart.max.attempts": "3", "sluice.restart.initial.delay.ms": "10"}
	p, err := Parse(connect.Config{"sluice.restart.max.attempts": "5", "sluice.restart.reset.after.ms": "7"}, worker)
	require.NoError(t, err)
	assert.Equal(t, Policy{OnFailure: true, InitialDelay: 10 * time.Millisecond, MaxDelay: 5 * time.Minute, MaxAttempts: 5, ResetAfter: 7 * time.Millisecond}, p)
	p, err = Parse(connect.Config{"sluice.restart.policy": "none"}, worker)
	require.NoError(t, err)
	assert.False(t, p.OnFailure)
}

func TestWaitsDoubleUpToTheirBound(t *testing.T) {
	p := Policy{OnFailure: true, InitialDelay: time.Second, MaxDelay: 5 * time.Second, MaxAttempts: 5, ResetAfter: time.Minute}
	var a Attempts
	for i, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second} {
		wait, ok := a.Next(p, 0)
		require.True(t, ok)
		assert.Equal(t, want, wait)
		assert.Equal(t, i+1, a.Made())
	}
	_, ok := a.Next(p, time.Minute-1)
	assert.False(t, ok, "five in a row were allowed")
	wait, ok := a.Next(p, time.Minute)
	assert.True(t, ok, "what has lived long enough begins anew")
	assert.Equal(t, time.Second, wait)
	p.MaxAttempts = 0
	_, ok = new(Attempts).Next(p, 0)
	assert.False(t, ok)
	p.MaxAttempts, a = -1, Attempts{}
	for range 10000 {
		wait, ok = a.Next(p, 0)
		require.True(t, ok)
	}
	assert.Equal(t, 5*time.Second, wait)
}

func TestAPolicyThatCannotBeReadIsRefused(t *testing.T) {
	for problem, cfg := range map[string]connect.Config{
		"Invalid value always for configuration sluice.restart.policy: String must be one of: none, on-failure": {"sluice.restart.policy": "always"},
		"Invalid value -2 for configuration sluice.restart.max.attempts: Value must be at least -1":             {"sluice.restart.max.attempts": "-2"},
		"sluice.restart.max.delay.ms (10) must not be less than sluice.restart.initial.delay.ms (1000)":         {"sluice.restart.max.delay.ms": "10"},
	} {
		_, err := Parse(cfg, nil)
		assert.EqualError(t, err, problem)
	}
}
