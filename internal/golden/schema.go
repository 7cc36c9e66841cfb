package golden

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/sluice-connect/sluice/connect"
)

// schemaNotation is a schema as the golden files write it.
type schemaNotation struct {
	Type       string            `json:"type"`
	Optional   bool              `json:"optional,omitempty"`
	Name       *string           `json:"name,omitempty"`
	Version    *int              `json:"version,omitempty"`
	Doc        *string           `json:"doc,omitempty"`
	Parameters map[string]string `json:"parameters,omitempty"`
	Default    json.RawMessage   `json:"default,omitempty"`
	Keys       json.RawMessage   `json:"keys,omitempty"`
	Values     json.RawMessage   `json:"values,omitempty"`
	Fields     []fieldNotation   `json:"fields,omitempty"`
}

type fieldNotation struct {
	name   string
	schema json.RawMessage
}

func (f *fieldNotation) UnmarshalJSON(raw []byte) error {
	return json.Unmarshal(raw, &[]any{&f.name, &f.schema})
}

var kinds = map[string]connect.Kind{}

func init() {
	for k := connect.KindInt8; k <= connect.KindStruct; k++ {
		kinds[k.String()] = k
	}
}

// Schema decodes a schema; null, and nothing at all, is nil.
func Schema(raw json.RawMessage) (*connect.Schema, error) {
	if isNull(raw) {
		return nil, nil
	}
	var n schemaNotation
	if err := json.Unmarshal(raw, &n); err != nil {
		return nil, fmt.Errorf("reading schema %s: %w", raw, err)
	}
	s, err := n.bare()
	if err != nil || isNull(n.Default) {
		return s, err
	}
	dflt, err := Value(n.Default, s)
	if err != nil {
		return nil, fmt.Errorf("reading default: %w", err)
	}
	return s.With(connect.DefaultValue(dflt)), nil
}

// bare builds the schema without its default, which stands under that very schema.
func (n *schemaNotation) bare() (*connect.Schema, error) {
	kind, known := kinds[n.Type]
	if !known {
		return nil, fmt.Errorf("unknown schema type %q", n.Type)
	}
	keys, err := Schema(n.Keys)
	if err != nil {
		return nil, fmt.Errorf("reading keys: %w", err)
	}
	values, err := Schema(n.Values)
	if err != nil {
		return nil, fmt.Errorf("reading values: %w", err)
	}
	switch kind {
	case connect.KindArray:
		return connect.ArraySchema(values, n.options()...), nil
	case connect.KindMap:
		return connect.MapSchema(keys, values, n.options()...), nil
	case connect.KindStruct:
		return n.structure()
	}
	return connect.NewSchema(kind, n.options()...), nil
}

func (n *schemaNotation) structure() (*connect.Schema, error) {
	fields := make([]connect.Field, 0, len(n.Fields))
	for _, f := range n.Fields {
		schema, err := Schema(f.schema)
		if err != nil {
			return nil, fmt.Errorf("reading field %s: %w", f.name, err)
		}
		fields = append(fields, connect.F(f.name, schema))
	}
	return connect.BuildStructSchema(fields, n.options()...)
}

func (n *schemaNotation) options() []connect.SchemaOption {
	var opts []connect.SchemaOption
	if n.Optional {
		opts = append(opts, connect.Optional())
	}
	if n.Name != nil {
		opts = append(opts, connect.Named(*n.Name))
	}
	if n.Version != nil {
		opts = append(opts, connect.Version(*n.Version))
	}
	if n.Doc != nil {
		opts = append(opts, connect.Doc(*n.Doc))
	}
	for k, v := range n.Parameters {
		opts = append(opts, connect.Param(k, v))
	}
	return opts
}

// Describe writes a schema for the message of a failed test: near the notation, one line, the same text for equal schemas.
func Describe(s *connect.Schema) string {
	if s == nil {
		return "null"
	}
	text := s.Kind().String()
	if s.Optional() {
		text += "?"
	}
	if s.HasName() {
		text += fmt.Sprintf(" name=%q", s.Name())
	}
	if s.HasVersion() {
		text += fmt.Sprintf(" version=%d", s.Version())
	}
	if s.HasDoc() {
		text += fmt.Sprintf(" doc=%q", s.Doc())
	}
	params := make([]string, 0, len(s.Params()))
	for k, v := range s.Params() {
		params = append(params, fmt.Sprintf(" %s=%q", k, v))
	}
	slices.Sort(params)
	for _, p := range params {
		text += p
	}
	if !s.Default().IsNull() {
		text += fmt.Sprintf(" default=%s", s.Default())
	}
	switch s.Kind() {
	case connect.KindArray:
		text += " of (" + Describe(s.Elem()) + ")"
	case connect.KindMap:
		text += " of (" + Describe(s.Keys()) + ") to (" + Describe(s.Elem()) + ")"
	case connect.KindStruct:
		for _, f := range s.Fields() {
			text += fmt.Sprintf(" %s(%s)", f.Name, Describe(f.Schema))
		}
	}
	return text
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }
