package jsontext

import (
	"math/big"
	"math/bits"
	"strconv"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/values"
)

// Number is a JSON number as it was written. Its methods are Jackson's conversions, which never fail and cut what does not fit.
type Number struct {
	Text  []byte
	Whole bool // neither point nor exponent
}

// shortest is how many digits fit into a uint64 whatever they are.
const shortest = 18

// Short reads a number without exponent whose digits are few: it is digits / 10^scale, and written without point where scale is 0. It ends at end, which
// is 0 where there is another number or none.
func Short(data []byte, at int) (digits int64, scale, end int) {
	minus := int64(0)
	if at < len(data) && data[at] == '-' {
		at, minus = at+1, -1
	}
	n, end := uint64(0), at
	if at+8 <= len(data) { // most numbers, with the byte behind them, are within a word
		w := word(data[at:])
		size := digitBits(w)
		if size == 64 {
			n, end = eightDigits(w), at+8
		} else if next := byte(w >> size); next != '.' {
			if size == 0 || next|0x20 == 'e' {
				return 0, 0, 0
			}
			return signed(eightDigits(w<<(64-size)), minus), 0, at + int(size/8)
		} else if size > 0 {
			before := uint64(1)<<size - 1
			w = w&before | w>>8&^before // the digits without the point
			all := digitBits(w)
			if next := byte(w >> all); all > size && all < 56 && next != '.' && next|0x20 != 'e' {
				return signed(eightDigits(w<<(64-all)), minus), int(all-size) / 8, at + int(all/8) + 1
			}
		}
	}
	n, end = fewDigits(data, end, n)
	count := end - at
	if count > 0 && end < len(data) && data[end] == '.' {
		point := end
		n, end = fewDigits(data, point+1, n)
		if scale = end - point - 1; scale == 0 {
			return 0, 0, 0
		}
		count += scale
	}
	if count == 0 || count > shortest || end < len(data) && (data[end]|0x20 == 'e' || data[end] == '.') {
		return 0, 0, 0
	}
	return signed(n, minus), scale, end
}

// signed is n, or -n where minus is -1.
func signed(n uint64, minus int64) int64 { return (int64(n) ^ minus) - minus }

// fewDigits reads digits behind those that n has. Where there are more than fit into it, it stops somewhere behind the last that would.
func fewDigits(data []byte, at int, n uint64) (uint64, int) {
	for start := at; at+8 <= len(data); {
		w := word(data[at:])
		size := digitBits(w)
		if size == 0 || at-start > shortest {
			return n, at
		}
		n = n*tens[size/8] + eightDigits(w<<(64-size))
		if at += int(size / 8); size < 64 {
			return n, at
		}
	}
	for ; at < len(data) && data[at]-'0' <= 9; at++ {
		n = n*10 + uint64(data[at]-'0')
	}
	return n, at
}

// digitBits is the size, in bits, of the digits at the beginning of eight bytes, the first of them the lowest.
func digitBits(w uint64) uint {
	const high, zeros, carry = 0xf0f0f0f0f0f0f0f0, 0x3030303030303030, 0x0606060606060606
	other := (w&high ^ zeros) | ((w+carry)&high ^ zeros)
	return uint(bits.TrailingZeros64(other)) &^ 7
}

// eightDigits is the number that eight digits are, the first in the lowest byte; bytes of zero are zeros. Neighbours are joined to numbers of two digits, of
// four, of eight.
func eightDigits(w uint64) uint64 {
	w &= 0x0f0f0f0f0f0f0f0f
	w = w*10 + w>>8
	const pairs = 0x000000ff000000ff
	return (w&pairs*(100+1_000_000<<32) + w>>16&pairs*(1+10_000<<32)) >> 32
}

var tens = [...]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8}

// Powers of ten that a float64 and a float32 hold exactly.
var (
	tens64 = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}
	tens32 = [...]float32{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10}
)

// Float64 returns the float64 that is nearest to digits / 10^scale. ok is false where one division does not tell: of two numbers that a float64 holds
// exactly the quotient is the nearest there is.
func Float64(digits int64, scale int) (f float64, ok bool) {
	if digits > 1<<53 || digits < -1<<53 || scale >= len(tens64) {
		return 0, false
	}
	return float64(digits) / tens64[scale], true
}

// Float32 is [Float64] for a float32.
func Float32(digits int64, scale int) (f float32, ok bool) {
	if digits > 1<<24 || digits < -1<<24 || scale >= len(tens32) {
		return 0, false
	}
	return float32(digits) / tens32[scale], true
}

// Number reads a number.
func (s *Scanner) Number() (Number, error) {
	start := s.At
	if s.At < len(s.Data) && s.Data[s.At] == '-' {
		s.At++
	}
	if s.digits() == 0 {
		return Number{}, s.Fail("no value")
	}
	n := Number{Whole: true}
	if s.At < len(s.Data) && s.Data[s.At] == '.' {
		s.At++
		n.Whole = false
		if s.digits() == 0 {
			return Number{}, s.Fail("no digit behind a point")
		}
	}
	if s.At < len(s.Data) && (s.Data[s.At] == 'e' || s.Data[s.At] == 'E') {
		n.Whole = false
		if err := s.exponent(); err != nil {
			return Number{}, err
		}
	}
	n.Text = s.Data[start:s.At]
	if len(n.Text) > maxNumberLength {
		return Number{}, s.Fail("a number of more than 1000 digits")
	}
	return n, nil
}

func (s *Scanner) digits() int {
	start := s.At
	for s.At < len(s.Data) && s.Data[s.At] >= '0' && s.Data[s.At] <= '9' {
		s.At++
	}
	return s.At - start
}

// exponent checks the size too: Java's BigDecimal has a scale of 32 bits.
func (s *Scanner) exponent() error {
	s.At++
	if s.At < len(s.Data) && (s.Data[s.At] == '-' || s.Data[s.At] == '+') {
		s.At++
	}
	start := s.At
	if s.digits() == 0 {
		return s.Fail("no digit in an exponent")
	}
	if _, err := strconv.ParseInt(string(s.Data[start:s.At]), 10, 32); err != nil {
		return s.Fail("an exponent beyond 32 bits")
	}
	return nil
}

// Int64 returns the low 64 bits of the integer part.
func (n Number) Int64() int64 {
	if n.Whole && len(n.Text) <= 18 {
		return shortInteger(n.Text)
	}
	if !n.Whole {
		return values.Low64(n.Decimal())
	}
	if v, err := strconv.ParseInt(string(n.Text), 10, 64); err == nil {
		return v
	}
	v, _ := new(big.Int).SetString(string(n.Text), 10)
	return values.Low64Of(v)
}

// shortInteger is for digits that cannot overflow.
func shortInteger(text []byte) int64 {
	negative := text[0] == '-'
	if negative {
		text = text[1:]
	}
	var v int64
	for _, c := range text {
		v = v*10 + int64(c-'0')
	}
	if negative {
		return -v
	}
	return v
}

// Int32 tells whether n is what Jackson holds as an int.
func (n Number) Int32() (v int32, ok bool) {
	if !n.Whole {
		return 0, false
	}
	if len(n.Text) <= 18 {
		wide := shortInteger(n.Text)
		return int32(wide), wide == int64(int32(wide))
	}
	wide, err := strconv.ParseInt(string(n.Text), 10, 32)
	return int32(wide), err == nil
}

// Float returns the nearest float, an infinity beyond them all. A zero is never -0, which a BigDecimal does not have; what is next to nothing may be.
func (n Number) Float(bits int) float64 {
	f, _ := strconv.ParseFloat(string(n.Text), bits)
	if f == 0 && n.zero() {
		return 0
	}
	return f
}

// zero tells whether all digits in front of an exponent are 0.
func (n Number) zero() bool {
	for _, c := range n.Text {
		switch {
		case c >= '1' && c <= '9':
			return false
		case c == 'e' || c == 'E':
			return true
		}
	}
	return true
}

// Decimal returns the number with all its digits.
func (n Number) Decimal() *connect.Decimal {
	d, err := values.ParseDecimal(string(n.Text))
	if err != nil { // its scale is beyond 32 bits by less than its length: next to nothing, or beyond all that is asked of it
		return &connect.Decimal{Unscaled: new(big.Int)}
	}
	return d
}
