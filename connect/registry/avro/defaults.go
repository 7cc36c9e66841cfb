package avro

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/jsontext"
	"github.com/sluice-connect/sluice/connect/values"
)

// defaultJSON writes a Connect default as JSON; nil where it has no form there (a float that is no number, a value of another kind than its schema's).
func (o options) defaultJSON(s *connect.Schema, v connect.Value) []byte {
	out, err := o.appendDefault(nil, s, v)
	if err != nil {
		return nil
	}
	return out
}

func (o options) appendDefault(dst []byte, s *connect.Schema, v connect.Value) ([]byte, error) {
	if v.IsNull() {
		return append(dst, "null"...), nil
	}
	if s == nil {
		return nil, fmt.Errorf("%w: a default without a schema", connect.ErrData)
	}
	if err := connect.CheckValue(s, v); err != nil {
		return nil, err
	}
	switch v.Kind() {
	case connect.KindBoolean:
		return strconv.AppendBool(dst, v.Bool()), nil
	case connect.KindFloat32, connect.KindFloat64:
		f := v.Float64()
		if f-f != 0 {
			return nil, fmt.Errorf("%w: a default that is no number", connect.ErrData)
		}
		if v.Kind() == connect.KindFloat32 {
			return values.AppendFloat32(dst, float32(f)), nil
		}
		return values.AppendFloat64(dst, f), nil
	case connect.KindString:
		return jsontext.AppendString(dst, v.Str()), nil
	case connect.KindBytes:
		return jsontext.AppendString(dst, latin1(v.Bytes())), nil
	case connect.KindDecimal:
		return jsontext.AppendString(dst, latin1(values.AppendTwosComplement(nil, v.Decimal().Unscaled))), nil
	case connect.KindInstant:
		n, err := stored(s, v.Int64())
		return strconv.AppendInt(dst, n, 10), err
	case connect.KindArray:
		return o.appendList(dst, s, v.Array())
	case connect.KindMap:
		return o.appendEntries(dst, s, v.Map())
	case connect.KindStruct:
		return o.appendMembers(dst, s, v.Struct())
	}
	return strconv.AppendInt(dst, v.Int64(), 10), nil
}

func (o options) appendList(dst []byte, s *connect.Schema, list []connect.Value) (out []byte, err error) {
	out = append(dst, '[')
	for i, e := range list {
		if i > 0 {
			out = append(out, ',')
		}
		if out, err = o.appendDefault(out, s.Elem(), e); err != nil {
			return nil, err
		}
	}
	return append(out, ']'), nil
}

func (o options) appendEntries(dst []byte, s *connect.Schema, m *connect.Map) (out []byte, err error) {
	plain := o.isPlainMap(s)
	brackets, link := "[]", byte(',')
	if plain {
		brackets, link = "{}", ':'
	}
	out = append(dst, brackets[0])
	for i, e := range m.Entries() {
		if i > 0 {
			out = append(out, ',')
		}
		if !plain {
			out = append(out, '[')
		}
		if out, err = o.appendDefault(out, s.Keys(), e.Key); err != nil {
			return nil, err
		}
		if out, err = o.appendDefault(append(out, link), s.Elem(), e.Value); err != nil {
			return nil, err
		}
		if !plain {
			out = append(out, ']')
		}
	}
	return append(out, brackets[1]), nil
}

// appendMembers writes the first branch for a union, as Java does: a default is of the first.
func (o options) appendMembers(dst []byte, s *connect.Schema, st *connect.Struct) (out []byte, err error) {
	out = append(dst, '{')
	for i, f := range s.Fields() {
		if isUnion(s) {
			return o.appendDefault(dst, f.Schema, st.Get(f.Name))
		}
		if i > 0 {
			out = append(out, ',')
		}
		name := f.Name
		if o.scrub {
			name = scrubbed(name)
		}
		out = append(jsontext.AppendString(out, name), ':')
		if out, err = o.appendDefault(out, f.Schema, st.Get(f.Name)); err != nil {
			return nil, err
		}
	}
	return append(out, '}'), nil
}

// latin1 is the text in which Avro's JSON holds bytes: one character each.
func latin1(b []byte) string {
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}

func fromLatin1(text string) ([]byte, error) {
	out := make([]byte, 0, len(text))
	for _, r := range text {
		if r > 0xff {
			return nil, fmt.Errorf("%w: bytes with the character %q", connect.ErrData, r)
		}
		out = append(out, byte(r))
	}
	return out, nil
}

// encodeDefault returns the binary form of a field's JSON default, of a union the first branch's.
func encodeDefault(n *node, json []byte) ([]byte, error) {
	var w defaultWriter
	return w.text(nil, n, json)
}

// defaultWriter writes one default. Records in it may have fields that it lacks, whose own defaults are taken: those of records that hold themselves
// could go on for ever.
type defaultWriter struct{ depth, values int }

// maxDefaultValues bounds how many values a default may be made of.
const maxDefaultValues = 1 << 16

func (w *defaultWriter) text(dst []byte, n *node, json []byte) ([]byte, error) {
	if w.depth++; w.depth > maxNesting {
		return nil, fmt.Errorf("%w: a default of more than %d levels", connect.ErrData, maxNesting)
	}
	defer func() { w.depth-- }()
	s := jsontext.Scanner{Data: json}
	return w.append(dst, n, &s)
}

func (w *defaultWriter) append(dst []byte, n *node, s *jsontext.Scanner) ([]byte, error) {
	if w.values++; w.values > maxDefaultValues {
		return nil, fmt.Errorf("%w: a default of more than %d values", connect.ErrData, maxDefaultValues)
	}
	c := s.Peek()
	wants := func(first byte) error {
		if c != first {
			return fmt.Errorf("%w: a default of %s begins with %q", connect.ErrData, n.kind, c)
		}
		return nil
	}
	switch n.kind {
	case kindNull:
		return dst, s.Word("null")
	case kindUnion:
		if len(n.branches) == 0 {
			return nil, fmt.Errorf("%w: a default of an empty union", connect.ErrData)
		}
		return w.append(append(dst, 0), n.branches[0], s)
	case kindBoolean:
		if c == 't' {
			return append(dst, 1), s.Word("true")
		}
		return append(dst, 0), s.Word("false")
	case kindInt, kindLong, kindFloat, kindDouble:
		number, err := s.Number()
		if err != nil {
			return nil, err
		}
		switch n.kind {
		case kindFloat:
			return appendFloat32(dst, float32(number.Float(32))), nil
		case kindDouble:
			return appendFloat64(dst, number.Float(64)), nil
		}
		return appendLong(dst, number.Int64()), nil
	case kindArray:
		if err := wants('['); err != nil {
			return nil, err
		}
		return w.items(dst, n, s, ']')
	case kindMap:
		if err := wants('{'); err != nil {
			return nil, err
		}
		return w.items(dst, n, s, '}')
	case kindRecord:
		if err := wants('{'); err != nil {
			return nil, err
		}
		return w.fields(dst, n, s)
	}
	if err := wants('"'); err != nil {
		return nil, err
	}
	text, err := s.Text()
	if err != nil {
		return nil, err
	}
	return appendBinaryText(dst, n, text)
}

func appendBinaryText(dst []byte, n *node, text string) ([]byte, error) {
	switch n.kind {
	case kindString:
		return append(appendLong(dst, int64(len(text))), text...), nil
	case kindEnum:
		i := slices.Index(n.symbols, text)
		if i < 0 {
			return nil, fmt.Errorf("%w: enum %s has no symbol %q", connect.ErrData, n.full(), text)
		}
		return appendLong(dst, int64(i)), nil
	}
	b, err := fromLatin1(text)
	if err != nil {
		return nil, err
	}
	if n.kind == kindFixed {
		if len(b) != n.size {
			return nil, fmt.Errorf("%w: %d bytes for fixed %s of %d", connect.ErrData, len(b), n.full(), n.size)
		}
		return append(dst, b...), nil
	}
	return append(appendLong(dst, int64(len(b))), b...), nil
}

// items writes each element as a block of one: defaults are short.
func (w *defaultWriter) items(dst []byte, n *node, s *jsontext.Scanner, closing byte) (out []byte, err error) {
	out = dst
	more, err := s.Open(closing)
	for more && err == nil {
		out = appendLong(out, 1)
		if n.kind == kindMap {
			key, err := s.Name()
			if err != nil {
				return nil, err
			}
			out = append(appendLong(out, int64(len(key))), key...)
		}
		if out, err = w.append(out, n.items, s); err != nil {
			return nil, err
		}
		more, err = s.Next(closing)
	}
	return append(out, 0), err
}

// fields writes a record's fields in the order of the schema, whatever the order of the JSON.
func (w *defaultWriter) fields(dst []byte, n *node, s *jsontext.Scanner) (out []byte, err error) {
	parts := make([][]byte, len(n.fields))
	more, err := s.Open('}')
	for more && err == nil {
		name, err := s.Name()
		if err != nil {
			return nil, err
		}
		s.Peek()
		start := s.At
		if err := s.Skip(); err != nil {
			return nil, err
		}
		if i := n.index(name); i >= 0 {
			parts[i] = bytes.Clone(s.Data[start:s.At])
		}
		if more, err = s.Next('}'); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, err
	}
	out = dst
	for i, part := range parts {
		f := n.fields[i]
		if part == nil {
			part = f.dflt
		}
		if part == nil {
			return nil, fmt.Errorf("%w: a default of %s without field %s", connect.ErrData, n.full(), f.name)
		}
		if out, err = w.text(out, f.node, part); err != nil {
			return nil, err
		}
	}
	return out, nil
}
