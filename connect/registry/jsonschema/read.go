package jsonschema

import (
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/jsontext"
	"github.com/sluice-connect/sluice/connect/values"
)

// reader reads values from JSON under their schemas (JsonSchemaData.toConnectData).
type reader struct{ jsontext.Scanner }

func (r *reader) value(s *connect.Schema) (connect.Value, error) {
	c := r.Peek()
	if c == 'n' {
		if err := r.Word("null"); err != nil {
			return connect.Value{}, err
		}
		switch {
		case !s.Default().IsNull():
			return s.Default(), nil
		case s.Optional():
			return connect.Value{}, nil
		}
		return connect.Value{}, fmt.Errorf("null for a required %s", s.Kind())
	}
	switch s.Name() {
	case connect.DecimalName:
		return r.decimal(s)
	case connect.DateName, connect.TimeName, connect.TimestampName:
		return r.instant(s)
	}
	switch s.Kind() {
	case connect.KindBoolean:
		return r.boolean()
	case connect.KindString:
		if c != '"' {
			return connect.Value{}, r.unfit(s)
		}
		text, err := r.Text()
		return connect.String(text), err
	case connect.KindBytes:
		b, err := r.bytes(s)
		return connect.Bytes(b), err
	case connect.KindArray:
		return r.array(s)
	case connect.KindMap:
		return r.mapping(s)
	case connect.KindStruct:
		if isUnion(s) {
			return r.union(s)
		}
		return r.object(s)
	}
	return r.number(s)
}

// maxPath bounds how many objects and lists the text of an error names on the way to its place.
const maxPath = 32

// at adds a step to the place of an error, which is within so many others.
func at(err error, depth int, what string, which any) error {
	if depth >= maxPath {
		return err
	}
	return fmt.Errorf("%s %v: %w", what, which, err)
}

// unfit is the error for JSON of another type.
func (r *reader) unfit(s *connect.Schema) error {
	return fmt.Errorf("%s at byte %d where a %s is to be", typeOf(r.Peek()), r.At, s.Kind())
}

func typeOf(c byte) string {
	switch c {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	case 0:
		return "nothing"
	}
	return "a number"
}

func isNumber(c byte) bool { return c == '-' || c >= '0' && c <= '9' }

func (r *reader) boolean() (connect.Value, error) {
	if r.Peek() == 't' {
		return connect.Boolean(true), r.Word("true")
	}
	return connect.Boolean(false), r.Word("false")
}

// number reads a number, cut to its kind as Jackson cuts it. Floats that are none are texts.
func (r *reader) number(s *connect.Schema) (connect.Value, error) {
	if r.Peek() == '"' && (s.Kind() == connect.KindFloat32 || s.Kind() == connect.KindFloat64) {
		return r.notANumber(s)
	}
	if !isNumber(r.Peek()) {
		return connect.Value{}, r.unfit(s)
	}
	n, err := r.Number()
	if err != nil {
		return connect.Value{}, err
	}
	switch s.Kind() {
	case connect.KindInt8:
		return connect.Int8(int8(n.Int64())), nil
	case connect.KindInt16:
		return connect.Int16(int16(n.Int64())), nil
	case connect.KindInt32:
		return connect.Int32(int32(n.Int64())), nil
	case connect.KindFloat32:
		return connect.Float32(float32(n.Float(32))), nil
	case connect.KindFloat64:
		return connect.Float64(n.Float(64)), nil
	}
	return connect.Int64(n.Int64()), nil
}

func (r *reader) notANumber(s *connect.Schema) (connect.Value, error) {
	at := r.At
	text, err := r.Text()
	if err != nil {
		return connect.Value{}, err
	}
	f, ok := map[string]float64{"NaN": nan, "Infinity": infinity, "-Infinity": -infinity}[text]
	switch {
	case !ok:
		r.At = at
		return connect.Value{}, r.unfit(s)
	case s.Kind() == connect.KindFloat32:
		return connect.Float32(float32(f)), nil
	}
	return connect.Float64(f), nil
}

// bytes reads base64.
func (r *reader) bytes(s *connect.Schema) ([]byte, error) {
	if r.Peek() != '"' {
		return nil, r.unfit(s)
	}
	text, err := r.Text()
	if err != nil {
		return nil, err
	}
	b, err := base64.RawStdEncoding.AppendDecode([]byte{}, []byte(strings.TrimRight(text, "=")))
	if err != nil {
		return nil, fmt.Errorf("bytes that are no base64: %w", err)
	}
	return b, nil
}

func (r *reader) decimal(s *connect.Schema) (connect.Value, error) {
	if isNumber(r.Peek()) {
		n, err := r.Number()
		if err != nil {
			return connect.Value{}, err
		}
		return connect.DecimalOf(scaled(n.Decimal(), scaleOf(s))), nil
	}
	b, err := r.bytes(s)
	if err == nil && len(b) == 0 {
		err = fmt.Errorf("a decimal without bytes")
	}
	if err != nil {
		return connect.Value{}, err
	}
	return connect.DecimalOf(&connect.Decimal{Unscaled: values.FromTwosComplement(b), Scale: scaleOf(s)}), nil
}

// scaled gives a number the scale of its schema where that loses no digit, so that it can be written again.
func scaled(d *connect.Decimal, scale int32) *connect.Decimal {
	const most = 1000
	if d.Scale >= scale || scale-d.Scale > most {
		return d
	}
	factor := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale-d.Scale)), nil)
	return &connect.Decimal{Unscaled: factor.Mul(factor, d.Unscaled), Scale: scale}
}

func (r *reader) instant(s *connect.Schema) (connect.Value, error) {
	if !isNumber(r.Peek()) {
		return connect.Value{}, r.unfit(s)
	}
	n, err := r.Number()
	if err != nil {
		return connect.Value{}, err
	}
	short, isInt := n.Int32()
	switch {
	case s.Name() == connect.TimestampName && n.Whole:
		return connect.Instant(n.Int64()), nil
	case s.Name() == connect.DateName && isInt:
		return connect.Instant(int64(short) * millisPerDay), nil
	case s.Name() == connect.TimeName && isInt && short >= 0 && short <= millisPerDay:
		return connect.Instant(int64(short)), nil
	}
	return connect.Value{}, fmt.Errorf("%s is not in the range of a %s", n.Text, s.Name())
}

func (r *reader) array(s *connect.Schema) (connect.Value, error) {
	if r.Peek() != '[' {
		return connect.Value{}, r.unfit(s)
	}
	list, depth := []connect.Value{}, r.Depth
	more, err := r.Open(']')
	for more && err == nil {
		var v connect.Value
		if v, err = r.value(s.Elem()); err != nil {
			return v, at(err, depth, "element", len(list))
		}
		list = append(list, v)
		more, err = r.Next(']')
	}
	return connect.Array(list), err
}

func (r *reader) mapping(s *connect.Schema) (connect.Value, error) {
	if !isObject(s) {
		return r.pairs(s)
	}
	if r.Peek() != '{' {
		return connect.Value{}, r.unfit(s)
	}
	m, depth := connect.NewMap(4), r.Depth
	more, err := r.Open('}')
	for more && err == nil {
		name, err := r.Name()
		if err != nil {
			return connect.Value{}, err
		}
		v, err := r.value(s.Elem())
		if err != nil {
			return v, at(err, depth, "entry", name)
		}
		m.Put(connect.String(name), v)
		if more, err = r.Next('}'); err != nil {
			return connect.Value{}, err
		}
	}
	return connect.MapOf(m), err
}

// pairs reads a list of {"key": ..., "value": ...}.
func (r *reader) pairs(s *connect.Schema) (connect.Value, error) {
	if r.Peek() != '[' {
		return connect.Value{}, r.unfit(s)
	}
	m := connect.NewMap(4)
	more, err := r.Open(']')
	for more && err == nil {
		if err = r.pair(s, m); err == nil {
			more, err = r.Next(']')
		}
	}
	return connect.MapOf(m), err
}

func (r *reader) pair(s *connect.Schema, m *connect.Map) error {
	if r.Peek() != '{' {
		return fmt.Errorf("a map entry that is no object")
	}
	var key, v connect.Value
	more, err := r.Open('}')
	for more && err == nil {
		name, err := r.Name()
		if err != nil {
			return err
		}
		switch name {
		case keyField:
			key, err = r.value(s.Keys())
		case valueField:
			v, err = r.value(s.Elem())
		default:
			err = fmt.Errorf("a map entry with the member %s", name)
		}
		if err != nil {
			return err
		}
		if more, err = r.Next('}'); err != nil {
			return err
		}
	}
	m.Put(key, v)
	return err
}

// object reads a struct. Members that are no field are ignored; what is missing is the default, or null.
func (r *reader) object(s *connect.Schema) (connect.Value, error) {
	if r.Peek() != '{' {
		return connect.Value{}, r.unfit(s)
	}
	st := connect.NewStruct(s)
	seen, depth := make([]bool, len(s.Fields())), r.Depth
	more, err := r.Open('}')
	for more && err == nil {
		name, err := r.Name()
		if err != nil {
			return connect.Value{}, err
		}
		if i := s.Index(name); i < 0 {
			err = r.Skip()
		} else {
			var v connect.Value
			if v, err = r.value(s.Fields()[i].Schema); err != nil {
				return connect.Value{}, at(err, depth, "field", name)
			}
			st.SetAt(i, v)
			seen[i] = true
		}
		if err == nil {
			more, err = r.Next('}')
		}
		if err != nil {
			return connect.Value{}, err
		}
	}
	for i, f := range s.Fields() {
		if !seen[i] {
			st.SetAt(i, f.Schema.Default())
		}
	}
	return connect.StructOf(st), err
}

// union finds the field of a union's struct: the first scalar or list that fits, or else the object with the most members in common.
func (r *reader) union(s *connect.Schema) (connect.Value, error) {
	slot, most := -1, 0
	for i, f := range s.Fields() {
		if fits(f.Schema, r.Peek(), r.wholeNumber()) {
			slot = i
			break
		}
		common, err := r.common(f.Schema)
		if err != nil {
			return connect.Value{}, err
		}
		if common > most {
			slot, most = i, common
		}
	}
	if slot < 0 {
		return connect.Value{}, fmt.Errorf("%s at byte %d fits no part of the oneOf", typeOf(r.Peek()), r.At)
	}
	v, err := r.value(s.Fields()[slot].Schema)
	if err != nil {
		return v, err
	}
	st := connect.NewStruct(s)
	st.SetAt(slot, v)
	return connect.StructOf(st), nil
}

// wholeNumber looks whether the number ahead has neither point nor exponent.
func (r *reader) wholeNumber() bool {
	if !isNumber(r.Peek()) {
		return false
	}
	ahead := r.Scanner
	n, err := ahead.Number()
	return err == nil && n.Whole
}

func fits(s *connect.Schema, c byte, whole bool) bool {
	switch s.Kind() {
	case connect.KindInt8, connect.KindInt16, connect.KindInt32, connect.KindInt64:
		return whole
	case connect.KindFloat32, connect.KindFloat64:
		return isNumber(c)
	case connect.KindBoolean:
		return c == 't' || c == 'f'
	case connect.KindString:
		return c == '"'
	case connect.KindBytes:
		return c == '"' || s.Name() == connect.DecimalName && isNumber(c)
	case connect.KindArray:
		return c == '['
	case connect.KindMap:
		return c == '{' && isObject(s) || c == '[' && !isObject(s)
	}
	return false
}

// common counts the members that the object ahead has in common with a struct, those of objects within included.
func (r *reader) common(s *connect.Schema) (int, error) {
	if s.Kind() != connect.KindStruct || r.Peek() != '{' {
		return 0, nil
	}
	ahead := reader{r.Scanner}
	return ahead.count(s)
}

// count is common for an object that is read over.
func (r *reader) count(s *connect.Schema) (count int, err error) {
	more, err := r.Open('}')
	for more && err == nil {
		name, err := r.Name()
		if err != nil {
			return 0, err
		}
		i := s.Index(name)
		if i >= 0 {
			count++
		}
		if i >= 0 && s.Fields()[i].Schema.Kind() == connect.KindStruct && r.Peek() == '{' {
			var inner int
			inner, err = r.count(s.Fields()[i].Schema)
			count += inner
		} else {
			err = r.Skip()
		}
		if err != nil {
			return 0, err
		}
		if more, err = r.Next('}'); err != nil {
			return 0, err
		}
	}
	return count, err
}
