package connect

import (
	"fmt"
	"strings"
	"sync"
)

// Attr is one member of a source partition or of a source offset: a name and a string, number, boolean, bytes or null.
type Attr struct {
	Name  string
	Value Value
}

// Partition names one stream of a source, within which order is kept and an offset is stored: a file, a table, a
// session. Partitions are interned: a task gets each once from [SourceContext.Partition] and compares them by pointer.
type Partition struct {
	attrs []Attr
	index int
}

// Attrs returns the members in the order in which they were given, shared.
func (p *Partition) Attrs() []Attr { return p.attrs }

// Index numbers the partitions of one task from 0 in the order of their first mention. The runtime keeps its state of a partition
// under it.
func (p *Partition) Index() int { return p.index }

// Get returns a member's value, or null.
func (p *Partition) Get(name string) Value { return get(p.attrs, name) }

// String formats p for people.
func (p *Partition) String() string { return formatAttrs(p.attrs) }

// Partitions interns the partitions of one task. It is safe for concurrent use.
type Partitions struct {
	mu   sync.Mutex
	seen map[string]*Partition
	all  []*Partition
}

// Intern returns the partition with these members, the same pointer for the same members in the same order.
func (t *Partitions) Intern(attrs ...Attr) *Partition {
	key := internKey(attrs)
	t.mu.Lock()
	defer t.mu.Unlock()
	if p, ok := t.seen[key]; ok {
		return p
	}
	if t.seen == nil {
		t.seen = map[string]*Partition{}
	}
	p := &Partition{attrs: append([]Attr(nil), attrs...), index: len(t.all)}
	t.seen[key] = p
	t.all = append(t.all, p)
	return p
}

// Strings turns names and values in turn ("filename", path, ...) into members; an odd last name has an empty value.
func Strings(kv ...string) []Attr {
	attrs := make([]Attr, 0, (len(kv)+1)/2)
	for i := 0; i < len(kv); i += 2 {
		a := Attr{Name: kv[i], Value: String("")}
		if i+1 < len(kv) {
			a.Value = String(kv[i+1])
		}
		attrs = append(attrs, a)
	}
	return attrs
}

// internKey is text that differs whenever a name, a kind or a value does.
func internKey(attrs []Attr) string {
	var b strings.Builder
	for _, a := range attrs {
		text := a.Value.String()
		fmt.Fprintf(&b, "%d:%s%c%d:%s", len(a.Name), a.Name, 'a'+rune(a.Value.Kind()), len(text), text)
	}
	return b.String()
}

// Offset is a place in a source partition: where to go on. The zero Offset means that nothing is known: a partition that never
// ran.
type Offset struct {
	first Attr
	more  []Attr
	set   bool
}

// At is the offset with one number, the form that most sources need.
func At(name string, n int64) Offset {
	return Offset{first: Attr{Name: name, Value: Int64(n)}, set: true}
}

// NewOffset is the offset with these members. Without members it is an empty one, which is not the zero Offset.
func NewOffset(attrs ...Attr) Offset {
	if len(attrs) == 0 {
		return Offset{set: true}
	}
	return Offset{first: attrs[0], more: attrs[1:], set: true}
}

// IsZero reports whether nothing is known.
func (o Offset) IsZero() bool { return !o.set }

// Attrs returns the members in order.
func (o Offset) Attrs() []Attr {
	if o.first.Name == "" && o.first.Value.IsNull() && len(o.more) == 0 {
		return nil
	}
	return append([]Attr{o.first}, o.more...)
}

// Get returns a member's value, or null.
func (o Offset) Get(name string) Value {
	if o.set && o.first.Name == name {
		return o.first.Value
	}
	return get(o.more, name)
}

// Int64 returns the first member's number, 0 where there is none: what [At] was given.
func (o Offset) Int64() int64 {
	switch o.first.Value.Kind() {
	case KindInt8, KindInt16, KindInt32, KindInt64, KindInstant:
		return o.first.Value.Int64()
	}
	return 0
}

// String formats o for people.
func (o Offset) String() string {
	if !o.set {
		return "none"
	}
	return formatAttrs(o.Attrs())
}

func get(attrs []Attr, name string) Value {
	for _, a := range attrs {
		if a.Name == name {
			return a.Value
		}
	}
	return Value{}
}

func formatAttrs(attrs []Attr) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, a := range attrs {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(a.Name)
		b.WriteByte('=')
		b.WriteString(a.Value.String())
	}
	b.WriteByte('}')
	return b.String()
}
