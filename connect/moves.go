package connect

// Moves says which values of a struct or map become those of another. It never changes, and is safe for concurrent use.
type Moves struct {
	from    []int
	same    int  // how many at the beginning stay where they are
	inPlace bool // the others move to the front only
}

// NewMoves returns the moves by which the i-th value is what the from[i]-th was, null where from[i] is negative.
func NewMoves(from []int) *Moves {
	m := &Moves{from: from, inPlace: true}
	for m.same < len(from) && from[m.same] == m.same {
		m.same++
	}
	for i, f := range from {
		if f >= 0 && f < i {
			m.inPlace = false
		}
	}
	return m
}

// From returns where each value comes from, shared.
func (m *Moves) From() []int { return m.from }

// in moves vals, in place where that can be.
func (m *Moves) in(vals []Value) []Value {
	if m.same == len(m.from) && m.same == len(vals) {
		return vals
	}
	if !m.inPlace || len(m.from) > cap(vals) {
		out := make([]Value, len(m.from), len(m.from)+4)
		m.gather(out, vals)
		return out
	}
	n := max(len(vals), len(m.from))
	vals = vals[:n]
	for i := m.same; i < len(m.from); i++ {
		if f := m.from[i]; f < 0 {
			vals[i] = Value{}
		} else {
			vals[i] = vals[f]
		}
	}
	for i := len(m.from); i < n; i++ { // mostly one or none
		vals[i] = Value{}
	}
	return vals[:len(m.from)]
}

// gather fills the null values of out.
func (m *Moves) gather(out, vals []Value) {
	copy(out, vals[:m.same])
	for i := m.same; i < len(m.from); i++ {
		if f := m.from[i]; f >= 0 {
			out[i] = vals[f]
		}
	}
}
