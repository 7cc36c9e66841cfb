package avro

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect/registry"
)

// maxNesting bounds how deep a schema may be nested.
const maxNesting = 200

// parse reads a schema with those it refers to. Defaults are not checked, as Confluent's readers do not check them.
func parse(text string, references []registry.Reference) (*node, error) {
	p := parser{named: map[string]*node{}}
	for _, ref := range references {
		if _, err := p.root(ref.Text); err != nil {
			return nil, fmt.Errorf("the Avro schema %s, to which another refers: %w", ref.Name, err)
		}
	}
	n, err := p.root(text)
	if err != nil {
		return nil, fmt.Errorf("reading an Avro schema: %w", err)
	}
	return n, nil
}

// parser builds nodes from JSON.
type parser struct {
	named map[string]*node
	depth int
}

// attributes are the members of a JSON object.
type attributes map[string]json.RawMessage

func (p *parser) root(text string) (*node, error) {
	raw := json.RawMessage(text)
	if !json.Valid(raw) {
		// Registries also keep the bare name of a primitive type.
		raw, _ = json.Marshal(strings.TrimSpace(text))
	}
	return p.node(raw, "")
}

func (p *parser) node(raw json.RawMessage, space string) (*node, error) {
	if p.depth++; p.depth > maxNesting {
		return nil, fmt.Errorf("more than %d levels", maxNesting)
	}
	defer func() { p.depth-- }()
	switch firstByte(raw) {
	case '"':
		var name string
		if err := json.Unmarshal(raw, &name); err != nil {
			return nil, err
		}
		return p.reference(name, space)
	case '[':
		return p.union(raw, space)
	case '{':
		var a attributes
		if err := json.Unmarshal(raw, &a); err != nil {
			return nil, err
		}
		return p.object(a, space)
	}
	return nil, fmt.Errorf("no type: %.60s", raw)
}

func firstByte(raw json.RawMessage) byte {
	for _, c := range raw {
		if c > ' ' {
			return c
		}
	}
	return 0
}

// reference finds a type by its name.
func (p *parser) reference(name, space string) (*node, error) {
	if k := slices.Index(kindNames[:kindArray], name); k >= 0 {
		return &node{kind: kind(k)}, nil
	}
	if space != "" && !strings.Contains(name, ".") {
		if n := p.named[space+"."+name]; n != nil {
			return n, nil
		}
	}
	if n := p.named[name]; n != nil {
		return n, nil
	}
	return nil, fmt.Errorf("unknown type %q", name)
}

func (p *parser) union(raw json.RawMessage, space string) (*node, error) {
	var branches []json.RawMessage
	if err := json.Unmarshal(raw, &branches); err != nil {
		return nil, err
	}
	n := &node{kind: kindUnion}
	seen := map[string]bool{}
	for _, b := range branches {
		branch, err := p.node(b, space)
		if err != nil {
			return nil, err
		}
		if branch.kind == kindUnion {
			return nil, fmt.Errorf("a union directly within a union")
		}
		if seen[branch.called()] {
			return nil, fmt.Errorf("a union with %s twice", branch.called())
		}
		seen[branch.called()] = true
		n.branches = append(n.branches, branch)
	}
	return n, nil
}

func (p *parser) object(a attributes, space string) (*node, error) {
	if firstByte(a["type"]) != '"' { // {"type": {...}}, with nothing that counts beside it
		return p.node(a["type"], space)
	}
	typ := a.text("type")
	n := &node{doc: a.text("doc"), hasDoc: firstByte(a["doc"]) == '"'}
	var err error
	switch typ {
	case "array", "map":
		n.kind = kindArray
		inner := a["items"]
		if typ == "map" {
			n.kind, inner = kindMap, a["values"]
		}
		if n.items, err = p.node(inner, space); err != nil {
			return nil, fmt.Errorf("%s: %w", typ, err)
		}
	case "record", "error":
		n.kind = kindRecord
		err = p.record(n, a, space)
	case "enum":
		n.kind, n.dflt = kindEnum, a.text("default")
		if err = p.define(n, a, space); err == nil {
			err = json.Unmarshal(a["symbols"], &n.symbols)
		}
	case "fixed":
		n.kind = kindFixed
		if err = p.define(n, a, space); err == nil {
			err = json.Unmarshal(a["size"], &n.size)
		}
		if err == nil && (n.size < 0 || n.size > 1<<30) {
			err = fmt.Errorf("fixed %s: its size is %d", n.full(), n.size)
		}
	default:
		var found *node
		if found, err = p.reference(typ, space); err != nil {
			return nil, err
		}
		if found.kind.named() {
			return found, nil
		}
		n.kind = found.kind
	}
	if err != nil {
		return nil, err
	}
	n.props = a.props("type", "name", "namespace", "doc", "aliases", "fields", "symbols", "items", "values", "size")
	if n.kind == kindEnum {
		n.props = slices.DeleteFunc(n.props, func(p prop) bool { return p.key == "default" })
	}
	return n, nil
}

// define gives a type its name, by which what follows may refer to it.
func (p *parser) define(n *node, a attributes, space string) error {
	name := a.text("name")
	if firstByte(a["namespace"]) == '"' {
		space = a.text("namespace")
	}
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
		space, name = name[:dot], name[dot+1:]
	}
	if name == "" {
		return fmt.Errorf("a %s without a name", n.kind)
	}
	n.space, n.name, n.aliases = space, name, a.texts("aliases")
	if p.named[n.full()] != nil {
		return fmt.Errorf("%s is defined twice", n.full())
	}
	p.named[n.full()] = n
	return nil
}

func (p *parser) record(n *node, a attributes, space string) error {
	if err := p.define(n, a, space); err != nil {
		return err
	}
	var fields []attributes
	if err := json.Unmarshal(a["fields"], &fields); err != nil {
		return fmt.Errorf("record %s: its fields: %w", n.full(), err)
	}
	for _, f := range fields {
		name := f.text("name")
		if n.index(name) >= 0 {
			return fmt.Errorf("record %s has two fields %q", n.full(), name)
		}
		typ, err := p.node(f["type"], n.space)
		if err != nil {
			return fmt.Errorf("record %s: field %s: %w", n.full(), name, err)
		}
		n.fields = append(n.fields, field{
			name: name, aliases: f.texts("aliases"), node: typ, doc: f.text("doc"), hasDoc: firstByte(f["doc"]) == '"', dflt: f["default"],
			props: f.props("name", "type", "doc", "default", "aliases", "order"),
		})
	}
	return nil
}

// text is a member that is a string; "" for any other.
func (a attributes) text(key string) (text string) {
	if firstByte(a[key]) != '"' || json.Unmarshal(a[key], &text) != nil {
		return ""
	}
	return text
}

func (a attributes) texts(key string) (texts []string) {
	if json.Unmarshal(a[key], &texts) != nil {
		return nil
	}
	return texts
}

// props are the members without a meaning in Avro, sorted.
func (a attributes) props(without ...string) []prop {
	var out []prop
	for _, key := range slices.Sorted(maps.Keys(a)) {
		if !slices.Contains(without, key) {
			out = append(out, prop{key, a[key]})
		}
	}
	return out
}
