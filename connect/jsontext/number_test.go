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
		short, long := Scanner{Data: []byte(text)}, Scanner{Data: []byte(text)}
		got, scale, ok := short.Short()
		want, err := long.Number()
		if !ok {
			require.Zero(t, short.At, text)
			return
		}
		require.NoError(t, err, text)
		require.Equal(t, long.At, short.At, text)
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
		text := []string{"", "-", "--"}[random.IntN(3)] + digits(22) + []string{"", ".", "..", ".0"}[random.IntN(4)] + digits(12) +
			[]string{"", "", ",", "}", "e3", "E", ".", ":12345678", "/1234567"}[random.IntN(9)]
		check(text)
	}
	for _, text := range []string{"", "-", "0", "-0", "-0.0", "00", "1.", ".5", "1.5.", "123456789012345678", "1234567890123456789", "12345678.12345678", "1e5"} {
		check(text)
	}
	s := Scanner{Data: []byte("1234567890123,")}
	n, scale, ok := s.Short()
	require.Equal(t, []any{int64(1234567890123), 0, true, 13}, []any{n, scale, ok, s.At})
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
				if plain(text, 0) != want || plain(string(text), 0) != want {
					t.Fatalf("%q: %d, not %d", strconv.Quote(string(text)), plain(text, 0), want)
				}
			}
		}
	}
}
