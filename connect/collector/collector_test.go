package collector

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheCollectorHasItsHeadroomWhateverIsAlive(t *testing.T) {
	for live, want := range map[uint64]int{0: mostPercent, 1 << 20: mostPercent, 8 << 20: 200, 16 << 20: 100, 20 << 20: 75, 1 << 30: leastPercent} {
		assert.Equal(t, want, percentFor(live), "%d bytes alive", live)
	}
}

func TestTheCollectorFollowsWhatIsAlive(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	before := debug.SetGCPercent(100)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	percent := func() int {
		sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
		metrics.Read(sample)
		return int(sample[0].Value.Uint64())
	}

	Tune()
	require.Greater(t, percent(), leastPercent)
	block := make([]byte, 4*headroom)
	require.Eventually(t, func() bool {
		runtime.GC()
		return percent() == leastPercent
	}, 10*time.Second, 10*time.Millisecond)
	runtime.KeepAlive(block)
	block = nil
	require.Eventually(t, func() bool {
		runtime.GC()
		return percent() > leastPercent
	}, 10*time.Second, 10*time.Millisecond)
}

func TestTheEnvironmentTunesTheCollector(t *testing.T) {
	for _, key := range []string{"GOGC", "GOMEMLIMIT"} {
		t.Setenv("GOGC", "")
		t.Setenv("GOMEMLIMIT", "")
		assert.False(t, tunedByEnvironment())
		t.Setenv(key, "300")
		assert.True(t, tunedByEnvironment(), key)
	}
}
