package protobuf

import (
	"encoding/binary"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sluice-connect/sluice/connect"
)

// encoder writes structs of one Connect schema as messages of one type. It is compiled once for both, so that a value costs neither look-ups nor memory.
type encoder struct {
	schema *connect.Schema
	fields []*encodedField // in the order of their numbers
	// ignoreDefaults keeps a null where its field has a default.
	ignoreDefaults bool
}

// encodedField is a field of the message.
type encodedField struct {
	name   string
	from   int // position in the struct
	member int // position in the union that stands there, -1 for none
	tag    []byte
	dflt   connect.Value
	schema *connect.Schema // of the value, or of a list's elements

	write    func(f *encodedField, dst []byte, v connect.Value) ([]byte, error) // without the tag
	presence bool                                                               // a zero is written too
	list     bool
	packed   bool
	entries  bool
	wrapped  bool
	kind     protoreflect.Kind
	message  *encoder                           // of a struct, or of a map's entries, whose key and value are its first two fields
	symbols  map[string]protoreflect.EnumNumber // of an enum
}

var errNull = fmt.Errorf("%w: null in a list or as the key of a map, which Protobuf does not have", connect.ErrData)

// append writes a message without its length.
func (e *encoder) append(dst []byte, v connect.Value) (out []byte, err error) {
	if e.schema.Kind() != connect.KindStruct { // a scalar in its wrapper
		return e.fields[0].append(dst, v)
	}
	if v.Kind() != connect.KindStruct || !v.Struct().Schema().Equal(e.schema) {
		return nil, fmt.Errorf("%w: a struct of another schema than its place has, or none", connect.ErrData)
	}
	st := v.Struct()
	out = dst
	for _, f := range e.fields {
		member := st.At(f.from)
		if f.member >= 0 {
			if member = e.chosen(st, f); member.IsNull() {
				continue
			}
		} else if member.IsNull() && !e.ignoreDefaults {
			member = f.dflt
		}
		if out, err = f.append(out, member); err != nil {
			return nil, fmt.Errorf("field %s: %w", f.name, err)
		}
	}
	return out, nil
}

// chosen is the value of a union's member if that is the one that counts: the first that is set.
func (e *encoder) chosen(st *connect.Struct, f *encodedField) connect.Value {
	union := st.At(f.from)
	if union.Kind() != connect.KindStruct {
		return connect.Value{}
	}
	own := union.Struct()
	for i := range f.member {
		if !own.At(i).IsNull() {
			return connect.Value{}
		}
	}
	return own.At(f.member)
}

// append writes a field with its tag. A null is left out, and so is a zero that says no more than its absence.
func (f *encodedField) append(dst []byte, v connect.Value) ([]byte, error) {
	switch {
	case v.IsNull():
		return dst, nil
	case f.entries:
		return f.appendEntries(dst, v)
	case f.list:
		return f.appendList(dst, v)
	}
	start := len(dst)
	out, err := f.single(append(dst, f.tag...), v)
	if err == nil && !f.presence && f.isZero(out[start+len(f.tag):]) {
		out = out[:start]
	}
	return out, err
}

// isZero tells whether what was written is the value that an absent field has: all bytes are zero, a text or a list of bytes is empty.
func (f *encodedField) isZero(written []byte) bool {
	switch f.kind {
	case protoreflect.MessageKind:
		return false
	case protoreflect.StringKind, protoreflect.BytesKind:
		return len(written) == 1
	}
	for _, b := range written {
		if b != 0 {
			return false
		}
	}
	return true
}

// single writes one value, in its wrapper where it has one.
func (f *encodedField) single(dst []byte, v connect.Value) ([]byte, error) {
	if !f.wrapped {
		return f.write(f, dst, v)
	}
	start := len(dst) + 1
	dst = append(dst, 0)
	out, err := f.write(f, append(dst, byte(1<<3)|byte(wireTypes[f.kind])), v)
	if err == nil && f.isZero(out[start+1:]) {
		out = out[:start]
	}
	if err != nil {
		return nil, err
	}
	return closeLength(out, start), nil
}

// closeLength puts the length of what begins at start into the byte in front of it, and moves it where one byte is too short.
func closeLength(dst []byte, start int) []byte {
	n := len(dst) - start
	if n < 0x80 {
		dst[start-1] = byte(n)
		return dst
	}
	size := protowire.SizeVarint(uint64(n))
	for range size - 1 {
		dst = append(dst, 0)
	}
	copy(dst[start+size-1:], dst[start:start+n])
	binary.PutUvarint(dst[start-1:], uint64(n))
	return dst
}

func (f *encodedField) appendList(dst []byte, v connect.Value) (out []byte, err error) {
	if v.Kind() != connect.KindArray {
		return nil, fmt.Errorf("%w: a value of kind %s, not a list", connect.ErrData, v.Kind())
	}
	list := v.Array()
	if len(list) == 0 {
		return dst, nil
	}
	out, start := dst, 0
	if f.packed {
		out = append(append(out, f.tag...), 0)
		start = len(out)
	}
	for i := range list {
		if list[i].IsNull() {
			return nil, fmt.Errorf("element %d: %w", i, errNull)
		}
		if !f.packed {
			out = append(out, f.tag...)
		}
		if out, err = f.single(out, list[i]); err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
	}
	if f.packed {
		out = closeLength(out, start)
	}
	return out, nil
}

func (f *encodedField) appendEntries(dst []byte, v connect.Value) (out []byte, err error) {
	if v.Kind() != connect.KindMap {
		return nil, fmt.Errorf("%w: a value of kind %s, not a map", connect.ErrData, v.Kind())
	}
	out = dst
	for _, e := range v.Map().Entries() {
		if e.Key.IsNull() {
			return nil, errNull
		}
		out = append(append(out, f.tag...), 0)
		start := len(out)
		if out, err = f.message.fields[0].append(out, e.Key); err == nil {
			out, err = f.message.fields[1].append(out, e.Value)
		}
		if err != nil {
			return nil, fmt.Errorf("entry %s: %w", e.Key, err)
		}
		out = closeLength(out, start)
	}
	return out, nil
}

func (f *encodedField) structure(dst []byte, v connect.Value) ([]byte, error) {
	dst = append(dst, 0)
	start := len(dst)
	out, err := f.message.append(dst, v)
	if err != nil {
		return nil, err
	}
	return closeLength(out, start), nil
}

// mismatch is the error for a value of another kind than its schema.
func (f *encodedField) mismatch(v connect.Value) error {
	under := f.schema.Kind().String()
	if f.schema.HasName() {
		under = f.schema.Name()
	}
	return fmt.Errorf("%w: a value of kind %s under the schema %s", connect.ErrData, v.Kind(), under)
}
