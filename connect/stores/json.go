package stores

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sluice-connect/sluice/connect"
)

// object writes a JSON object with these members in this order, in the dialect of Kafka Connect's JsonConverter without
// schemas: compact, doubles in Java's form, bytes as Base64.
func object(members ...connect.Attr) []byte { return appendObject(nil, members) }

func appendObject(dst []byte, members []connect.Attr) []byte {
	dst = append(dst, '{')
	for i, m := range members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendText(dst, m.Name)
		dst = append(dst, ':')
		dst = appendValue(dst, m.Value)
	}
	return append(dst, '}')
}

// appendValue writes v. Callers have refused what has no form here (see [Members.CheckPrimitive]); maps have text keys.
func appendValue(dst []byte, v connect.Value) []byte {
	switch v.Kind() {
	case connect.KindBoolean:
		return strconv.AppendBool(dst, v.Bool())
	case connect.KindInt8, connect.KindInt16, connect.KindInt32, connect.KindInt64:
		return strconv.AppendInt(dst, v.Int64(), 10)
	case connect.KindFloat32:
		return appendFloat(dst, v.Float64(), 32)
	case connect.KindFloat64:
		return appendFloat(dst, v.Float64(), 64)
	case connect.KindString:
		return appendText(dst, v.Str())
	case connect.KindBytes:
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, v.Bytes())
		return append(dst, '"')
	case connect.KindMap:
		members := make([]connect.Attr, 0, v.Map().Len())
		for _, e := range v.Map().Entries() {
			members = append(members, connect.Attr{Name: e.Key.String(), Value: e.Value})
		}
		return appendObject(dst, members)
	}
	return append(dst, "null"...)
}

// appendFloat writes f as Double.toString and Float.toString do; what is not a number is quoted, as Jackson has it.
func appendFloat(dst []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	if abs := math.Abs(f); abs == 0 || (abs >= 1e-3 && abs < 1e7) {
		return append(dst, withPoint(strconv.FormatFloat(f, 'f', -1, bits))...)
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, bits), "e")
	dst = append(dst, withPoint(mantissa)...)
	dst = append(dst, 'E')
	n, _ := strconv.Atoi(exponent) // FormatFloat's exponents are numbers
	return strconv.AppendInt(dst, int64(n), 10)
}

func withPoint(digits string) string {
	if strings.Contains(digits, ".") {
		return digits
	}
	return digits + ".0"
}

const hexDigits = "0123456789ABCDEF"

// appendText writes s quoted as Jackson does: characters outside the basic plane become two escapes, all others of the plane stay.
func appendText(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r < 0x20:
			dst = appendControl(dst, byte(r))
		case r > 0xFFFF:
			r -= 0x10000
			dst = appendEscape(dst, 0xD800+uint16(r>>10))
			dst = appendEscape(dst, 0xDC00+uint16(r&0x3FF))
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}

func appendControl(dst []byte, c byte) []byte {
	if i := strings.IndexByte("\b\t\n\f\r", c); i >= 0 {
		return append(dst, '\\', "btnfr"[i])
	}
	return appendEscape(dst, uint16(c))
}

func appendEscape(dst []byte, unit uint16) []byte {
	return append(dst, '\\', 'u', hexDigits[unit>>12], hexDigits[unit>>8&15], hexDigits[unit>>4&15], hexDigits[unit&15])
}

// parse reads the first JSON value of data; what follows is ignored, and no bytes at all are null, as in Kafka Connect. Integral
// numbers become int64, all others float64.
func parse(data []byte) (connect.Value, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	token, err := d.Token()
	if errors.Is(err, io.EOF) {
		return connect.Value{}, nil
	}
	if err != nil {
		return connect.Value{}, fmt.Errorf("reading JSON: %w", err)
	}
	v, err := parseToken(d, token)
	if err != nil {
		return connect.Value{}, fmt.Errorf("reading JSON: %w", err)
	}
	return v, nil
}

func parseToken(d *json.Decoder, token json.Token) (connect.Value, error) {
	switch t := token.(type) {
	case bool:
		return connect.Boolean(t), nil
	case string:
		return connect.String(t), nil
	case json.Number:
		return number(t)
	case json.Delim:
		if t == '[' {
			return parseArray(d)
		}
		return parseObject(d)
	}
	return connect.Value{}, nil
}

func parseArray(d *json.Decoder) (connect.Value, error) {
	elements := []connect.Value{}
	for d.More() {
		v, err := parseNext(d)
		if err != nil {
			return v, err
		}
		elements = append(elements, v)
	}
	_, err := d.Token()
	return connect.Array(elements), err
}

func parseObject(d *json.Decoder) (connect.Value, error) {
	m := connect.NewMap(4)
	for d.More() {
		name, err := parseNext(d)
		if err != nil {
			return connect.Value{}, err
		}
		v, err := parseNext(d)
		if err != nil {
			return connect.Value{}, err
		}
		m.Put(name, v)
	}
	_, err := d.Token()
	return connect.MapOf(m), err
}

func parseNext(d *json.Decoder) (connect.Value, error) {
	token, err := d.Token()
	if err != nil {
		return connect.Value{}, err
	}
	return parseToken(d, token)
}

// number keeps the low 64 bits of a longer integer, as Java does.
func number(n json.Number) (connect.Value, error) {
	if !strings.ContainsAny(n.String(), ".eE") {
		if i, err := n.Int64(); err == nil {
			return connect.Int64(i), nil
		}
		if i, ok := new(big.Int).SetString(n.String(), 10); ok {
			low := new(big.Int).And(i, new(big.Int).SetUint64(math.MaxUint64))
			return connect.Int64(int64(low.Uint64())), nil
		}
	}
	f, err := strconv.ParseFloat(n.String(), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return connect.Value{}, err
	}
	if f == 0 {
		f = 0 // Java reads -0.0 as 0.0
	}
	return connect.Float64(f), nil
}

// member is the member of an object, null where v is none or has none of that name.
func member(v connect.Value, name string) connect.Value {
	if v.Kind() != connect.KindMap {
		return connect.Value{}
	}
	found, _ := v.Map().Get(connect.String(name))
	return found
}

// text is v's text; ok is false for anything else, null too.
func text(v connect.Value) (s string, ok bool) {
	if v.Kind() != connect.KindString {
		return "", false
	}
	return v.Str(), true
}

// integer is v's number; ok is false for anything else, a number with a fraction too.
func integer(v connect.Value) (n int64, ok bool) {
	if v.Kind() != connect.KindInt64 {
		return 0, false
	}
	return v.Int64(), true
}
