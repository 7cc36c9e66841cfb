package avro

import (
	"errors"
	"fmt"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/values"
)

// anything is the record in which schemaless data travel: one field for each type, of which at most one is set. Null is the record without any.
var anything = newAnything()

// The fields of anything, by position.
const (
	anyBoolean = iota
	anyBytes
	anyDouble
	anyFloat
	anyInt
	anyLong
	anyString
	anyArray
	anyMap
	anyFields
)

func newAnything() *node {
	self := &node{kind: kindRecord, space: namespace, name: anythingName, props: []prop{}}
	entry := &node{kind: kindRecord, space: namespace, name: entryName, props: []prop{},
		fields: []field{{name: keyField, node: self}, {name: valueField, node: self}}}
	list := func(items *node) *node { return &node{kind: kindArray, items: items} }
	for _, f := range []field{
		{name: "boolean", node: &node{kind: kindBoolean}}, {name: "bytes", node: &node{kind: kindBytes}},
		{name: "double", node: &node{kind: kindDouble}}, {name: "float", node: &node{kind: kindFloat}},
		{name: "int", node: &node{kind: kindInt}}, {name: "long", node: &node{kind: kindLong}},
		{name: "string", node: &node{kind: kindString}}, {name: "array", node: list(self)}, {name: "map", node: list(entry)},
	} {
		f.node = &node{kind: kindUnion, branches: []*node{{kind: kindNull}, f.node}}
		f.dflt = []byte("null")
		self.fields = append(self.fields, f)
	}
	return self
}

// isAnything reports whether a type is anything, by its name and the names of its fields.
func isAnything(n *node) bool {
	if n.kind != kindRecord || n.full() != anythingFull || len(n.fields) != anyFields {
		return false
	}
	for i, f := range n.fields {
		own := anything.fields[i]
		if f.name != own.name || f.node.kind != kindUnion || len(f.node.branches) != 2 || f.node.branches[0].kind != kindNull ||
			f.node.branches[1].kind != own.node.branches[1].kind {
			return false
		}
	}
	return true
}

// anything writes a schemaless value.
func (e *encoder) anything(dst []byte, v connect.Value) ([]byte, error) {
	var at int
	switch v.Kind() {
	case connect.KindNull:
		at = anyFields
	case connect.KindBoolean:
		at = anyBoolean
	case connect.KindBytes:
		at = anyBytes
	case connect.KindFloat64:
		at = anyDouble
	case connect.KindFloat32:
		at = anyFloat
	case connect.KindInt8, connect.KindInt16, connect.KindInt32:
		at = anyInt
	case connect.KindInt64:
		at = anyLong
	case connect.KindString:
		at = anyString
	case connect.KindArray:
		at = anyArray
	case connect.KindMap:
		at = anyMap
	default:
		return nil, fmt.Errorf("%w: a value of kind %s needs a schema", connect.ErrData, v.Kind())
	}
	for range min(at, anyFields) {
		dst = append(dst, 0)
	}
	if at == anyFields {
		return dst, nil
	}
	out, err := e.appendBare(append(dst, 2), v)
	for range anyFields - at - 1 {
		out = append(out, 0)
	}
	return out, err
}

func (e *encoder) appendBare(dst []byte, v connect.Value) (out []byte, err error) {
	switch v.Kind() {
	case connect.KindBoolean:
		if v.Bool() {
			return append(dst, 1), nil
		}
		return append(dst, 0), nil
	case connect.KindBytes:
		return append(appendLong(dst, int64(len(v.Bytes()))), v.Bytes()...), nil
	case connect.KindFloat64:
		return appendFloat64(dst, v.Float64()), nil
	case connect.KindFloat32:
		return appendFloat32(dst, float32(v.Float64())), nil
	case connect.KindString:
		return append(appendLong(dst, int64(len(v.Str()))), v.Str()...), nil
	case connect.KindArray:
		if out = dst; len(v.Array()) > 0 {
			out = appendLong(out, int64(len(v.Array())))
		}
		for _, elem := range v.Array() {
			if out, err = e.anything(out, elem); err != nil {
				return nil, err
			}
		}
		return append(out, 0), nil
	case connect.KindMap:
		if out = dst; v.Map().Len() > 0 {
			out = appendLong(out, int64(v.Map().Len()))
		}
		for _, entry := range v.Map().Entries() {
			if out, err = e.anything(out, entry.Key); err != nil {
				return nil, err
			}
			if out, err = e.anything(out, entry.Value); err != nil {
				return nil, err
			}
		}
		return append(out, 0), nil
	}
	return appendLong(dst, v.Int64()), nil
}

// readAnything reads a schemaless value: the first field that is set.
func readAnything(s *source) (v connect.Value, err error) {
	if s.depth++; s.depth > maxDepth {
		return v, fmt.Errorf("more than %d levels", maxDepth)
	}
	defer func() { s.depth-- }()
	set := false
	for at := range anyFields {
		branch, err := s.long()
		if err != nil {
			return v, err
		}
		if branch == 0 {
			continue
		}
		if branch != 1 {
			return v, fmt.Errorf("a union has no branch %d", branch)
		}
		member, err := readBare(s, at)
		if err != nil {
			return v, err
		}
		if !set {
			v, set = member, true
		}
	}
	return v, nil
}

func readBare(s *source, at int) (connect.Value, error) {
	switch at {
	case anyBoolean:
		b, err := s.take(1)
		return connect.Boolean(err == nil && b[0] != 0), err
	case anyBytes:
		b, err := s.bytes()
		return bytesValue(b), err
	case anyDouble:
		return readFloat64(nil, s)
	case anyFloat:
		return readFloat32(nil, s)
	case anyInt:
		n, err := s.int32()
		return connect.Int32(n), err
	case anyLong:
		n, err := s.long()
		return connect.Int64(n), err
	case anyString:
		b, err := s.bytes()
		return connect.String(values.Text(b)), err
	case anyArray:
		return readAnyList(s)
	case anyMap:
		return readAnyMap(s)
	}
	return connect.Value{}, errors.New("no such type")
}

func readAnyList(s *source) (connect.Value, error) {
	list := []connect.Value{}
	for {
		n, err := s.block(anyFields)
		if err != nil || n == 0 {
			return connect.Array(list), err
		}
		for range n {
			v, err := readAnything(s)
			if err != nil {
				return connect.Value{}, err
			}
			list = append(list, v)
		}
	}
}

func readAnyMap(s *source) (connect.Value, error) {
	m := connect.NewMap(0)
	for {
		n, err := s.block(2 * anyFields)
		if err != nil || n == 0 {
			return connect.MapOf(m), err
		}
		for range n {
			k, err := readAnything(s)
			if err != nil {
				return connect.Value{}, err
			}
			v, err := readAnything(s)
			if err != nil {
				return connect.Value{}, err
			}
			m.Put(k, v)
		}
	}
}
