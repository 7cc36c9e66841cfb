package avro

import (
	"strconv"

	"github.com/sluice-connect/sluice/connect/jsontext"
)

// text writes a schema as Java's org.apache.avro.Schema.toString does, attributes in its order: registries tell schemas apart by their text, and
// Sluice and Java must agree on it. Each named type is written once and is a name afterwards.
func (n *node) String() string {
	w := writer{seen: map[*node]bool{}}
	return string(w.append(nil, n, ""))
}

type writer struct{ seen map[*node]bool }

func (w writer) append(dst []byte, n *node, space string) []byte {
	if n.kind == kindUnion {
		dst = append(dst, '[')
		for i, b := range n.branches {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = w.append(dst, b, space)
		}
		return append(dst, ']')
	}
	if n.kind.named() {
		if w.seen[n] {
			if n.space == space {
				return jsontext.AppendString(dst, n.name)
			}
			return jsontext.AppendString(dst, n.full())
		}
		w.seen[n] = true
	} else if n.kind < kindArray && len(n.props) == 0 {
		return jsontext.AppendString(dst, n.kind.String())
	}
	dst = append(append(append(dst, `{"type":"`...), n.kind.String()...), '"')
	if n.kind.named() {
		dst = jsontext.AppendString(append(dst, `,"name":`...), n.name)
		if n.space != space {
			dst = jsontext.AppendString(append(dst, `,"namespace":`...), n.space)
		}
		if n.hasDoc {
			dst = jsontext.AppendString(append(dst, `,"doc":`...), n.doc)
		}
	}
	dst = w.appendContent(dst, n, space)
	return append(appendProps(dst, n.props), '}')
}

func (w writer) appendContent(dst []byte, n *node, space string) []byte {
	switch n.kind {
	case kindArray:
		return w.append(append(dst, `,"items":`...), n.items, space)
	case kindMap:
		return w.append(append(dst, `,"values":`...), n.items, space)
	case kindFixed:
		return strconv.AppendInt(append(dst, `,"size":`...), int64(n.size), 10)
	case kindEnum:
		dst = append(dst, `,"symbols":[`...)
		for i, s := range n.symbols {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = jsontext.AppendString(dst, s)
		}
		dst = append(dst, ']')
		if n.dflt != "" {
			dst = jsontext.AppendString(append(dst, `,"default":`...), n.dflt)
		}
	case kindRecord:
		dst = append(dst, `,"fields":[`...)
		for i, f := range n.fields {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = w.appendField(dst, f, n.space)
		}
		dst = append(dst, ']')
	}
	return dst
}

func (w writer) appendField(dst []byte, f field, space string) []byte {
	dst = jsontext.AppendString(append(dst, `{"name":`...), f.name)
	dst = w.append(append(dst, `,"type":`...), f.node, space)
	if f.hasDoc {
		dst = jsontext.AppendString(append(dst, `,"doc":`...), f.doc)
	}
	if f.dflt != nil {
		dst = append(append(dst, `,"default":`...), f.dflt...)
	}
	return append(appendProps(dst, f.props), '}')
}

func appendProps(dst []byte, props []prop) []byte {
	for _, p := range props {
		dst = append(jsontext.AppendString(append(dst, ','), p.key), ':')
		dst = append(dst, p.json...)
	}
	return dst
}
