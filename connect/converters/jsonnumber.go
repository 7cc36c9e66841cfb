package converters

import (
	"math/big"
	"strconv"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/values"
)

// number is a JSON number as it was written. Its methods are Jackson's conversions, which never fail and cut what does not fit.
type number struct {
	text  []byte
	whole bool // neither point nor exponent
}

// number reads a number.
func (s *scanner) number() (number, error) {
	start := s.at
	if s.at < len(s.data) && s.data[s.at] == '-' {
		s.at++
	}
	if s.digits() == 0 {
		return number{}, s.fail("no value")
	}
	n := number{whole: true}
	if s.at < len(s.data) && s.data[s.at] == '.' {
		s.at++
		n.whole = false
		if s.digits() == 0 {
			return number{}, s.fail("no digit behind a point")
		}
	}
	if s.at < len(s.data) && (s.data[s.at] == 'e' || s.data[s.at] == 'E') {
		n.whole = false
		if err := s.exponent(); err != nil {
			return number{}, err
		}
	}
	n.text = s.data[start:s.at]
	if len(n.text) > maxNumberLength {
		return number{}, s.fail("a number of more than 1000 digits")
	}
	return n, nil
}

func (s *scanner) digits() int {
	start := s.at
	for s.at < len(s.data) && s.data[s.at] >= '0' && s.data[s.at] <= '9' {
		s.at++
	}
	return s.at - start
}

// exponent checks the size too: Java's BigDecimal has a scale of 32 bits.
func (s *scanner) exponent() error {
	s.at++
	if s.at < len(s.data) && (s.data[s.at] == '-' || s.data[s.at] == '+') {
		s.at++
	}
	start := s.at
	if s.digits() == 0 {
		return s.fail("no digit in an exponent")
	}
	if _, err := strconv.ParseInt(string(s.data[start:s.at]), 10, 32); err != nil {
		return s.fail("an exponent beyond 32 bits")
	}
	return nil
}

// int64 returns the low 64 bits of the integer part.
func (n number) int64() int64 {
	if n.whole && len(n.text) <= 18 {
		return shortInteger(n.text)
	}
	if !n.whole {
		return values.Low64(n.decimal())
	}
	if v, err := strconv.ParseInt(string(n.text), 10, 64); err == nil {
		return v
	}
	v, _ := new(big.Int).SetString(string(n.text), 10)
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

// int32 tells whether n is what Jackson holds as an int.
func (n number) int32() (v int32, ok bool) {
	if !n.whole {
		return 0, false
	}
	if len(n.text) <= 18 {
		wide := shortInteger(n.text)
		return int32(wide), wide == int64(int32(wide))
	}
	wide, err := strconv.ParseInt(string(n.text), 10, 32)
	return int32(wide), err == nil
}

// float returns the nearest float, an infinity beyond them all, and never -0, which a BigDecimal does not have.
func (n number) float(bits int) float64 {
	f, _ := strconv.ParseFloat(string(n.text), bits)
	if f == 0 {
		return 0
	}
	return f
}

func (n number) decimal() *connect.Decimal {
	d, err := values.ParseDecimal(string(n.text))
	if err != nil { // its scale is beyond 32 bits by less than its length: next to nothing, or beyond all that is asked of it
		return &connect.Decimal{Unscaled: new(big.Int)}
	}
	return d
}
