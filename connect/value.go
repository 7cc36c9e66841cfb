package connect

import (
	"bytes"
	"fmt"
	"math"
	"math/big"
	"time"
	"unsafe"
)

// Value is one datum: a number, a text, some bytes, a list, a map, a struct, or null. It is 24 bytes, passed by value, and
// holds scalars without allocating. The zero Value is null.
//
// Values are not comparable with ==; use [Value.Equal]. Tests that compare through reflection compare [Value.Any].
//
// Bytes, lists, maps and structs are shared, not copied: whoever puts one into a record gives it away.
type Value struct {
	_    [0]func()
	ptr  unsafe.Pointer // string data, slice data, *Map, *Struct, *Decimal
	num  uint64         // the number's bits, or the length behind ptr
	kind Kind
}

// Decimal is Unscaled * 10^-Scale, as java.math.BigDecimal has it. It must not be changed once it is in a Value.
type Decimal struct {
	Unscaled *big.Int
	Scale    int32
}

// Int8 returns a value of KindInt8; the other constructors do the same for their kinds.
func Int8(v int8) Value       { return Value{kind: KindInt8, num: uint64(int64(v))} }
func Int16(v int16) Value     { return Value{kind: KindInt16, num: uint64(int64(v))} }
func Int32(v int32) Value     { return Value{kind: KindInt32, num: uint64(int64(v))} }
func Int64(v int64) Value     { return Value{kind: KindInt64, num: uint64(v)} }
func Float32(v float32) Value { return Value{kind: KindFloat32, num: uint64(math.Float32bits(v))} }

// Float64 returns a value of KindFloat64. Every NaN becomes Java's (Double.doubleToLongBits): Go's own differs from it by a bit, which converters would
// write.
func Float64(v float64) Value {
	if v != v {
		return Value{kind: KindFloat64, num: 0x7ff8000000000000}
	}
	return Value{kind: KindFloat64, num: math.Float64bits(v)}
}

// Boolean returns a value of KindBoolean.
func Boolean(v bool) Value {
	if v {
		return Value{kind: KindBoolean, num: 1}
	}
	return Value{kind: KindBoolean}
}

// String returns a value of KindString.
func String(v string) Value {
	return Value{kind: KindString, ptr: unsafe.Pointer(unsafe.StringData(v)), num: uint64(len(v))}
}

// Bytes returns a value of KindBytes that shares v: the caller must not write to v again ([Batch.Copy] makes a copy where
// it must). Bytes(nil) is null.
func Bytes(v []byte) Value {
	if v == nil {
		return Value{}
	}
	return Value{kind: KindBytes, ptr: unsafe.Pointer(unsafe.SliceData(v)), num: uint64(len(v))}
}

// Array returns a value of KindArray that shares v.
func Array(v []Value) Value {
	return Value{kind: KindArray, ptr: unsafe.Pointer(unsafe.SliceData(v)), num: uint64(len(v))}
}

// MapOf returns a value of KindMap that shares m; nil is null.
func MapOf(m *Map) Value {
	if m == nil {
		return Value{}
	}
	return Value{kind: KindMap, ptr: unsafe.Pointer(m)}
}

// StructOf returns a value of KindStruct that shares s; nil is null.
func StructOf(s *Struct) Value {
	if s == nil {
		return Value{}
	}
	return Value{kind: KindStruct, ptr: unsafe.Pointer(s)}
}

// DecimalOf returns a value of KindDecimal that shares d; nil is null.
func DecimalOf(d *Decimal) Value {
	if d == nil {
		return Value{}
	}
	return Value{kind: KindDecimal, ptr: unsafe.Pointer(d)}
}

// Instant returns a value of KindInstant: ms milliseconds since 1970-01-01 UTC.
func Instant(ms int64) Value { return Value{kind: KindInstant, num: uint64(ms)} }

// Kind tells what v holds.
func (v Value) Kind() Kind { return v.kind }

// IsNull reports whether v is null.
func (v Value) IsNull() bool { return v.kind == KindNull }

// Int64 returns the number of an integer kind or an Instant's milliseconds. It panics for other kinds.
func (v Value) Int64() int64 {
	switch v.kind {
	case KindInt8, KindInt16, KindInt32, KindInt64, KindInstant:
		return int64(v.num)
	}
	panic(v.wrong("an integer"))
}

// Float64 returns the number of KindFloat32 or KindFloat64. It panics for other kinds.
func (v Value) Float64() float64 {
	switch v.kind {
	case KindFloat32:
		return float64(math.Float32frombits(uint32(v.num)))
	case KindFloat64:
		return math.Float64frombits(v.num)
	}
	panic(v.wrong("a float"))
}

// Bool returns the truth of KindBoolean. It panics for other kinds.
func (v Value) Bool() bool {
	if v.kind != KindBoolean {
		panic(v.wrong("a boolean"))
	}
	return v.num != 0
}

// Str returns the text of KindString. It panics for other kinds; [Value.String] formats any kind.
func (v Value) Str() string {
	if v.kind != KindString {
		panic(v.wrong("a string"))
	}
	return unsafe.String((*byte)(v.ptr), int(v.num))
}

// Bytes returns the bytes of KindBytes, shared, with no room to append in place. It panics for other kinds.
func (v Value) Bytes() []byte {
	if v.kind != KindBytes {
		panic(v.wrong("bytes"))
	}
	return unsafe.Slice((*byte)(v.ptr), int(v.num))
}

// Array returns the elements of KindArray, shared. It panics for other kinds.
func (v Value) Array() []Value {
	if v.kind != KindArray {
		panic(v.wrong("an array"))
	}
	return unsafe.Slice((*Value)(v.ptr), int(v.num))
}

// Map returns the map of KindMap, shared. It panics for other kinds.
func (v Value) Map() *Map {
	if v.kind != KindMap {
		panic(v.wrong("a map"))
	}
	return (*Map)(v.ptr)
}

// Struct returns the struct of KindStruct, shared. It panics for other kinds.
func (v Value) Struct() *Struct {
	if v.kind != KindStruct {
		panic(v.wrong("a struct"))
	}
	return (*Struct)(v.ptr)
}

// Decimal returns the number of KindDecimal, shared. It panics for other kinds.
func (v Value) Decimal() *Decimal {
	if v.kind != KindDecimal {
		panic(v.wrong("a decimal"))
	}
	return (*Decimal)(v.ptr)
}

// Time returns the moment of KindInstant in UTC. It panics for other kinds.
func (v Value) Time() time.Time {
	if v.kind != KindInstant {
		panic(v.wrong("an instant"))
	}
	return time.UnixMilli(int64(v.num)).UTC()
}

// wrong is a method of its own so that the accessors stay small enough to be inlined.
func (v Value) wrong(want string) error {
	return fmt.Errorf("connect: value is %s, not %s", v.kind, want)
}

// Equal reports whether a and b are of the same kind and hold the same. Floats compare by their bits' meaning in Java:
// NaN equals NaN, 0.0 differs from -0.0. Maps compare without regard to order.
func (v Value) Equal(o Value) bool {
	if v.kind != o.kind {
		return false
	}
	switch v.kind {
	case KindNull:
		return true
	case KindString:
		return v.Str() == o.Str()
	case KindBytes:
		return bytes.Equal(v.Bytes(), o.Bytes())
	case KindFloat32, KindFloat64:
		return v.num == o.num || (math.IsNaN(v.Float64()) && math.IsNaN(o.Float64()))
	case KindArray:
		a, b := v.Array(), o.Array()
		if len(a) != len(b) {
			return false
		}
		for i := range a {
			if !a[i].Equal(b[i]) {
				return false
			}
		}
		return true
	case KindMap:
		return v.Map().Equal(o.Map())
	case KindStruct:
		return v.Struct().Equal(o.Struct())
	case KindDecimal:
		a, b := v.Decimal(), o.Decimal()
		return a.Scale == b.Scale && a.Unscaled.Cmp(b.Unscaled) == 0
	}
	return v.num == o.num
}

// Any returns v as an ordinary Go value, for tests and for printing: nil, intN, floatN, bool, string, []byte, []any,
// map[any]any, *Struct, *Decimal or time.Time.
func (v Value) Any() any {
	switch v.kind {
	case KindInt8:
		return int8(v.num)
	case KindInt16:
		return int16(v.num)
	case KindInt32:
		return int32(v.num)
	case KindInt64:
		return int64(v.num)
	case KindFloat32:
		return math.Float32frombits(uint32(v.num))
	case KindFloat64:
		return v.Float64()
	case KindBoolean:
		return v.Bool()
	case KindString:
		return v.Str()
	case KindBytes:
		return v.Bytes()
	case KindArray:
		out := make([]any, 0, int(v.num))
		for _, e := range v.Array() {
			out = append(out, e.Any())
		}
		return out
	case KindMap:
		out := make(map[any]any, v.Map().Len())
		for _, e := range v.Map().Entries() {
			out[e.Key.mapKey()] = e.Value.Any()
		}
		return out
	case KindStruct:
		return v.Struct()
	case KindDecimal:
		return v.Decimal()
	case KindInstant:
		return v.Time()
	}
	return nil
}

// mapKey is Any for a key: what Go cannot use as a key becomes its text.
func (v Value) mapKey() any {
	switch v.kind {
	case KindBytes, KindArray, KindMap, KindStruct, KindDecimal:
		return v.String()
	}
	return v.Any()
}

// String formats v for people: logs, test failures. It is not the form of any converter.
func (v Value) String() string {
	switch v.kind {
	case KindNull:
		return "null"
	case KindString:
		return v.Str()
	case KindBytes:
		return fmt.Sprintf("%x", v.Bytes())
	case KindArray:
		return fmt.Sprint(v.Array())
	case KindMap:
		return v.Map().String()
	case KindStruct:
		return v.Struct().String()
	case KindDecimal:
		return v.Decimal().String()
	}
	return fmt.Sprint(v.Any())
}

// size is what v keeps in memory beyond its 24 bytes, near enough to bound a buffer by.
func (v Value) size() int {
	switch v.kind {
	case KindString, KindBytes:
		return int(v.num)
	case KindArray:
		n := 0
		for _, e := range v.Array() {
			n += 24 + e.size()
		}
		return n
	case KindMap:
		n := 0
		for _, e := range v.Map().Entries() {
			n += 48 + e.Key.size() + e.Value.size()
		}
		return n
	case KindStruct:
		n := 0
		for _, e := range v.Struct().vals {
			n += 24 + e.size()
		}
		return n
	case KindDecimal:
		return 32 + len(v.Decimal().Unscaled.Bits())*8
	}
	return 0
}

// String writes d as java.math.BigDecimal.toPlainString does.
func (d *Decimal) String() string {
	if d.Scale <= 0 {
		ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(-d.Scale)), nil)
		return ten.Mul(ten, d.Unscaled).String()
	}
	digits := new(big.Int).Abs(d.Unscaled).String()
	for len(digits) <= int(d.Scale) {
		digits = "0" + digits
	}
	point := len(digits) - int(d.Scale)
	sign := ""
	if d.Unscaled.Sign() < 0 {
		sign = "-"
	}
	return sign + digits[:point] + "." + digits[point:]
}
