package values

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestIntegersAreWrittenInDecimalDigits(t *testing.T) {
	check := func(n int64) {
		require.Equal(t, strconv.FormatInt(n, 10), string(AppendInteger([]byte("x"), n)[1:]))
	}
	random := rand.New(rand.NewPCG(5, 6))
	for range 200_000 {
		check(int64(random.Uint64()) >> random.IntN(64))
	}
	for ten := int64(1); ten < math.MaxInt64/10; ten *= 10 {
		for _, n := range []int64{ten - 1, ten, ten + 1, 9 * ten} {
			check(n)
			check(-n)
		}
	}
	for _, n := range []int64{0, math.MaxInt64, math.MinInt64, math.MaxUint32} {
		check(n)
	}
}
