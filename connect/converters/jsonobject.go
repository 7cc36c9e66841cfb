package converters

import (
	"encoding/binary"
	"math"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/jsontext"
	"github.com/sluice-connect/sluice/connect/values"
)

// shape is what objects with the same names in the same order have in common.
type shape struct {
	keys  *connect.Keys
	names []shapeName
}

// shapeName is a name as it stands before a value, with the comma in front of it: ,"name":
type shapeName struct {
	text string
	// Its first and, if it is longer, its last eight bytes, the first the lowest: most names are no more than these. What a short one lacks of eight is masked.
	head, mask, tail uint64
}

func newShapeName(text string) shapeName {
	n, padded := shapeName{text: text, mask: math.MaxUint64}, text+strings.Repeat("\x00", wordSize)
	n.head = binary.LittleEndian.Uint64([]byte(padded))
	if lacks := wordSize - len(text); lacks > 0 {
		n.mask >>= 8 * lacks
	} else {
		n.tail = binary.LittleEndian.Uint64([]byte(text[len(text)-wordSize:]))
	}
	return n
}

const wordSize = 8

// begins tells whether data begin with the name. At the end of data, within a word, it may say no where they do.
func (n *shapeName) begins(data []byte) bool {
	size := len(n.text)
	if len(data) < wordSize || len(data) < size || binary.LittleEndian.Uint64(data)&n.mask != n.head {
		return false
	}
	return size <= wordSize || binary.LittleEndian.Uint64(data[size-wordSize:]) == n.tail &&
		(size <= 2*wordSize || string(data[wordSize:size-wordSize]) == n.text[wordSize:size-wordSize])
}

// shapes are those that were met last: the objects of a stream mostly have one of few.
type shapes struct {
	kept   [shapesMost]shape
	count  int
	newest int // the one used last
	turn   int // the one that makes room for the next, when there are so many
	debt   int // what learning has cost that objects have not worked off
}

const (
	shapesMost = 16
	// shapeKeys and shapeText bound what is kept of one shape.
	shapeKeys = 128
	shapeText = 4 << 10
	// learning costs as much as it saves for so many objects. Where names are data, as in {"sensor-17":21.5}, nothing is ever met again: one object
	// in learning is learnt from then.
	learning    = 16
	learningMax = 4 * learning
)

// begin is the shape whose first name is what follows, the one used last first. It is a copy: objects within the object may put another in its place.
func (s *shapes) begin(d *decoder) (like shape, ok bool) {
	if s.debt > 0 {
		s.debt--
	}
	for i := range s.count {
		at := s.newest + i
		if at >= s.count {
			at -= s.count
		}
		if d.follows(s.kept[at].names[0].text[1:]) {
			s.newest = at
			return s.kept[at], true
		}
	}
	return shape{}, false
}

func (d *decoder) follows(text string) bool {
	rest := d.Data[d.At:]
	return len(rest) >= len(text) && string(rest[:len(text)]) == text
}

// instead is the shape that begins with the same n keys as another and goes on with a name or, where there is none, ends.
func (s *shapes) instead(of shape, n int, name string, more bool) (like shape, ok bool) {
	for i := range s.count {
		k := s.kept[i].keys
		if more && (k.Len() <= n || k.At(n).Str() != name) || !more && k.Len() != n {
			continue
		}
		same := true
		for at := 0; at < n && same; at++ {
			same = k.At(at).Str() == of.keys.At(at).Str()
		}
		if same {
			s.newest = i
			return s.kept[i], true
		}
	}
	return shape{}, false
}

// learn keeps the shape of a map that has none of those kept.
func (s *shapes) learn(m *connect.Map) {
	if s.debt >= learningMax || m.Len() == 0 || m.Len() > shapeKeys {
		return
	}
	s.debt += learning
	var text []byte
	ends := make([]int, 0, m.Len())
	for _, e := range m.Entries() {
		text = append(jsontext.AppendString(append(text, ','), e.Key.Str()), ':')
		ends = append(ends, len(text))
	}
	if len(text) > shapeText {
		return
	}
	all := string(text)
	next := shape{keys: m.Keys(), names: make([]shapeName, 0, m.Len())}
	for i := range ends {
		start := 0
		if i > 0 {
			start = ends[i-1]
		}
		next.names = append(next.names, newShapeName(all[start:ends[i]]))
	}
	at := s.count
	if at == shapesMost {
		at, s.turn = s.turn, (s.turn+1)%shapesMost
	} else {
		s.count++
	}
	s.kept[at], s.newest = next, at
}

// bareObject reads an object as a map. It takes it for one of a shape that it knows for as long as its names are those.
func (d *decoder) bareObject() (connect.Value, error) {
	more, err := d.Open('}')
	if err != nil {
		return connect.Value{}, err
	}
	if !more {
		return connect.MapOf(connect.NewMap(0)), nil
	}
	like, ok := d.shapes.begin(d)
	if !ok {
		name, err := d.Name()
		if err != nil {
			return connect.Value{}, err
		}
		return d.otherObject(connect.NewMap(4), name, true)
	}
	d.At += len(like.names[0].text) - 1
	m := d.room.Map(like.keys)
	for n := 0; ; {
		if n = d.likewise(like.names, m, n); n == len(like.names) {
			return connect.MapOf(m), nil
		}
		v, err := d.bare()
		if err != nil {
			return connect.Value{}, err
		}
		m.SetAt(n, v)
		if n++; n < len(like.names) && d.Take(like.names[n].text) {
			continue
		}
		if more, err = d.Next('}'); err != nil {
			return connect.Value{}, err
		}
		if !more && n == len(like.names) {
			return connect.MapOf(m), nil
		}
		name := ""
		if more {
			d.Peek()
			if n < len(like.names) && d.Take(like.names[n].text[1:]) {
				continue
			}
			if name, err = d.Name(); err != nil {
				return connect.Value{}, err
			}
			if n < len(like.names) && like.keys.At(n).Str() == name {
				continue
			}
		}
		next, ok := d.shapes.instead(like, n, name, more)
		if !ok {
			return d.otherObject(beginning(m, n), name, more)
		}
		other := d.room.Map(next.keys)
		for i := range n {
			other.SetAt(i, m.At(i))
		}
		like, m = next, other
		if !more {
			return connect.MapOf(m), nil
		}
	}
}

// likewise reads values from the n-th on for as long as they are scalars, with the names of a shape between them as they were written before, and the end of
// the object. It returns which value is next, and how many there are if the object has ended.
func (d *decoder) likewise(names []shapeName, m *connect.Map, n int) int {
	data, at := d.Data, d.At
	for {
		v, end := bareScalar(data, at)
		if end == 0 {
			break
		}
		m.SetAt(n, v)
		if n+1 < len(names) {
			if !names[n+1].begins(data[end:]) {
				break
			}
			n++
			at = end + len(names[n].text)
			continue
		}
		if end == len(data) || data[end] != '}' {
			break
		}
		d.At = end + 1
		d.Depth--
		return n + 1
	}
	d.At = at
	return n
}

// beginning is a map of the first n entries of another.
func beginning(m *connect.Map, n int) *connect.Map {
	out := connect.NewMap(n + 4)
	for i := range n {
		out.Put(m.Keys().At(i), m.At(i))
	}
	return out
}

// otherObject reads an object of no known shape: m is what there is of it, and name, if there is more, the name of its next member. Its keys may be kept
// longer than its record, so their text is not the record's.
func (d *decoder) otherObject(m *connect.Map, name string, more bool) (connect.Value, error) {
	for more {
		v, err := d.bare()
		if err != nil {
			return connect.Value{}, err
		}
		m.Put(connect.String(values.Valid(d.cut(len(name), append(d.rawRoom(len(name)), name...)))), v)
		if more, err = d.Next('}'); err != nil {
			return connect.Value{}, err
		}
		if !more {
			break
		}
		if name, err = d.Name(); err != nil {
			return connect.Value{}, err
		}
	}
	d.shapes.learn(m)
	return connect.MapOf(m), nil
}
