package payload

import (
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// floatDigits is how many significant decimal digits every float64 keeps.
const floatDigits = 15

// number is the value of a number's text.
func number(text string) connect.Value {
	if !strings.ContainsAny(text, ".eE") {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return connect.Int64(n)
		}
		return connect.String(text)
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || significant(text) > floatDigits && !exact(text, f) || f == 0 && significant(text) > 0 {
		return connect.String(text)
	}
	return connect.Float64(f)
}

// significant counts the significant digits of a number.
func significant(text string) int {
	mantissa, _, _ := strings.Cut(strings.ToLower(strings.TrimPrefix(text, "-")), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	return len(strings.TrimRight(strings.TrimLeft(whole+fraction, "0"), "0"))
}

// exact reports whether the shortest text of f has the same digits: then f stands for this text and no other of that length.
func exact(text string, f float64) bool {
	return digits(text) == digits(strconv.FormatFloat(f, 'e', -1, 64))
}

// digits are the significant digits of a number, without its size: ParseFloat has kept that.
func digits(text string) string {
	mantissa, _, _ := strings.Cut(strings.ToLower(strings.TrimPrefix(text, "-")), "e")
	return strings.Trim(strings.Replace(mantissa, ".", "", 1), "0")
}
