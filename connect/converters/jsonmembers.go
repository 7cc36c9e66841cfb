package converters

import (
	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/jsontext"
)

// members are a struct's fields.
type members struct {
	schema *connect.Schema
	list   []member
}

// member is a field as it is written.
type member struct {
	name   memberName
	schema *connect.Schema
	kind   connect.Kind // of its values
	scalar bool         // they need nothing of the schema
}

func (c *JSON) membersOf(schema *connect.Schema) *members {
	if c.lastMembers.schema == schema {
		return c.lastMembers
	}
	all, known := c.members[schema]
	if !known {
		all = &members{schema: schema}
		for i, f := range schema.Fields() {
			all.list = append(all.list, newMember(i, f))
		}
		if len(c.members) >= c.options.CacheSize { // as in prefix
			clear(c.members)
		}
		c.members[schema] = all
	}
	c.lastMembers = all
	return all
}

func newMember(i int, f connect.Field) member {
	m := member{name: newMemberName(i, f.Name), schema: f.Schema, kind: f.Schema.Kind()}
	switch {
	case f.Schema.Name() == connect.TimestampName:
		m.kind, m.scalar = connect.KindInstant, true
	case isLogical(f.Schema):
	default:
		m.scalar = m.kind <= connect.KindBytes
	}
	return m
}

// memberName is a name as it is written, with the comma in front of it, if it is not the first, and the colon behind it: ,"name":
type memberName struct {
	text  string
	short [16]byte // the beginning of the text: most are no longer, and what has a fixed size is written in one move
}

func newMemberName(i int, name string) memberName {
	text := append(jsontext.AppendString([]byte{','}, name), ':')
	if i == 0 {
		text = text[1:]
	}
	n := memberName{text: string(text)}
	copy(n.short[:], text)
	return n
}

func (n *memberName) append(dst []byte) []byte {
	if at := len(dst); len(n.text) <= len(n.short) && cap(dst)-at >= len(n.short) {
		*(*[16]byte)(dst[at : at+16]) = n.short
		return dst[:at+len(n.text)]
	}
	return append(dst, n.text...)
}
