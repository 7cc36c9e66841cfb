package values

import (
	"encoding/binary"
	"errors"
	"math"
	"math/big"
	"math/bits"
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// AppendFloat64 appends f as Double.toString writes it: 1.0, 1.0E10, NaN, Infinity.
func AppendFloat64(dst []byte, f float64) []byte { return appendFloat(dst, f, 64) }

// AppendFloat32 appends f as Float.toString writes it.
func AppendFloat32(dst []byte, f float32) []byte { return appendFloat(dst, float64(f), 32) }

// appendFloat writes the shortest digits that read back as f. Java asks for two digits at least, and where one would do takes
// those two that are nearest to f: 4.9E-324, where the shortest is 5E-324.
func appendFloat(dst []byte, f float64, bits int) []byte {
	abs := math.Abs(f)
	if n, ok := tenThousandths(abs, bits); ok {
		if math.Signbit(f) {
			dst = append(dst, '-')
		}
		return appendTenThousandths(dst, n)
	}
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	case abs >= 1e-3 && abs < 1e7:
		start := len(dst)
		dst = strconv.AppendFloat(dst, f, 'f', -1, bits)
		for _, c := range dst[start:] {
			if c == '.' {
				return dst
			}
		}
		return append(dst, ".0"...)
	}
	return appendScientific(dst, f, bits)
}

// tenThousandths finds the digits of a number below 1e7 that has four at most behind its point, as what measures something mostly has: it is n / 10000.
// Decimals of up to 15 digits, 6 for 32 bits, all stand for different floats, so there is no other with as many; and the quotient of two numbers that a
// float64 holds exactly is the nearest there is. What is below 0.001 is for [appendScientific].
func tenThousandths(abs float64, bits int) (n uint64, ok bool) {
	if !(abs < 1e7) { // NaN neither
		return 0, false
	}
	n = uint64(int64(abs*1e4 + 0.5)) // by way of an int64 it is one instruction
	if n > 0 && n < 10 {
		return 0, false
	}
	if bits == 64 {
		return n, float64(n)/1e4 == abs
	}
	digits := n
	for digits >= 1e6 && digits%10 == 0 {
		digits /= 10
	}
	return n, digits < 1e6 && float64(float32(float64(n)/1e4)) == abs
}

// appendTenThousandths writes n / 10000 with no more digits behind the point than it needs, but one.
func appendTenThousandths(dst []byte, n uint64) []byte {
	dst = appendDigits(dst, n/1e4)
	digits := fourDigits(n % 1e4)
	count := max(1, 4-bits.LeadingZeros32(uint32(digits))/8)
	dst = binary.LittleEndian.AppendUint64(dst, '.'|(zeros|digits)<<8)
	return dst[:len(dst)-7+count]
}

func appendScientific(dst []byte, f float64, bits int) []byte {
	var buf [32]byte
	text := strconv.AppendFloat(buf[:0], f, 'e', -1, bits)
	if digits := text; digits[1] == 'e' || (digits[0] == '-' && digits[2] == 'e') {
		text = strconv.AppendFloat(buf[:0], f, 'e', 1, bits)
	}
	e := len(text) - 1
	for text[e] != 'e' {
		e--
	}
	dst = append(append(dst, text[:e]...), 'E')
	exponent := text[e+1:]
	if exponent[0] == '-' {
		dst = append(dst, '-')
	}
	for exponent = exponent[1:]; len(exponent) > 1 && exponent[0] == '0'; {
		exponent = exponent[1:]
	}
	return append(dst, exponent...)
}

// AppendDecimal appends d as BigDecimal.toString writes it: plain, or scientific where the scale is negative or the number
// below 0.000001. [connect.Decimal.String] is the plain form.
func AppendDecimal(dst []byte, d *connect.Decimal) []byte {
	if d.Scale == 0 {
		return d.Unscaled.Append(dst, 10)
	}
	digits := d.Unscaled.Append(make([]byte, 0, 32), 10)
	if digits[0] == '-' {
		dst, digits = append(dst, '-'), digits[1:]
	}
	scale := int64(d.Scale)
	adjusted := int64(len(digits)) - 1 - scale
	if scale > 0 && adjusted >= -6 {
		return appendPlain(dst, digits, int(scale))
	}
	dst = append(dst, digits[0])
	if len(digits) > 1 {
		dst = append(append(dst, '.'), digits[1:]...)
	}
	if adjusted != 0 {
		dst = append(dst, 'E')
		if adjusted > 0 {
			dst = append(dst, '+')
		}
		dst = strconv.AppendInt(dst, adjusted, 10)
	}
	return dst
}

// appendPlain sets the point before the last scale digits, with zeros in front where there are fewer.
func appendPlain(dst, digits []byte, scale int) []byte {
	if len(digits) > scale {
		point := len(digits) - scale
		dst = append(append(dst, digits[:point]...), '.')
		return append(dst, digits[point:]...)
	}
	dst = append(dst, "0."...)
	for n := len(digits); n < scale; n++ {
		dst = append(dst, '0')
	}
	return append(dst, digits...)
}

// ErrNumber says that a text is not a number.
var ErrNumber = errors.New("not a number")

// ParseInteger reads a whole number of so many bits as Long.parseLong and its like do: a sign and digits of any script, nothing else.
func ParseInteger(text string, bits int) (int64, error) {
	digits := make([]byte, 0, 24)
	for at, r := range text {
		switch d := digitOf(r); {
		case d >= 0:
			digits = append(digits, byte('0'+d))
		case at == 0 && (r == '-' || r == '+'):
			digits = append(digits, byte(r))
		default:
			return 0, ErrNumber
		}
	}
	n, err := strconv.ParseInt(string(digits), 10, bits)
	if err != nil {
		return 0, ErrNumber
	}
	return n, nil
}

// ParseFloat reads a number of 32 or 64 bits as Float.parseFloat and Double.parseDouble do: blanks around it, NaN, Infinity, an f or d behind it and
// hexadecimal digits are understood, and what is too large is infinite.
func ParseFloat(text string, bits int) (float64, error) {
	text = trim(text)
	switch text {
	case "NaN", "+NaN", "-NaN":
		return math.NaN(), nil
	case "Infinity", "+Infinity":
		return math.Inf(1), nil
	case "-Infinity":
		return math.Inf(-1), nil
	}
	if n := len(text); n > 0 && strings.IndexByte("fFdD", text[n-1]) >= 0 {
		text = text[:n-1]
	}
	if strings.ContainsAny(text, "_nNiI") { // Go's own: 1_000, inf, nan
		return 0, ErrNumber
	}
	f, err := strconv.ParseFloat(text, bits)
	if err != nil && !math.IsInf(f, 0) {
		return 0, ErrNumber
	}
	return f, nil
}

// ParseDecimal reads a number as the constructor of BigDecimal does: a sign, digits of any script, a point, an exponent.
// The scale is what the text shows: 1.50 has 2.
func ParseDecimal(text string) (*connect.Decimal, error) {
	digits := make([]byte, 0, len(text))
	rest := text
	if rest != "" && (rest[0] == '+' || rest[0] == '-') {
		if rest[0] == '-' {
			digits = append(digits, '-')
		}
		rest = rest[1:]
	}
	sign := len(digits)
	var scale, exponent int64
	point := false
scan:
	for at, r := range rest {
		switch d := digitOf(r); {
		case d >= 0:
			digits = append(digits, byte('0'+d))
			if point {
				scale++
			}
		case r == '.' && !point:
			point = true
		case r == 'e' || r == 'E':
			var err error
			if exponent, err = parseExponent(rest[at+1:]); err != nil {
				return nil, err
			}
			break scan
		default:
			return nil, ErrNumber
		}
	}
	scale -= exponent
	if len(digits) == sign || scale != int64(int32(scale)) {
		return nil, ErrNumber
	}
	return &connect.Decimal{Unscaled: integer(digits), Scale: int32(scale)}, nil
}

func parseExponent(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n != int64(int32(n)) {
		return 0, ErrNumber
	}
	return n, nil
}

func integer(digits []byte) *big.Int {
	if len(digits) <= 18 {
		if n, err := strconv.ParseInt(string(digits), 10, 64); err == nil {
			return big.NewInt(n)
		}
	}
	n, _ := new(big.Int).SetString(string(digits), 10)
	return n
}

var lowBits = new(big.Int).SetUint64(math.MaxUint64)

// Low64 returns the low 64 bits of the integer part of d, as BigDecimal.longValue does: a number beyond them is cut, silently.
func Low64(d *connect.Decimal) int64 {
	whole := d.Unscaled
	switch {
	case d.Scale <= -64 || len(whole.Bits())*20 < int(d.Scale): // nothing but zeros in the low bits; less than 1
		return 0
	case d.Scale > 0:
		whole = new(big.Int).Quo(whole, powerOfTen(d.Scale))
	case d.Scale < 0:
		whole = new(big.Int).Mul(whole, powerOfTen(-d.Scale))
	}
	return Low64Of(whole)
}

// Low64Of returns the low 64 bits of n in two's complement, as BigInteger.longValue does.
func Low64Of(n *big.Int) int64 {
	low := new(big.Int).And(n, lowBits)
	return int64(low.Uint64())
}

func powerOfTen(n int32) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// AppendTwosComplement appends n as BigInteger.toByteArray does: big-endian, as short as the sign bit allows. It is how a
// Decimal's unscaled value travels.
func AppendTwosComplement(dst []byte, n *big.Int) []byte {
	if n.Sign() >= 0 {
		if n.BitLen()%8 == 0 {
			dst = append(dst, 0)
		}
		return append(dst, n.Bytes()...)
	}
	// The complement of n is -n-1, whose bits are those of n inverted.
	inverted := new(big.Int).Not(n)
	if inverted.BitLen()%8 == 0 {
		dst = append(dst, 0xff)
	}
	for _, b := range inverted.Bytes() {
		dst = append(dst, ^b)
	}
	return dst
}

// FromTwosComplement is the reverse of [AppendTwosComplement]. No bytes at all are zero, which Java refuses: callers check.
func FromTwosComplement(b []byte) *big.Int {
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n
}
