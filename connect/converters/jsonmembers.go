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
	name   string // with what stands around it: ,"name":
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
	m := member{name: memberName(i, f.Name), schema: f.Schema, kind: f.Schema.Kind()}
	switch {
	case f.Schema.Name() == connect.TimestampName:
		m.kind, m.scalar = connect.KindInstant, true
	case isLogical(f.Schema):
	default:
		m.scalar = m.kind <= connect.KindBytes
	}
	return m
}

// memberName is a name with the comma in front of it, if it is not the first, and the colon behind it.
func memberName(i int, name string) string {
	text := append(jsontext.AppendString([]byte{','}, name), ':')
	if i == 0 {
		text = text[1:]
	}
	return string(text)
}
