package group

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func pausesOf(first, most time.Duration) *pauses {
	return (&Member{Settings: Settings{RetryBackoff: first, RetryBackoffMax: most}}).pauses()
}

func TestPausesDoubleUpToTheMaximum(t *testing.T) {
	for name, c := range map[string]struct {
		first, most time.Duration
		want        []time.Duration
	}{
		"growing":             {100, 1000, []time.Duration{100, 200, 400, 800, 1000, 1000}},
		"constant":            {50, 50, []time.Duration{50, 50, 50}},
		"beyond the maximum":  {5000, 300, []time.Duration{300, 300}},
		"never without pause": {0, 0, []time.Duration{1, 1, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := pausesOf(c.first*time.Millisecond, c.most*time.Millisecond)
				for _, want := range c.want {
					began := time.Now()
					p.wait(t.Context())
					assert.InDelta(t, want*time.Millisecond, time.Since(began), float64(want*time.Millisecond/5))
				}
			})
		})
	}
}

func TestPausesDifferFromMemberToMember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := map[time.Duration]bool{}
		for range 20 {
			began := time.Now()
			pausesOf(time.Second, time.Second).wait(t.Context())
			seen[time.Since(began)] = true
		}
		assert.Greater(t, len(seen), 10)
	})
}

func TestAPauseEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		pausesOf(time.Hour, time.Hour).wait(ctx)
		assert.Equal(t, time.Second, time.Since(began))
	})
}
