package wire

import (
	"fmt"
	"maps"
	"slices"
	"unsafe"

	"github.com/sluice-connect/sluice/connect"
)

const (
	// firstNumber is that of the first schema that is sent. Below are the plain ones, by their kinds.
	firstNumber = 16
	// maxSent is how many schemas a sender numbers before it forgets them; the contract's limit is 1000.
	maxSent = 900
	// maxSentNodes is how many schemas and fields those may have in all: what the receiver keeps for them is bounded by maxKnownNodes.
	maxSentNodes = maxKnownNodes / 2
)

// sentSchemas are the schemas that a stream's receiver knows, by their numbers.
type sentSchemas struct {
	near      [16]sentSchema // by address, so that most records cost no look-up
	byPointer map[*connect.Schema]uint32
	byContent map[string]uint32 // those that were built anew have the number of those that they are equal to
	sent      uint32
	nodes     int
	fresh     []byte // those of the message that is being written, as fields with tag
	tag       byte
	full      bool // there was no room for one: the message must end, and the next one forget
	forgot    bool // the message that is being written begins by forgetting
}

type sentSchema struct {
	schema *connect.Schema
	number uint32
}

// number returns a schema's number; 0 for none.
func (s *sentSchemas) number(e *encoder, schema *connect.Schema) uint32 {
	if schema == nil {
		return 0
	}
	n := &s.near[uintptr(unsafe.Pointer(schema))>>5%16]
	if n.schema == schema {
		return n.number
	}
	number, ok := s.lookUp(e, schema)
	if ok {
		n.schema, n.number = schema, number
	}
	return number
}

// lookUp returns a schema's number; !ok: it has none, and full or e.err says why.
func (s *sentSchemas) lookUp(e *encoder, schema *connect.Schema) (number uint32, ok bool) {
	if plain(schema) {
		return uint32(schema.Kind()), true
	}
	if number, ok := s.byPointer[schema]; ok {
		return number, true
	}
	if schema.Recursive() {
		e.fail(fmt.Errorf("%w: its schema %q is recursive, which the contract cannot describe", connect.ErrData, schema.Name()))
		return 0, false
	}
	var nodes int
	content := e.schema(nil, schema, 0, &nodes)
	if e.failed() {
		return 0, false
	}
	if number, ok = s.byContent[string(content)]; !ok {
		if s.sent == maxSent || s.nodes+nodes > maxSentNodes {
			s.full = true
			return 0, false
		}
		number = firstNumber + s.sent
		s.sent++
		s.nodes += nodes
		if s.byContent == nil {
			s.byContent = map[string]uint32{}
		}
		s.byContent[string(content)] = number
		s.fresh = appendVarint(append(s.fresh, s.tag), uint64(len(content)))
		s.fresh = append(s.fresh, content...)
	}
	if s.byPointer == nil || len(s.byPointer) == maxSent {
		s.byPointer = make(map[*connect.Schema]uint32)
	}
	s.byPointer[schema] = number
	return number, true
}

// begin starts a message whose schemas are the field tag.
func (s *sentSchemas) begin(tag byte) {
	s.tag, s.fresh, s.forgot = tag, s.fresh[:0], false
	if s.full {
		s.forget()
	}
}

// forget makes the message that has just begun forget all schemas.
func (s *sentSchemas) forget() {
	*s = sentSchemas{tag: s.tag, fresh: s.fresh[:0], forgot: true}
}

// head appends what a message says of schemas; forget is the tag of that field.
func (s *sentSchemas) head(buf []byte, forget byte) []byte {
	if s.forgot {
		buf = append(buf, forget, 1)
	}
	return append(buf, s.fresh...)
}

// plain reports whether a schema is one of those with numbers of their own.
func plain(s *connect.Schema) bool {
	return s.Kind() >= connect.KindInt8 && s.Kind() <= connect.KindBytes && bare(s) && !s.Optional()
}

// bare reports whether a schema has no attributes beside kind and optional.
func bare(s *connect.Schema) bool {
	return !s.HasName() && !s.HasVersion() && !s.HasDoc() && len(s.Params()) == 0 && s.Default().IsNull()
}

// schema appends what a Schema message holds.
func (e *encoder) schema(buf []byte, s *connect.Schema, level int, nodes *int) []byte {
	if level > maxDepth {
		e.fail(errDeepSchema)
		return buf
	}
	*nodes++
	buf = append(buf, 0x08, byte(s.Kind()))
	if s.Optional() {
		buf = append(buf, 0x10, 1)
	}
	if s.HasName() {
		buf = appendText(buf, 0x1a, valid(s.Name()))
	}
	if s.HasVersion() {
		buf = appendVarint(append(buf, 0x20), uint64(int64(int32(s.Version()))))
	}
	if s.HasDoc() {
		buf = appendText(buf, 0x2a, valid(s.Doc()))
	}
	for _, key := range slices.Sorted(maps.Keys(s.Params())) {
		entry := appendText(nil, 0x0a, valid(key))
		entry = appendText(entry, 0x12, valid(s.Params()[key]))
		buf = appendText(buf, 0x32, alias(entry))
	}
	if d := s.Default(); !d.IsNull() {
		buf = e.value(buf, 0x3a, s, d, 0)
	}
	if s.Kind() == connect.KindMap && s.Keys() != nil {
		buf = appendText(buf, 0x42, alias(e.schema(nil, s.Keys(), level+1, nodes)))
	}
	if (s.Kind() == connect.KindMap || s.Kind() == connect.KindArray) && s.Elem() != nil {
		buf = appendText(buf, 0x4a, alias(e.schema(nil, s.Elem(), level+1, nodes)))
	}
	for _, f := range s.Fields() {
		*nodes++
		field := appendText(nil, 0x0a, valid(f.Name))
		if f.Schema != nil {
			field = appendText(field, 0x12, alias(e.schema(nil, f.Schema, level+1, nodes)))
		}
		buf = appendText(buf, 0x52, alias(field))
	}
	return buf
}
