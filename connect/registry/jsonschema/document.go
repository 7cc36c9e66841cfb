package jsonschema

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/connect/jsontext"
	"github.com/sluice-connect/sluice/connect/registry"
)

// document is a JSON Schema with those it refers to by name.
type document struct {
	root   json.RawMessage
	others map[string]json.RawMessage
	found  map[reference]place
}

// reference is a text in $ref, and where the document begins that it stands in.
type reference struct {
	home *byte
	text string
}

func newDocument(stored registry.Schema) (*document, error) {
	d := &document{root: json.RawMessage(stored.Text), others: map[string]json.RawMessage{}, found: map[reference]place{}}
	if !json.Valid(d.root) {
		return nil, errors.New("the JSON Schema is no JSON")
	}
	for _, ref := range stored.References {
		raw := json.RawMessage(ref.Text)
		if !json.Valid(raw) {
			return nil, fmt.Errorf("the schema %s, to which another refers, is no JSON", ref.Name)
		}
		d.others[ref.Name] = raw
		if id := text(raw, "$id"); id != "" {
			d.others[id] = raw
		}
	}
	return d, nil
}

// find follows a reference: a document by its name or id, a JSON pointer into it or into the document at hand, or an id within that.
func (d *document) find(from place, ref string) (place, error) {
	by := reference{&from.home[0], ref}
	if found, ok := d.found[by]; ok {
		return found, nil
	}
	found, err := d.look(from, ref)
	if err == nil {
		d.found[by] = found
	}
	return found, err
}

func (d *document) look(from place, ref string) (place, error) {
	name, fragment, _ := strings.Cut(ref, "#")
	home := from.home
	if name != "" && name != text(home, "$id") {
		other, ok := d.others[name]
		if !ok {
			return place{}, fmt.Errorf("it refers to %s, which is not among its references", ref)
		}
		home = other
	}
	if fragment == "" {
		return place{home, home}, nil
	}
	if !strings.HasPrefix(fragment, "/") {
		if found := byID(home, fragment, 0); found != nil {
			return place{found, home}, nil
		}
		return place{}, fmt.Errorf("it refers to %s, which is not there", ref)
	}
	part := home
	for _, step := range strings.Split(fragment[1:], "/") {
		if plain, err := url.PathUnescape(step); err == nil {
			step = plain
		}
		step = strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
		if part = into(part, step); part == nil {
			return place{}, fmt.Errorf("it refers to %s, which is not there", ref)
		}
	}
	return place{part, home}, nil
}

func into(part json.RawMessage, step string) json.RawMessage {
	if i, err := strconv.Atoi(step); err == nil {
		if elements := elements(part); i >= 0 && i < len(elements) {
			return elements[i]
		}
	}
	return member(part, step)
}

// byID looks for a part with an id or an anchor.
func byID(part json.RawMessage, id string, depth int) json.RawMessage {
	if depth > maxNesting {
		return nil
	}
	if own := text(part, "$id"); own == "#"+id || text(part, "id") == "#"+id || text(part, "$anchor") == id {
		return part
	}
	for _, m := range members(part) {
		if found := byID(m.raw, id, depth+1); found != nil {
			return found
		}
	}
	for _, e := range elements(part) {
		if found := byID(e, id, depth+1); found != nil {
			return found
		}
	}
	return nil
}

// named is a member of an object.
type named struct {
	name string
	raw  json.RawMessage
}

// members are an object's in order, parts of it; nil for what is no object.
func members(raw json.RawMessage) []named {
	s := jsontext.Scanner{Data: raw}
	if s.Peek() != '{' {
		return nil
	}
	var out []named
	more, err := s.Open('}')
	for more && err == nil {
		var name string
		if name, err = s.Name(); err != nil {
			return nil
		}
		s.Peek()
		start := s.At
		if err = s.Skip(); err != nil {
			return nil
		}
		out = append(out, named{name, raw[start:s.At]})
		more, err = s.Next('}')
	}
	if err != nil {
		return nil
	}
	return out
}

// member is one of an object, nil where it has none.
func member(raw json.RawMessage, name string) json.RawMessage {
	for _, m := range members(raw) {
		if m.name == name {
			return m.raw
		}
	}
	return nil
}

// elements are a list's, parts of it; nil for what is no list.
func elements(raw json.RawMessage) []json.RawMessage {
	s := jsontext.Scanner{Data: raw}
	if s.Peek() != '[' {
		return nil
	}
	out := []json.RawMessage{}
	more, err := s.Open(']')
	for more && err == nil {
		s.Peek()
		start := s.At
		if err = s.Skip(); err != nil {
			return nil
		}
		out = append(out, raw[start:s.At])
		more, err = s.Next(']')
	}
	if err != nil {
		return nil
	}
	return out
}

func list(raw json.RawMessage, name string) []json.RawMessage { return elements(member(raw, name)) }

// text is a member that is a string, "" for any other.
func text(raw json.RawMessage, name string) string {
	s := jsontext.Scanner{Data: member(raw, name)}
	if s.Peek() != '"' {
		return ""
	}
	text, err := s.Text()
	if err != nil {
		return ""
	}
	return text
}

// integer is a member that is a whole number.
func integer(raw json.RawMessage, name string) (v int, ok bool) {
	s := jsontext.Scanner{Data: member(raw, name)}
	if !isNumber(s.Peek()) {
		return 0, false
	}
	n, err := s.Number()
	if err != nil {
		return 0, false
	}
	short, ok := n.Int32()
	return int(short), ok
}

// with is an object with one member replaced.
func with(raw json.RawMessage, name string, v json.RawMessage) json.RawMessage {
	out := []byte{'{'}
	for i, m := range members(raw) {
		if i > 0 {
			out = append(out, ',')
		}
		if m.name == name {
			m.raw = v
		}
		out = append(append(jsontext.AppendString(out, m.name), ':'), m.raw...)
	}
	return append(out, '}')
}
