package converters

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

func TestEveryNaNIsWrittenAsJavas(t *testing.T) {
	for _, nan := range []float64{math.NaN(), math.Float64frombits(0xfff8_0000_0000_0007)} {
		c, err := float64Definition.New(Value, nil)
		require.NoError(t, err)
		out, err := c.Encode(&Arena{}, "t", connect.Float64Schema, connect.Float64(nan))
		require.NoError(t, err)
		require.Equal(t, []byte{0x7f, 0xf8, 0, 0, 0, 0, 0, 0}, out)
	}
}
