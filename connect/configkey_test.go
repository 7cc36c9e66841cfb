package connect_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

func TestATypedKeyReadsItsValue(t *testing.T) {
	cfg := connect.Config{"s": " x ", "b": "TRUE", "i": "7", "l": "9000000000", "sh": "-1", "d": "1.5", "li": "a, b", "p": "secret", "c": "X"}
	require.Equal(t, "x", connect.StringKey("s", "").Get(cfg))
	require.True(t, connect.BoolKey("b", "").Get(cfg))
	require.Equal(t, 7, connect.IntKey("i", "").Get(cfg))
	require.Equal(t, int64(9000000000), connect.LongKey("l", "").Get(cfg))
	require.Equal(t, -1, connect.ShortKey("sh", "").Get(cfg))
	require.InDelta(t, 1.5, connect.DoubleKey("d", "").Get(cfg), 0)
	require.Equal(t, []string{"a", "b"}, connect.ListKey("li", "").Get(cfg))
	require.Equal(t, "secret", connect.PasswordKey("p", "").Get(cfg))
	require.Equal(t, "X", connect.ClassKey("c", "").Get(cfg))
}

func TestAnUnsetKeyHasItsDefault(t *testing.T) {
	require.Equal(t, 2000, connect.IntKey("n", "").Default(2000).Get(nil))
	require.Equal(t, []string{"a", "b"}, connect.ListKey("l", "").Default([]string{"a", "b"}).Get(nil))
	require.Empty(t, connect.ListKey("l", "").Default(nil).Get(nil))
	require.False(t, connect.BoolKey("b", "").Default(false).Get(nil))
}

func TestDefaultsSurviveTheirTextForm(t *testing.T) {
	for _, v := range []float64{0, 1, -0.5, 1e-5, 1.25e-7, 123456.75, 1e7, 1e22, math.MaxFloat64, math.SmallestNonzeroFloat64, math.Inf(-1)} {
		require.Equal(t, v, connect.DoubleKey("d", "").Default(v).Get(nil))
	}
	text, _ := connect.DoubleKey("d", "").Default(1e-5).Definition().Default.Text()
	require.Equal(t, "1.0E-5", text)
	text, _ = connect.DoubleKey("d", "").Default(12345678).Definition().Default.Text()
	require.Equal(t, "1.2345678E7", text)
}

func TestAnOptionalKeyTellsWhetherItIsThere(t *testing.T) {
	key := connect.LongKey("n", "").Optional()
	value, ok := key.Lookup(connect.Config{})
	require.False(t, ok)
	require.Zero(t, value)
	require.Zero(t, key.Get(connect.Config{}))
	value, ok = key.Lookup(connect.Config{"n": "0"})
	require.True(t, ok)
	require.Zero(t, value)
}

func TestReadingWhatWasNotValidatedNamesTheKey(t *testing.T) {
	require.PanicsWithError(t, "n: read before it was validated: Not a number of type INT", func() {
		connect.IntKey("n", "").Get(connect.Config{"n": "x"})
	})
}

func TestChainedMethodsLeaveTheFirstKeyAlone(t *testing.T) {
	first := connect.StringKey("s", "A text.")
	second := first.Default("x").Importance(connect.High).Group("G", 3, connect.WidthLong, "S").Dependents("t").Must(connect.NonEmpty)
	require.True(t, first.Definition().Default.Required())
	require.Nil(t, first.Definition().Check)
	def := second.Definition()
	def.Check = nil
	require.Equal(t, connect.KeyDef{
		Name: "s", Type: connect.TypeString, Default: connect.TextDefault("x"), Doc: "A text.", Importance: connect.High, Width: connect.WidthLong,
		Group: "G", Order: 3, DisplayName: "S", Dependents: []string{"t"},
	}, def)
}

func TestSeveralChecksAllHaveToPass(t *testing.T) {
	key := connect.IntKey("n", "").Must(connect.AtLeast(1)).Must(connect.Between(0, 5))
	require.Empty(t, report(t, key, connect.Config{"n": "3"}).Errors)
	require.Equal(t, []string{"Invalid value 9 for configuration n: Value must be no more than 5"}, report(t, key, connect.Config{"n": "9"}).Errors)
	require.Equal(t, []string{"Invalid value 0 for configuration n: Value must be at least 1"}, report(t, key, connect.Config{"n": "0"}).Errors)
}
