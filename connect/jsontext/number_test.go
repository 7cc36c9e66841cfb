package jsontext

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is read the short way is what the long way reads, and what is left alone is left where it is.
func TestShortNumbersAreReadAsAllOthers(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	digits := func(most int) string {
		var b strings.Builder
		for range random.IntN(most) {
			b.WriteByte(byte('0' + random.IntN(10)))
		}
		return b.String()
	}
	check := func(text string) {
		long := Scanner{Data: []byte(text)}
		got, scale, end := Short(long.Data, 0)
		want, err := long.Number()
		if end == 0 {
			return
		}
		require.NoError(t, err, text)
		require.Equal(t, long.At, end, text)
		require.Equal(t, want.Whole, scale == 0, text)
		if scale == 0 {
			require.Equal(t, want.Int64(), got, text)
		}
		if f, ok := Float64(got, scale); ok {
			require.Equal(t, want.Float(64), f, text)
		}
		if f, ok := Float32(got, scale); ok {
			require.Equal(t, float32(want.Float(32)), f, text)
		}
	}
	for range 100_000 {
		text := []string{"", "-", "--"}[random.IntN(3)] + digits([]int{4, 10, 22}[random.IntN(3)]) + []string{"", ".", "..", ".0"}[random.IntN(4)] + digits([]int{1, 4, 12}[random.IntN(3)]) +
			[]string{"", "", ",", "}", "e3", "E", ".", ":12345678", ",\"name\":\"", "/1234567"}[random.IntN(10)]
		check(text)
	}
	for _, text := range []string{"", "-", "0", "-0", "-0.0", "00", "1.", ".5", "1.5.", "123456789012345678", "1234567890123456789", "12345678.12345678", "1e5"} {
		check(text)
	}
	for text, want := range map[string][]any{
		"1234567890123,": {int64(1234567890123), 0, 13}, "-21.5,\"at\":1": {int64(-215), 1, 5}, "12345.67}": {int64(1234567), 2, 8}, "42,\"total\"": {int64(42), 0, 2},
		"1234567.5}": {int64(12345675), 1, 9}, "0.1234567}": {int64(1234567), 7, 9}, "1.\"23456": {int64(0), 0, 0}, ".5,\"2345": {int64(0), 0, 0},
	} {
		n, scale, end := Short([]byte(text), 0)
		require.Equal(t, want, []any{n, scale, end}, text)
	}
}

// Jackson's numbers are BigDecimals, whose zero has no sign; what is next to nothing keeps its own.
func TestOnlyWhatIsNextToNothingIsANegativeZero(t *testing.T) {
	for text, negative := range map[string]bool{"-0.0": false, "-0e5": false, "-0.000": false, "-2.7e-2287": true, "-0.1e-400": true, "2.7e-2287": false} {
		s := Scanner{Data: []byte(text)}
		n, err := s.Number()
		require.NoError(t, err)
		for _, bits := range []int{32, 64} {
			f := n.Float(bits)
			require.Zero(t, f, text)
			require.Equal(t, negative, math.Signbit(f), text)
		}
	}
}

// Each byte at each place in a word of eight either ends a plain text or does not.
func TestPlainTextEndsAtTheFirstByteThatIsSpecial(t *testing.T) {
	for length := range 20 {
		for at := range length {
			for c := range 256 {
				text := []byte(strings.Repeat("~ !", 7)[:length])
				text[at] = byte(c)
				want := length
				if c < ' ' || c == '"' || c == '\\' || c >= 0x80 {
					want = at
				}
				if Plain(text, 0) != want || Plain(string(text), 0) != want {
					t.Fatalf("%q: %d, not %d", strconv.Quote(string(text)), Plain(text, 0), want)
				}
			}
		}
	}
}
