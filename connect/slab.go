package connect

// Slab makes structs and maps whose memory is cut from common pieces, so that many records cost few allocations. A piece, some 6 KiB, lives as long
// as the last record in it, so a slab is for records that come and go together. The zero Slab is ready. It is not safe for concurrent use.
type Slab struct {
	vals    []Value
	structs []Struct
	maps    []Map
}

const (
	slabValues = 256
	slabHeads  = 32
)

// Struct is [NewStruct].
func (s *Slab) Struct(schema *Schema) *Struct {
	if schema.index == nil {
		return NewStruct(schema) // panics
	}
	if len(s.structs) == 0 {
		s.structs = make([]Struct, slabHeads)
	}
	out := &s.structs[0]
	s.structs = s.structs[1:]
	out.schema, out.vals = schema, s.values(len(schema.fields))
	return out
}

// Map is [Keys.Map].
func (s *Slab) Map(keys *Keys) *Map {
	if len(s.maps) == 0 {
		s.maps = make([]Map, slabHeads)
	}
	out := &s.maps[0]
	s.maps = s.maps[1:]
	out.keys, out.vals = keys, s.values(len(keys.list))
	return out
}

func (s *Slab) values(n int) []Value {
	if n > slabValues/4 {
		return make([]Value, n)
	}
	if n > len(s.vals) {
		s.vals = make([]Value, slabValues)
	}
	out := s.vals[:n:n]
	s.vals = s.vals[n:]
	return out
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
