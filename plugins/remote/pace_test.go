package remote

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/sluice-connect/sluice/plugins/contract"
)

func TestWhoSaysTooMuchIsHeardLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pace
		began := time.Now()
		for range pointsAtOnce / lineCost {
			p.spend(t.Context(), lineCost)
		}
		assert.Zero(t, time.Since(began), "what may be said at once")
		for range 10 * pointsASecond / lineCost {
			p.spend(t.Context(), lineCost)
		}
		assert.InDelta(t, 10, time.Since(began).Seconds(), 0.1)
		time.Sleep(time.Second)
		began = time.Now()
		p.spend(t.Context(), pointsASecond)
		assert.Zero(t, time.Since(began), "after a rest")

		gone, cancel := context.WithCancel(t.Context())
		cancel()
		p.spend(gone, 100*pointsASecond)
		assert.Zero(t, time.Since(began), "nobody waits for a task that has ended")
	})
}

func TestAStateThatIsNewsCostsMoreThanOneThatWasSaid(t *testing.T) {
	var p pace
	away := &contract.Waiting{Cause: "it is away", NextTry: 7}
	assert.Equal(t, messageCost, p.state(nil), "healthy as before")
	assert.Equal(t, stateCost, p.state(away))
	assert.Equal(t, messageCost, p.state(away))
	assert.Equal(t, stateCost, p.state(&contract.Waiting{Cause: "it is away", NextTry: 8}))
	assert.Equal(t, stateCost, p.state(nil))
	assert.Equal(t, messageCost, p.state(nil))
}
