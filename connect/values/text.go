package values

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/connect"
)

// nesting says whether a value stands by itself or inside another, where texts are quoted.
type nesting bool

const (
	topLevel nesting = false
	embedded nesting = true
)

// Append appends v as Values.convertToString writes it: texts as they are, lists as [1,"a"], maps and structs as {"k":1}, bytes
// in base64, times in ISO 8601. It is what a header carries under the simple header converter.
func Append(dst []byte, v connect.Value) []byte { return appendText(dst, v, topLevel) }

func appendText(dst []byte, v connect.Value, at nesting) []byte {
	switch v.Kind() {
	case connect.KindString:
		if at == embedded {
			return appendQuoted(dst, v.Str())
		}
		return append(dst, v.Str()...)
	case connect.KindBytes:
		if at == embedded {
			dst = append(dst, '"')
			dst = base64.StdEncoding.AppendEncode(dst, v.Bytes())
			return append(dst, '"')
		}
		return base64.StdEncoding.AppendEncode(dst, v.Bytes())
	case connect.KindArray:
		return appendArray(dst, v.Array())
	case connect.KindMap:
		return appendMap(dst, v.Map())
	case connect.KindStruct:
		return appendStruct(dst, v.Struct())
	case connect.KindInstant:
		return appendInstant(dst, v.Int64())
	}
	return appendScalar(dst, v)
}

// appendScalar writes what String.valueOf and Values agree on: null, truth and numbers.
func appendScalar(dst []byte, v connect.Value) []byte {
	switch v.Kind() {
	case connect.KindNull:
		return append(dst, "null"...)
	case connect.KindBoolean:
		return strconv.AppendBool(dst, v.Bool())
	case connect.KindFloat32:
		return AppendFloat32(dst, float32(v.Float64()))
	case connect.KindFloat64:
		return AppendFloat64(dst, v.Float64())
	case connect.KindDecimal:
		return AppendDecimal(dst, v.Decimal())
	}
	return strconv.AppendInt(dst, v.Int64(), 10)
}

var escaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	if strings.ContainsAny(s, `\"`) {
		s = escaper.Replace(s)
	}
	return append(append(dst, s...), '"')
}

func appendArray(dst []byte, elems []connect.Value) []byte {
	dst = append(dst, '[')
	for i, e := range elems {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendText(dst, e, embedded)
	}
	return append(dst, ']')
}

func appendMap(dst []byte, m *connect.Map) []byte {
	dst = append(dst, '{')
	for i, e := range m.Entries() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendText(dst, e.Key, embedded)
		dst = append(dst, ':')
		dst = appendText(dst, e.Value, embedded)
	}
	return append(dst, '}')
}

func appendStruct(dst []byte, st *connect.Struct) []byte {
	dst = append(dst, '{')
	for i, f := range st.Schema().Fields() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendQuoted(dst, f.Name)
		dst = append(dst, ':')
		v := st.At(i)
		if v.IsNull() {
			v = f.Schema.Default()
		}
		dst = appendText(dst, v, embedded)
	}
	return append(dst, '}')
}

const millisPerDay = 24 * 60 * 60 * 1000

// appendInstant guesses from the value which logical type was meant, as Values.dateFormatFor does: the first day of 1970 and
// everything before is a time of day, a midnight is a date.
func appendInstant(dst []byte, ms int64) []byte {
	moment := time.UnixMilli(ms).UTC()
	switch {
	case ms < millisPerDay:
		return moment.AppendFormat(dst, "15:04:05.000Z")
	case ms%millisPerDay == 0:
		return moment.AppendFormat(dst, time.DateOnly)
	}
	return moment.AppendFormat(dst, "2006-01-02T15:04:05.000Z")
}

// AppendJava appends v as Java's toString of its class writes it, which is what StringConverter makes of values that are no
// text: {k=1, l=[1, 2]}, Struct{a=1}, Thu Jan 01 00:00:00 UTC 1970. Bytes, of which Java prints an address, are in base64.
func AppendJava(dst []byte, v connect.Value) []byte {
	switch v.Kind() {
	case connect.KindString:
		return append(dst, v.Str()...)
	case connect.KindBytes:
		return base64.StdEncoding.AppendEncode(dst, v.Bytes())
	case connect.KindArray:
		dst = append(dst, '[')
		for i, e := range v.Array() {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = AppendJava(dst, e)
		}
		return append(dst, ']')
	case connect.KindMap:
		dst = append(dst, '{')
		for i, e := range v.Map().Entries() {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = AppendJava(append(AppendJava(dst, e.Key), '='), e.Value)
		}
		return append(dst, '}')
	case connect.KindStruct:
		return appendJavaStruct(dst, v.Struct())
	case connect.KindInstant:
		return appendJavaDate(dst, v.Int64())
	}
	return appendScalar(dst, v)
}

func appendJavaStruct(dst []byte, st *connect.Struct) []byte {
	dst = append(dst, "Struct{"...)
	first := true
	for i, f := range st.Schema().Fields() {
		v := st.At(i)
		if v.IsNull() {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = AppendJava(append(append(dst, f.Name...), '='), v)
	}
	return append(dst, '}')
}

// appendJavaDate writes java.util.Date.toString.
func appendJavaDate(dst []byte, ms int64) []byte {
	moment := time.UnixMilli(ms).UTC()
	year, month, day := Civil(floorDiv(ms, millisPerDay))
	dst = moment.AppendFormat(dst, "Mon ")
	dst = fmt.Appendf(dst, "%s %02d ", month.String()[:3], day)
	dst = moment.AppendFormat(dst, "15:04:05 UTC ")
	return strconv.AppendInt(dst, int64(year), 10)
}
