package connect

import (
	"bytes"
	"fmt"
	"math"
	"math/big"
	"slices"
	"time"
	"unsafe"
)

// Value is one datum: a number, a text, some bytes, a list, a map, a struct, or null. It is 16 bytes, passed by value, and
// holds scalars without allocating. The zero Value is null.
//
// Values are not comparable with ==; use [Value.Equal]. Tests that compare through reflection compare [Value.Any].
//
// Bytes, lists, maps and structs are shared, not copied: whoever puts one into a record gives it away.
type Value struct {
	_ [0]func()
	// ptr is where a text, bytes, a list, a map, a struct or a Decimal lies. A number, truth or instant needs all of num for itself: its kind is where ptr
	// points among scalars.
	ptr unsafe.Pointer
	num uint64 // the number's bits; behind any other ptr the kind in the highest byte, and the length
}

// scalars is there for its addresses, which stand for the kinds of values that lie nowhere. Nothing reads it.
var scalars [KindInstant + 1]byte

// kindShift leaves 56 bits for a length.
const kindShift = 56

// Decimal is Unscaled * 10^-Scale, as java.math.BigDecimal has it. It must not be changed once it is in a Value.
type Decimal struct {
	Unscaled *big.Int
	Scale    int32
}

func scalar(k Kind, bits uint64) Value {
	return Value{ptr: unsafe.Pointer(&scalars[k]), num: bits}
}

func lying(k Kind, at unsafe.Pointer, length int) Value {
	return Value{ptr: at, num: uint64(k)<<kindShift | uint64(length)}
}

// Int8 returns a value of KindInt8; the other constructors do the same for their kinds.
func Int8(v int8) Value       { return scalar(KindInt8, uint64(int64(v))) }
func Int16(v int16) Value     { return scalar(KindInt16, uint64(int64(v))) }
func Int32(v int32) Value     { return scalar(KindInt32, uint64(int64(v))) }
func Int64(v int64) Value     { return scalar(KindInt64, uint64(v)) }
func Float32(v float32) Value { return scalar(KindFloat32, uint64(math.Float32bits(v))) }

// Float64 returns a value of KindFloat64. Every NaN becomes Java's (Double.doubleToLongBits): Go's own differs from it by a bit, which converters would
// write.
func Float64(v float64) Value {
	if v != v {
		return scalar(KindFloat64, 0x7ff8000000000000)
	}
	return scalar(KindFloat64, math.Float64bits(v))
}

// Boolean returns a value of KindBoolean.
func Boolean(v bool) Value {
	if v {
		return scalar(KindBoolean, 1)
	}
	return scalar(KindBoolean, 0)
}

// String returns a value of KindString.
func String(v string) Value { return lying(KindString, unsafe.Pointer(unsafe.StringData(v)), len(v)) }

// Bytes returns a value of KindBytes that shares v: the caller must not write to v again ([Batch.Copy] makes a copy where
// it must). Bytes(nil) is null.
func Bytes(v []byte) Value {
	if v == nil {
		return Value{}
	}
	return lying(KindBytes, unsafe.Pointer(unsafe.SliceData(v)), len(v))
}

// Array returns a value of KindArray that shares v.
func Array(v []Value) Value {
	return lying(KindArray, unsafe.Pointer(unsafe.SliceData(v)), len(v))
}

// MapOf returns a value of KindMap that shares m; nil is null.
func MapOf(m *Map) Value {
	if m == nil {
		return Value{}
	}
	return lying(KindMap, unsafe.Pointer(m), 0)
}

// StructOf returns a value of KindStruct that shares s; nil is null.
func StructOf(s *Struct) Value {
	if s == nil {
		return Value{}
	}
	return lying(KindStruct, unsafe.Pointer(s), 0)
}

// DecimalOf returns a value of KindDecimal that shares d; nil is null.
func DecimalOf(d *Decimal) Value {
	if d == nil {
		return Value{}
	}
	return lying(KindDecimal, unsafe.Pointer(d), 0)
}

// Instant returns a value of KindInstant: ms milliseconds since 1970-01-01 UTC.
func Instant(ms int64) Value { return scalar(KindInstant, uint64(ms)) }

// Kind tells what v holds.
func (v Value) Kind() Kind {
	if k := uintptr(v.ptr) - uintptr(unsafe.Pointer(&scalars)); k < uintptr(len(scalars)) {
		return Kind(k)
	}
	return Kind(v.num >> kindShift)
}

// IsNull reports whether v is null.
func (v Value) IsNull() bool { return v.ptr == nil && v.num == 0 }

// length is how much lies at ptr.
func (v Value) length() int { return int(v.num & (1<<kindShift - 1)) }

// Int64 returns the number of an integer kind or an Instant's milliseconds. It panics for other kinds.
func (v Value) Int64() int64 {
	switch k := v.Kind(); k {
	case KindInt8, KindInt16, KindInt32, KindInt64, KindInstant:
		return int64(v.num)
	default:
		panic(wrongKind{k, "an integer"})
	}
}

// Float64 returns the number of KindFloat32 or KindFloat64. It panics for other kinds.
func (v Value) Float64() float64 {
	switch k := v.Kind(); k {
	case KindFloat32:
		return float64(math.Float32frombits(uint32(v.num)))
	case KindFloat64:
		return math.Float64frombits(v.num)
	default:
		panic(wrongKind{k, "a float"})
	}
}

// Bool returns the truth of KindBoolean. It panics for other kinds.
func (v Value) Bool() bool {
	if k := v.Kind(); k != KindBoolean {
		panic(wrongKind{k, "a boolean"})
	}
	return v.num != 0
}

// Str returns the text of KindString. It panics for other kinds; [Value.String] formats any kind.
func (v Value) Str() string {
	if k := v.Kind(); k != KindString {
		panic(wrongKind{k, "a string"})
	}
	return unsafe.String((*byte)(v.ptr), v.length())
}

// Bytes returns the bytes of KindBytes, shared, with no room to append in place. It panics for other kinds.
func (v Value) Bytes() []byte {
	if k := v.Kind(); k != KindBytes {
		panic(wrongKind{k, "bytes"})
	}
	return unsafe.Slice((*byte)(v.ptr), v.length())
}

// Array returns the elements of KindArray, shared. It panics for other kinds.
func (v Value) Array() []Value {
	if k := v.Kind(); k != KindArray {
		panic(wrongKind{k, "an array"})
	}
	return unsafe.Slice((*Value)(v.ptr), v.length())
}

// Map returns the map of KindMap, shared. It panics for other kinds.
func (v Value) Map() *Map {
	if k := v.Kind(); k != KindMap {
		panic(wrongKind{k, "a map"})
	}
	return (*Map)(v.ptr)
}

// Struct returns the struct of KindStruct, shared. It panics for other kinds.
func (v Value) Struct() *Struct {
	if k := v.Kind(); k != KindStruct {
		panic(wrongKind{k, "a struct"})
	}
	return (*Struct)(v.ptr)
}

// Decimal returns the number of KindDecimal, shared. It panics for other kinds.
func (v Value) Decimal() *Decimal {
	if k := v.Kind(); k != KindDecimal {
		panic(wrongKind{k, "a decimal"})
	}
	return (*Decimal)(v.ptr)
}

// Time returns the moment of KindInstant in UTC. It panics for other kinds.
func (v Value) Time() time.Time {
	if k := v.Kind(); k != KindInstant {
		panic(wrongKind{k, "an instant"})
	}
	return time.UnixMilli(int64(v.num)).UTC()
}

// wrongKind is what the accessors panic with. It becomes a text only where it is read, so that they stay small enough to be inlined.
type wrongKind struct {
	is   Kind
	want string
}

func (w wrongKind) Error() string { return fmt.Sprintf("connect: value is %s, not %s", w.is, w.want) }

// Equal reports whether a and b are of the same kind and hold the same. Floats compare by their bits' meaning in Java:
// NaN equals NaN, 0.0 differs from -0.0. Maps compare without regard to order.
func (v Value) Equal(o Value) bool {
	k := v.Kind()
	if k != o.Kind() {
		return false
	}
	switch k {
	case KindNull:
		return true
	case KindString:
		return v.Str() == o.Str()
	case KindBytes:
		return bytes.Equal(v.Bytes(), o.Bytes())
	case KindFloat32, KindFloat64:
		return v.num == o.num || (math.IsNaN(v.Float64()) && math.IsNaN(o.Float64()))
	case KindArray:
		return slices.EqualFunc(v.Array(), o.Array(), Value.Equal)
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
	switch v.Kind() {
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
		out := make([]any, 0, v.length())
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
	switch v.Kind() {
	case KindBytes, KindArray, KindMap, KindStruct, KindDecimal:
		return v.String()
	}
	return v.Any()
}

// String formats v for people: logs, test failures. It is not the form of any converter.
func (v Value) String() string {
	switch v.Kind() {
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

// size is what v keeps in memory beyond its 16 bytes, near enough to bound a buffer by.
func (v Value) size() int {
	switch v.Kind() {
	case KindString, KindBytes:
		return v.length()
	case KindArray:
		n := 0
		for _, e := range v.Array() {
			n += 16 + e.size()
		}
		return n
	case KindMap:
		n := 0
		for _, e := range v.Map().Entries() {
			n += 32 + e.Key.size() + e.Value.size()
		}
		return n
	case KindStruct:
		n := 0
		for _, e := range v.Struct().vals {
			n += 16 + e.size()
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
