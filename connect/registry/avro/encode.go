package avro

import (
	"fmt"
	"slices"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/values"
)

// encoder writes values of one Connect schema under one Avro schema. It is compiled once for both, so that a value costs neither look-ups nor memory.
type encoder struct {
	write    func(e *encoder, dst []byte, v connect.Value) ([]byte, error)
	schema   *connect.Schema
	nullable bool
	null     int // position of null in the union, -1 for none
	branch   int // position of this type in the union, -1 for no union

	key, elem *encoder
	fields    []encodedField
	symbols   []string
	size      int
	scale     int32
	// ignoreDefaults keeps a null where its field has a default.
	ignoreDefaults bool
}

// encodedField is a field of the Avro record.
type encodedField struct {
	from   int // position in the struct, -1 for none
	enc    *encoder
	dflt   connect.Value // of the struct's field
	binary []byte        // the Avro default, where the struct lacks the field
}

var (
	errNull     = fmt.Errorf("%w: null where the schema is not optional", connect.ErrData)
	errNoBranch = fmt.Errorf("%w: no field of a union is set", connect.ErrData)
)

// append writes a value.
func (e *encoder) append(dst []byte, v connect.Value) ([]byte, error) {
	if v.IsNull() && e.schema != nil {
		if !e.nullable || e.null < 0 {
			return nil, errNull
		}
		return appendLong(dst, int64(e.null)), nil
	}
	if e.branch >= 0 {
		dst = appendLong(dst, int64(e.branch))
	}
	return e.write(e, dst, v)
}

// mismatch is the error for a value of another kind than its schema.
func (e *encoder) mismatch(v connect.Value) error {
	under := e.schema.Kind().String()
	if e.schema.HasName() {
		under = e.schema.Name()
	}
	return fmt.Errorf("%w: a value of kind %s under the schema %s", connect.ErrData, v.Kind(), under)
}

func (e *encoder) integer(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != e.schema.Kind() {
		return nil, e.mismatch(v)
	}
	return appendLong(dst, v.Int64()), nil
}

func (e *encoder) number(v connect.Value) (float64, error) {
	switch k := v.Kind(); {
	case k != e.schema.Kind():
		return 0, e.mismatch(v)
	case k == connect.KindFloat32 || k == connect.KindFloat64:
		return v.Float64(), nil
	}
	return float64(v.Int64()), nil
}

func (e *encoder) float32(dst []byte, v connect.Value) ([]byte, error) {
	f, err := e.number(v)
	return appendFloat32(dst, float32(f)), err
}

func (e *encoder) float64(dst []byte, v connect.Value) ([]byte, error) {
	f, err := e.number(v)
	return appendFloat64(dst, f), err
}

func (e *encoder) boolean(dst []byte, v connect.Value) ([]byte, error) {
	switch {
	case v.Kind() != connect.KindBoolean:
		return nil, e.mismatch(v)
	case v.Bool():
		return append(dst, 1), nil
	}
	return append(dst, 0), nil
}

func (e *encoder) text(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != connect.KindString {
		return nil, e.mismatch(v)
	}
	text := v.Str()
	return append(appendLong(dst, int64(len(text))), text...), nil
}

func (e *encoder) symbol(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != connect.KindString {
		return nil, e.mismatch(v)
	}
	i := slices.Index(e.symbols, v.Str())
	if i < 0 {
		return nil, fmt.Errorf("%w: %q is no symbol of the enum", connect.ErrData, v.Str())
	}
	return appendLong(dst, int64(i)), nil
}

func (e *encoder) bytes(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != connect.KindBytes {
		return nil, e.mismatch(v)
	}
	b := v.Bytes()
	return append(appendLong(dst, int64(len(b))), b...), nil
}

func (e *encoder) fixed(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != connect.KindBytes {
		return nil, e.mismatch(v)
	}
	b := v.Bytes()
	if len(b) != e.size {
		return nil, fmt.Errorf("%w: %d bytes where Avro's type has %d", connect.ErrData, len(b), e.size)
	}
	return append(dst, b...), nil
}

func (e *encoder) decimal(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != connect.KindDecimal {
		return nil, e.mismatch(v)
	}
	d := v.Decimal()
	if d.Scale != e.scale {
		return nil, fmt.Errorf("%w: a Decimal of scale %d under a schema of scale %d", connect.ErrData, d.Scale, e.scale)
	}
	var room [32]byte
	b := values.AppendTwosComplement(room[:0], d.Unscaled)
	if e.size < 0 {
		return append(appendLong(dst, int64(len(b))), b...), nil
	}
	if len(b) > e.size {
		return nil, fmt.Errorf("%w: a Decimal of %d bytes where Avro's type has %d", connect.ErrData, len(b), e.size)
	}
	sign := byte(0)
	if d.Unscaled.Sign() < 0 {
		sign = 0xff
	}
	for range e.size - len(b) {
		dst = append(dst, sign)
	}
	return append(dst, b...), nil
}

func (e *encoder) instant(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != connect.KindInstant {
		return nil, e.mismatch(v)
	}
	n, err := stored(e.schema, v.Int64())
	return appendLong(dst, n), err
}

func (e *encoder) array(dst []byte, v connect.Value) (out []byte, err error) {
	if v.Kind() != connect.KindArray {
		return nil, e.mismatch(v)
	}
	list := v.Array()
	if out = dst; len(list) > 0 {
		out = appendLong(out, int64(len(list)))
	}
	for i := range list {
		if out, err = e.elem.append(out, list[i]); err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
	}
	return append(out, 0), nil
}

func (e *encoder) mapping(dst []byte, v connect.Value) (out []byte, err error) {
	if v.Kind() != connect.KindMap {
		return nil, e.mismatch(v)
	}
	if out = dst; v.Map().Len() > 0 {
		out = appendLong(out, int64(v.Map().Len()))
	}
	for _, entry := range v.Map().Entries() {
		if entry.Key.Kind() != connect.KindString {
			return nil, fmt.Errorf("%w: a map key of kind %s, not string", connect.ErrData, entry.Key.Kind())
		}
		key := entry.Key.Str()
		out = append(appendLong(out, int64(len(key))), key...)
		if out, err = e.elem.append(out, entry.Value); err != nil {
			return nil, fmt.Errorf("entry %s: %w", key, err)
		}
	}
	return append(out, 0), nil
}

func (e *encoder) entries(dst []byte, v connect.Value) (out []byte, err error) {
	if v.Kind() != connect.KindMap {
		return nil, e.mismatch(v)
	}
	if out = dst; v.Map().Len() > 0 {
		out = appendLong(out, int64(v.Map().Len()))
	}
	for _, entry := range v.Map().Entries() {
		if out, err = e.key.append(out, entry.Key); err != nil {
			return nil, fmt.Errorf("a key: %w", err)
		}
		if out, err = e.elem.append(out, entry.Value); err != nil {
			return nil, fmt.Errorf("entry %s: %w", entry.Key, err)
		}
	}
	return append(out, 0), nil
}

// checked returns the struct of a value, which must be of the encoder's schema.
func (e *encoder) checked(v connect.Value) (*connect.Struct, error) {
	if v.Kind() != connect.KindStruct {
		return nil, e.mismatch(v)
	}
	st := v.Struct()
	if !st.Schema().Equal(e.schema) {
		return nil, fmt.Errorf("%w: a struct of another schema than its place has", connect.ErrData)
	}
	return st, nil
}

func (e *encoder) record(dst []byte, v connect.Value) (out []byte, err error) {
	st, err := e.checked(v)
	if err != nil {
		return nil, err
	}
	out = dst
	for i := range e.fields {
		f := &e.fields[i]
		if f.from < 0 {
			out = append(out, f.binary...)
			continue
		}
		member := st.At(f.from)
		if member.IsNull() && !e.ignoreDefaults {
			member = f.dflt
		}
		if out, err = f.enc.append(out, member); err != nil {
			return nil, fmt.Errorf("field %s: %w", e.schema.Fields()[f.from].Name, err)
		}
	}
	return out, nil
}

// member writes the field of a union's struct that is set.
func (e *encoder) member(dst []byte, v connect.Value) (out []byte, err error) {
	st, err := e.checked(v)
	if err != nil {
		return nil, err
	}
	for i := range e.fields {
		f := &e.fields[i]
		member := st.At(f.from)
		if member.IsNull() && !e.ignoreDefaults {
			member = f.dflt
		}
		if !member.IsNull() {
			return f.enc.append(dst, member)
		}
	}
	if e.nullable && e.null >= 0 {
		return appendLong(dst, int64(e.null)), nil
	}
	return nil, errNoBranch
}
