package connect

// Slab makes structs and maps whose memory is cut from common pieces, so that many records cost few allocations. A piece, some 6 KiB, lives as long
// as the last record in it, so a slab is for records that come and go together. The zero Slab is ready. It is not safe for concurrent use.
type Slab struct {
	vals    []Value
	structs []Struct
	maps    []Map
	// How much of each is given away.
	usedVals, usedStructs, usedMaps int
}

// A piece fills what the allocator gives for it, with the eight bytes that it keeps for itself: 6528 and 1152.
const (
	slabValues = 407
	slabHeads  = 35
)

// Struct is [NewStruct].
func (s *Slab) Struct(schema *Schema) *Struct {
	if schema.index == nil {
		return NewStruct(schema) // panics
	}
	if s.usedStructs == len(s.structs) {
		s.structs, s.usedStructs = make([]Struct, slabHeads), 0
	}
	out := &s.structs[s.usedStructs]
	s.usedStructs++
	out.schema, out.vals = schema, s.values(len(schema.fields))
	return out
}

// Map is [Keys.Map].
func (s *Slab) Map(keys *Keys) *Map {
	if s.usedMaps == len(s.maps) {
		s.maps, s.usedMaps = make([]Map, slabHeads), 0
	}
	out := &s.maps[s.usedMaps]
	s.usedMaps++
	out.keys, out.vals = keys, s.values(len(keys.list))
	return out
}

func (s *Slab) values(n int) []Value {
	from, to := s.usedVals, s.usedVals+n
	if to > len(s.vals) {
		if n > slabValues/4 {
			return make([]Value, n)
		}
		s.vals, from, to = make([]Value, slabValues), 0, n
	}
	s.usedVals = to
	return s.vals[from:to:to]
}

// Restruct is [Struct.Reshape] for a copy of st.
func (s *Slab) Restruct(st *Struct, schema *Schema, moves *Moves) *Struct {
	out := s.Struct(schema)
	moves.gather(out.vals, st.vals)
	return out
}

// Remap is [Map.Reshape] for a copy of m.
func (s *Slab) Remap(m *Map, keys *Keys, moves *Moves) *Map {
	out := s.Map(keys)
	moves.gather(out.vals, m.vals)
	return out
}
