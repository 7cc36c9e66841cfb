package avro

import (
	"slices"

	"github.com/sluice-connect/sluice/connect/jsontext"
)

// kind is a type of Avro.
type kind uint8

const (
	kindNull kind = iota
	kindBoolean
	kindInt
	kindLong
	kindFloat
	kindDouble
	kindString
	kindBytes
	kindArray
	kindMap
	kindRecord
	kindEnum
	kindFixed
	kindUnion
)

var kindNames = [...]string{
	"null", "boolean", "int", "long", "float", "double", "string", "bytes", "array", "map", "record", "enum", "fixed", "union",
}

func (k kind) String() string { return kindNames[k] }

// named reports whether types of the kind have names, by which a schema refers to them.
func (k kind) named() bool { return k == kindRecord || k == kindEnum || k == kindFixed }

// node is a type within an Avro schema. A record that contains itself makes a circle of nodes. Nodes do not change once they are built.
type node struct {
	kind    kind
	space   string // namespace of a named type
	name    string // without the namespace
	aliases []string
	doc     string
	hasDoc  bool

	fields   []field
	items    *node   // elements of an array, values of a map
	branches []*node // of a union
	symbols  []string
	dflt     string // an enum's default symbol, "" for none
	size     int    // of a fixed

	props []prop
}

// field is a member of a record.
type field struct {
	name    string
	aliases []string
	node    *node
	doc     string
	hasDoc  bool
	dflt    []byte // JSON; nil for none
	props   []prop
}

// prop is a property that Avro itself gives no meaning, or a logical type's.
type prop struct {
	key  string
	json []byte
}

// full is the name with the namespace.
func (n *node) full() string {
	if n.space == "" {
		return n.name
	}
	return n.space + "." + n.name
}

// called is the name of a named type, or of its kind: what tells the branches of a union apart.
func (n *node) called() string {
	if n.kind.named() {
		return n.full()
	}
	return n.kind.String()
}

// record is the full name of a record, "" for other types.
func (n *node) record() string {
	if n.kind == kindRecord {
		return n.full()
	}
	return ""
}

// prop returns a property's JSON, nil where there is none.
func (n *node) prop(key string) []byte { return propOf(n.props, key) }

func propOf(props []prop, key string) []byte {
	for _, p := range props {
		if p.key == key {
			return p.json
		}
	}
	return nil
}

// set adds a property, unless it is there.
func (n *node) set(key string, json []byte) {
	if n.prop(key) == nil {
		n.props = append(n.props, prop{key, json})
	}
}

func (n *node) setText(key, text string) { n.set(key, jsontext.AppendString(nil, text)) }

// text returns a property that is a string; "" for any other.
func (n *node) text(key string) string {
	s := jsontext.Scanner{Data: n.prop(key)}
	if s.Peek() != '"' {
		return ""
	}
	text, err := s.Text()
	if err != nil {
		return ""
	}
	return text
}

// integer returns a property that is a whole number.
func (n *node) integer(key string) (v int, ok bool) {
	s := jsontext.Scanner{Data: n.prop(key)}
	switch c := s.Peek(); {
	case c == '-' || c >= '0' && c <= '9':
		number, err := s.Number()
		if err != nil {
			return 0, false
		}
		short, ok := number.Int32()
		return int(short), ok
	}
	return 0, false
}

// index is the position of a field by its name, or -1.
func (n *node) index(name string) int {
	return slices.IndexFunc(n.fields, func(f field) bool { return f.name == name })
}

// null is the position of null in a union, or -1.
func (n *node) null() int {
	return slices.IndexFunc(n.branches, func(b *node) bool { return b.kind == kindNull })
}
