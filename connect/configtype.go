package connect

import (
	"math"
	"strconv"
	"strings"
	"unicode"
)

// Hidden stands for a secret wherever one would be shown.
const Hidden = "[hidden]"

// refusal is a reason in Kafka Connect's words, which its clients know.
type refusal string

func (r refusal) Error() string { return string(r) }

// Verbatim is a [Check]'s refusal that is shown as it stands, without the frame "Invalid value v for configuration k: ": for the few of Java's
// validators whose exceptions do not name the key.
func Verbatim(text string) error { return verbatim(text) }

type verbatim string

func (v verbatim) Error() string { return string(v) }

// Parse reads a value of the type from text, trimmed as Java does it (ConfigDef.parseType): a boolean, numbers of the kind's width, a list as an array
// of strings, and strings for the others. The error is the reason alone.
func (t Type) Parse(text string) (Value, error) {
	trimmed := strings.TrimFunc(text, func(r rune) bool { return r <= ' ' })
	switch t {
	case TypeBoolean:
		switch strings.ToLower(trimmed) {
		case "true":
			return Boolean(true), nil
		case "false":
			return Boolean(false), nil
		}
		return Value{}, refusal("Expected value to be either true or false")
	case TypeInt:
		n, err := strconv.ParseInt(digits(trimmed), 10, 32)
		return number(Int32(int32(n)), t, err)
	case TypeShort:
		n, err := strconv.ParseInt(digits(trimmed), 10, 16)
		return number(Int16(int16(n)), t, err)
	case TypeLong:
		n, err := strconv.ParseInt(digits(trimmed), 10, 64)
		return number(Int64(n), t, err)
	case TypeDouble:
		n, err := parseDouble(trimmed)
		return number(Float64(n), t, err)
	case TypeList:
		return parseList(trimmed), nil
	}
	return String(trimmed), nil
}

func number(v Value, t Type, err error) (Value, error) {
	if err != nil {
		return Value{}, refusal("Not a number of type " + string(t))
	}
	return v, nil
}

// digits puts the decimal digits of all scripts into ASCII, as Character.digit reads them: each script has its ten in a row. Java's parser
// looks at one UTF-16 unit at a time and so knows none beyond U+FFFF.
func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x80 || r > 0xFFFF || !unicode.Is(unicode.Nd, r) {
			return r
		}
		zero := r
		for unicode.Is(unicode.Nd, zero-1) && r-zero < 9 {
			zero--
		}
		return '0' + (r - zero)
	}, s)
}

// parseDouble is Double.parseDouble: Go's form without underscores and other names of infinity, and with a suffix of f or d.
func parseDouble(s string) (float64, error) {
	switch s {
	case "NaN", "+NaN", "-NaN":
		return math.NaN(), nil
	case "Infinity", "+Infinity":
		return math.Inf(1), nil
	case "-Infinity":
		return math.Inf(-1), nil
	}
	number := strings.TrimRight(s, "fFdD")
	if len(s)-len(number) > 1 || strings.ContainsAny(number, "_nNiI") {
		return 0, strconv.ErrSyntax
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil && !math.IsInf(f, 0) { // too large for a double is infinite, in Java no error
		return 0, err
	}
	return f, nil
}

func parseList(trimmed string) Value {
	if trimmed == "" {
		return Array(nil)
	}
	var list []Value
	for _, e := range strings.Split(trimmed, ",") {
		list = append(list, String(strings.Trim(e, " \t\n\v\f\r")))
	}
	return Array(list)
}

// Format writes a parsed value as REST shows it: lists joined by commas, secrets hidden. Null is empty.
func (t Type) Format(v Value) string {
	switch {
	case v.IsNull():
		return ""
	case t == TypePassword:
		return Hidden
	case t == TypeList:
		return strings.Join(readList(v), ",")
	case t == TypeDouble:
		return formatDouble(v.Float64())
	}
	return v.String()
}

// formatDouble is Double.toString, in the shortest form that newer JDKs write too.
func formatDouble(v float64) string {
	switch size := math.Abs(v); {
	case math.IsInf(v, 1):
		return "Infinity"
	case math.IsInf(v, -1):
		return "-Infinity"
	case math.IsNaN(v):
		return "NaN"
	case size != 0 && (size < 1e-3 || size >= 1e7):
		mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(v, 'e', -1, 64), "e")
		n, _ := strconv.Atoi(exponent) // FormatFloat always writes one
		return withFraction(mantissa) + "E" + strconv.Itoa(n)
	}
	return withFraction(strconv.FormatFloat(v, 'f', -1, 64))
}

func withFraction(number string) string {
	if strings.Contains(number, ".") {
		return number
	}
	return number + ".0"
}
