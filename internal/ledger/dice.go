package ledger

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// Dice are random numbers that can be repeated: the seed is logged, and SLUICE_SOAK_SEED gives one.
func Dice(t testing.TB) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("SLUICE_SOAK_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("SLUICE_SOAK_SEED: %v", err)
		}
	}
	t.Logf("again with SLUICE_SOAK_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}
