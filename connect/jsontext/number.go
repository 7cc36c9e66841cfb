package jsontext

import (
	"math/big"
	"strconv"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/values"
)

// Number is a JSON number as it was written. Its methods are Jackson's conversions, which never fail and cut what does not fit.
type Number struct {
	Text  []byte
	Whole bool // neither point nor exponent
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

// Float returns the nearest float, an infinity beyond them all, and never -0, which a BigDecimal does not have.
func (n Number) Float(bits int) float64 {
	f, _ := strconv.ParseFloat(string(n.Text), bits)
	if f == 0 {
		return 0
	}
	return f
}

// Decimal returns the number with all its digits.
func (n Number) Decimal() *connect.Decimal {
	d, err := values.ParseDecimal(string(n.Text))
	if err != nil { // its scale is beyond 32 bits by less than its length: next to nothing, or beyond all that is asked of it
		return &connect.Decimal{Unscaled: new(big.Int)}
	}
	return d
}
