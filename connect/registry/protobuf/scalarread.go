package protobuf

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/values"
)

// whole is the number of an integer field by its type.
func (f *decodedField) whole(v item) int64 {
	switch f.kind {
	case protoreflect.Sint32Kind:
		return int64(int32(protowire.DecodeZigZag(v.number & math.MaxUint32)))
	case protoreflect.Sint64Kind:
		return protowire.DecodeZigZag(v.number)
	}
	return int64(v.number)
}

func readInt8(f *decodedField, v item) (connect.Value, error) {
	return connect.Int8(int8(f.whole(v))), nil
}
func readInt16(f *decodedField, v item) (connect.Value, error) {
	return connect.Int16(int16(f.whole(v))), nil
}
func readInt32(f *decodedField, v item) (connect.Value, error) {
	return connect.Int32(int32(f.whole(v))), nil
}
func readInt64(f *decodedField, v item) (connect.Value, error) { return connect.Int64(f.whole(v)), nil }
func readUint32(_ *decodedField, v item) (connect.Value, error) {
	return connect.Int64(int64(uint32(v.number))), nil
}
func readBool(_ *decodedField, v item) (connect.Value, error) {
	return connect.Boolean(v.number != 0), nil
}
func readFloat(_ *decodedField, v item) (connect.Value, error) {
	return connect.Float32(math.Float32frombits(uint32(v.number))), nil
}
func readDouble(_ *decodedField, v item) (connect.Value, error) {
	return connect.Float64(math.Float64frombits(v.number)), nil
}
func readText(_ *decodedField, v item) (connect.Value, error) {
	return connect.String(values.Text(v.bytes)), nil
}

func readBytes(_ *decodedField, v item) (connect.Value, error) {
	if v.bytes == nil {
		v.bytes = []byte{}
	}
	return connect.Bytes(v.bytes), nil
}

func readSymbol(f *decodedField, v item) (connect.Value, error) {
	number := int32(v.number)
	if symbol, ok := f.symbols[number]; ok {
		return symbol, nil
	}
	return connect.String(f.unknown + strconv.Itoa(int(number))), nil
}

func readMessage(f *decodedField, v item) (connect.Value, error) {
	return f.message.value(v.bytes, v.depth+1)
}

// readWrapped reads the scalar within a wrapper message, zero where that is empty.
func readWrapped(f *decodedField, v item) (connect.Value, error) {
	var found item
	for data := v.bytes; len(data) > 0; {
		number, typ, n := protowire.ConsumeTag(data)
		if n < 0 {
			return connect.Value{}, errBroken
		}
		data = data[n:]
		size := protowire.ConsumeFieldValue(number, typ, data)
		if size < 0 {
			return connect.Value{}, errBroken
		}
		if number == 1 && typ == wireTypes[f.inner.kind] {
			found, _ = cut(typ, data)
		}
		data = data[size:]
	}
	return f.inner.read(f.inner, found)
}

// parts reads the first four fields of a message of a logical type: numbers, and bytes in the first.
func parts(data []byte) (numbers [5]int64, bytes []byte, err error) {
	for len(data) > 0 {
		number, typ, n := protowire.ConsumeTag(data)
		if n < 0 {
			return numbers, nil, errBroken
		}
		data = data[n:]
		size := protowire.ConsumeFieldValue(number, typ, data)
		if size < 0 {
			return numbers, nil, errBroken
		}
		switch {
		case typ == protowire.VarintType && number < 5:
			v, _ := protowire.ConsumeVarint(data)
			numbers[number] = int64(v)
		case typ == protowire.BytesType && number == 1:
			bytes, _ = protowire.ConsumeBytes(data)
		}
		data = data[size:]
	}
	return numbers, bytes, nil
}

func readDecimal(_ *decodedField, v item) (connect.Value, error) {
	numbers, unscaled, err := parts(v.bytes)
	if err == nil && len(unscaled) == 0 {
		err = errors.New("a decimal without bytes")
	}
	if err != nil {
		return connect.Value{}, err
	}
	return connect.DecimalOf(&connect.Decimal{Unscaled: values.FromTwosComplement(unscaled), Scale: int32(numbers[3])}), nil
}

func readDate(_ *decodedField, v item) (connect.Value, error) {
	n, _, err := parts(v.bytes)
	if err != nil {
		return connect.Value{}, err
	}
	year, month, day := int(int32(n[1])), time.Month(int32(n[2])), int(int32(n[3]))
	t := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	if y, m, d := t.Date(); y != year || m != month || d != day {
		return connect.Value{}, fmt.Errorf("%d-%d-%d is no date", year, month, day)
	}
	return connect.Instant(t.UnixMilli()), nil
}

func readTime(_ *decodedField, v item) (connect.Value, error) {
	n, _, err := parts(v.bytes)
	if err != nil {
		return connect.Value{}, err
	}
	if n[1] < 0 || n[1] > 23 || n[2] < 0 || n[2] > 59 || n[3] < 0 || n[3] > 59 || n[4] < 0 || n[4] > 999_999_999 {
		return connect.Value{}, fmt.Errorf("%d:%d:%d is no time of day", n[1], n[2], n[3])
	}
	return connect.Instant(((n[1]*60+n[2])*60+n[3])*1000 + n[4]/1_000_000), nil
}

func readTimestamp(_ *decodedField, v item) (connect.Value, error) {
	n, _, err := parts(v.bytes)
	if err != nil {
		return connect.Value{}, err
	}
	const most = 253402300799 // the end of the year 9999, which the type does not exceed
	if n[1] > most || n[1] < -62135596800 || n[2] < 0 || n[2] > 999_999_999 {
		return connect.Value{}, fmt.Errorf("%d s and %d ns are no timestamp", n[1], n[2])
	}
	return connect.Instant(n[1]*1000 + n[2]/1_000_000), nil
}
