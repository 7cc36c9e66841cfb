package jsonschema

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sluice-connect/sluice/connect"
)

// translator makes Connect schemas of the parts of one document.
type translator struct {
	options
	document *document
	depth    int                    // of the part that is being translated
	parts    map[*byte]*translation // by where they begin: those that are being translated, and those that hold themselves
	pending  []*translation         // those that the next object or union is the schema of
	unions   int
}

// translation is what becomes of a part.
type translation struct {
	schema   *connect.Schema // nil where there is none yet to refer to
	nullable bool
	again    bool // it is within itself, and translated once more
}

const (
	// maxNesting bounds how deep a document is looked into.
	maxNesting = 100
	// maxDepth bounds how deep parts may be within each other, those that are referred to included.
	maxDepth = 5000
)

// place is a part of a document: references in it are looked up in home.
type place struct{ part, home json.RawMessage }

func (p place) at(key string) place { return place{member(p.part, key), p.home} }

// within translates a part that is within an object, a list or a union.
func (t *translator) within(p place, optional bool) (*connect.Schema, error) {
	before := t.pending
	t.pending = nil
	s, err := t.schema(p, 0, optional)
	t.pending = before
	return s, err
}

// schema translates a part. One that is within itself has the schema of the object or union that it will be; a list or map within itself is translated once
// more, and then meets what is in between.
func (t *translator) schema(p place, version int, optional bool) (*connect.Schema, error) {
	if len(p.part) == 0 {
		return nil, errAnything
	}
	if t.depth++; t.depth > maxDepth {
		return nil, fmt.Errorf("it is nested deeper than %d", maxDepth)
	}
	defer func() { t.depth-- }()
	s, err := t.translated(p, version)
	if err == nil && optional {
		s = s.With(connect.Optional())
	}
	return s, err
}

func (t *translator) translated(p place, version int) (*connect.Schema, error) {
	begin := &p.part[0]
	switch made := t.parts[begin]; {
	case made == nil:
		made = &translation{}
		t.parts[begin], t.pending = made, append(t.pending, made)
		s, err := t.content(p, version)
		if err != nil {
			return nil, err
		}
		if made.schema = s; !s.Recursive() {
			delete(t.parts, begin)
		}
		return s, nil
	case made.schema != nil:
		return made.schema, nil
	case made.again:
		return nil, errors.New("a part of it is itself, or a list of itself, with no object in between")
	default:
		made.again = true
		s, err := t.content(p, version)
		made.again = false
		return s, err
	}
}

// declare begins the schema of an object or a union, which is that of the pending parts.
func (t *translator) declare(opts []connect.SchemaOption) *connect.StructDeclaration {
	declared := connect.DeclareStruct(opts...)
	for _, p := range t.pending {
		if p.schema = declared.Schema(); p.nullable {
			p.schema = p.schema.With(connect.Optional())
		}
	}
	return declared
}
