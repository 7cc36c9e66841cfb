package file

import (
	"math"
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// appendText appends what Java's String.valueOf gives for v, except that bytes are written as they are and not as the address of an array.
func appendText(to []byte, v connect.Value) []byte {
	switch v.Kind() {
	case connect.KindString:
		return append(to, v.Str()...)
	case connect.KindBytes:
		return append(to, v.Bytes()...)
	case connect.KindInt8, connect.KindInt16, connect.KindInt32, connect.KindInt64:
		return strconv.AppendInt(to, v.Int64(), 10)
	case connect.KindFloat32:
		return appendFloat(to, v.Float64(), 32)
	case connect.KindFloat64:
		return appendFloat(to, v.Float64(), 64)
	case connect.KindInstant:
		return v.Time().AppendFormat(to, "Mon Jan 02 15:04:05 UTC 2006")
	case connect.KindArray:
		to = append(to, '[')
		for i, e := range v.Array() {
			to = appendText(separate(to, i), e)
		}
		return append(to, ']')
	case connect.KindMap:
		to = append(to, '{')
		for i, e := range v.Map().Entries() {
			to = append(appendText(separate(to, i), e.Key), '=')
			to = appendText(to, e.Value)
		}
		return append(to, '}')
	case connect.KindStruct:
		return appendStruct(to, v.Struct())
	}
	return append(to, v.String()...)
}

func separate(to []byte, i int) []byte {
	if i > 0 {
		to = append(to, ", "...)
	}
	return to
}

// appendStruct is org.apache.kafka.connect.data.Struct.toString: fields that are null are left out.
func appendStruct(to []byte, s *connect.Struct) []byte {
	to = append(to, "Struct{"...)
	first := true
	for i, f := range s.Schema().Fields() {
		v := s.At(i)
		if v.IsNull() {
			continue
		}
		if !first {
			to = append(to, ',')
		}
		first = false
		to = append(append(to, f.Name...), '=')
		to = appendText(to, v)
	}
	return append(to, '}')
}

// appendFloat is Double.toString and Float.toString: plain from 0.001 to 10 million, else scientific, always with a fraction.
func appendFloat(to []byte, f float64, bits int) []byte {
	switch abs := math.Abs(f); {
	case math.IsNaN(f):
		return append(to, "NaN"...)
	case math.IsInf(f, 0):
		return append(to, strings.TrimPrefix(strconv.FormatFloat(f, 'f', -1, bits)+"inity", "+")...)
	case abs == 0 || abs >= 1e-3 && abs < 1e7:
		text := strconv.FormatFloat(f, 'f', -1, bits)
		if !strings.Contains(text, ".") {
			text += ".0"
		}
		return append(to, text...)
	}
	digits, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, bits), "e")
	if !strings.Contains(digits, ".") {
		digits += ".0"
	}
	n, _ := strconv.Atoi(exponent)
	return strconv.AppendInt(append(append(to, digits...), 'E'), int64(n), 10)
}
