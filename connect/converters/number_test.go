package converters

import (
	"encoding/hex"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

func TestNaNIsWrittenAsJavaWritesIt(t *testing.T) {
	for _, c := range []struct {
		definition Definition
		value      connect.Value
		want       string
	}{
		{float32Definition, connect.Float32(float32(math.NaN())), "7fc00000"},
		{float64Definition, connect.Float64(math.NaN()), "7ff8000000000000"},
	} {
		conv, err := c.definition.New(Value, nil)
		require.NoError(t, err)
		out, err := conv.Encode(&Arena{}, "t", nil, c.value)
		require.NoError(t, err)
		assert.Equal(t, c.want, hex.EncodeToString(out))
	}
}
