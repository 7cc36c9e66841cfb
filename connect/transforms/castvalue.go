package transforms

import (
	"encoding/base64"
	"fmt"
	"math"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/values"
)

// castValue casts one value that has a schema, nil for none (Cast.castValueToType). As in Java, numbers are cut to the new width without a word, and
// only the text true is true.
func castValue(schema *connect.Schema, v connect.Value, to connect.Kind) (connect.Value, error) {
	if v.IsNull() {
		return v, nil
	}
	from := v.Kind()
	if schema != nil {
		from = schema.Kind()
	}
	if from > connect.KindBytes {
		return v, fmt.Errorf("%w: Cast transformation does not support casting from %s", connect.ErrData, strings.ToUpper(from.String()))
	}
	if to == connect.KindString {
		return castToText(v), nil
	}
	if schema != nil && schema.HasName() {
		encoded, err := encodeLogical(schema.Name(), v)
		if err != nil {
			return v, err
		}
		v = encoded
	}
	switch v.Kind() {
	case connect.KindString:
		return castText(v.Str(), to)
	case connect.KindBoolean:
		if v.Bool() {
			return ofInteger(1, to), nil
		}
		return ofInteger(0, to), nil
	case connect.KindFloat32, connect.KindFloat64:
		return ofFloat(v.Float64(), to), nil
	case connect.KindDecimal:
		return ofDecimal(v.Decimal(), to), nil
	case connect.KindInt8, connect.KindInt16, connect.KindInt32, connect.KindInt64:
		return ofInteger(v.Int64(), to), nil
	}
	return v, fmt.Errorf("%w: Unexpected type in Cast transformation: class %s", connect.ErrData, className(v))
}

// encodeLogical is a date or time as the number that stands for it on the wire.
func encodeLogical(name string, v connect.Value) (connect.Value, error) {
	switch name {
	case connect.DateName, connect.TimeName, connect.TimestampName:
	default:
		return v, nil
	}
	if v.Kind() != connect.KindInstant {
		return v, fmt.Errorf("%w: %s under the schema %s", connect.ErrData, className(v), name)
	}
	ms := v.Int64()
	switch name {
	case connect.DateName:
		if ms%millisPerDay != 0 {
			return v, fmt.Errorf("%w: Kafka Connect Date type should not have any time fields set to non-zero values.", connect.ErrData) //lint:ignore ST1005 Kafka's text
		}
		return connect.Int32(int32(ms / millisPerDay)), nil
	case connect.TimeName:
		if ms < 0 || ms > millisPerDay {
			return v, fmt.Errorf("%w: Kafka Connect Time type should not have any date fields set to non-zero values.", connect.ErrData) //lint:ignore ST1005 Kafka's text
		}
		return connect.Int32(int32(ms)), nil
	}
	return connect.Int64(ms), nil
}

const millisPerDay = 24 * 60 * 60 * 1000

// castToText writes dates as [values.Append] guesses them, bytes in base64 and the rest as toString does.
func castToText(v connect.Value) connect.Value {
	var room [64]byte
	switch v.Kind() {
	case connect.KindString:
		return v
	case connect.KindBytes:
		return connect.String(base64.StdEncoding.EncodeToString(v.Bytes()))
	case connect.KindInstant:
		return connect.String(string(values.Append(room[:0], v)))
	}
	return connect.String(string(values.AppendJava(room[:0], v)))
}

func castText(text string, to connect.Kind) (connect.Value, error) {
	switch to {
	case connect.KindBoolean:
		return connect.Boolean(strings.EqualFold(text, "true")), nil
	case connect.KindFloat32, connect.KindFloat64:
		f, err := values.ParseFloat(text, bitsOf(to))
		if err != nil {
			return connect.Value{}, outOfRange(text)
		}
		return ofFloat(f, to), nil
	}
	n, err := values.ParseInteger(text, bitsOf(to))
	if err != nil {
		return connect.Value{}, outOfRange(text)
	}
	return ofInteger(n, to), nil
}

func outOfRange(text string) error {
	return fmt.Errorf("%w: Value (%s) was out of range for requested data type", connect.ErrData, text)
}

func bitsOf(k connect.Kind) int {
	switch k {
	case connect.KindInt8:
		return 8
	case connect.KindInt16:
		return 16
	case connect.KindInt32, connect.KindFloat32:
		return 32
	}
	return 64
}

// ofInteger is a whole number as another kind, cut to its width.
func ofInteger(n int64, to connect.Kind) connect.Value {
	switch to {
	case connect.KindInt8:
		return connect.Int8(int8(n))
	case connect.KindInt16:
		return connect.Int16(int16(n))
	case connect.KindInt32:
		return connect.Int32(int32(n))
	case connect.KindInt64:
		return connect.Int64(n)
	case connect.KindFloat32:
		return connect.Float32(float32(n))
	case connect.KindFloat64:
		return connect.Float64(float64(n))
	}
	return connect.Boolean(n != 0)
}

// ofFloat is a float as another kind. It goes to whole numbers as Java's casts do: the nearest there is, of 32 bits for narrow ones, which are then cut.
func ofFloat(f float64, to connect.Kind) connect.Value {
	switch to {
	case connect.KindFloat32:
		return connect.Float32(float32(f))
	case connect.KindFloat64:
		return connect.Float64(f)
	case connect.KindInt64, connect.KindBoolean:
		return ofInteger(saturated(f, math.MinInt64, math.MaxInt64), to)
	}
	return ofInteger(saturated(f, math.MinInt32, math.MaxInt32), to)
}

func saturated(f float64, low, high int64) int64 {
	switch {
	case math.IsNaN(f):
		return 0
	case f >= float64(high):
		return high
	case f <= float64(low):
		return low
	}
	return int64(f)
}

func ofDecimal(d *connect.Decimal, to connect.Kind) connect.Value {
	switch to {
	case connect.KindFloat32, connect.KindFloat64:
		f, _ := values.ParseFloat(string(values.AppendDecimal(nil, d)), bitsOf(to)) // it is a number
		return ofFloat(f, to)
	}
	return ofInteger(values.Low64(d), to)
}
