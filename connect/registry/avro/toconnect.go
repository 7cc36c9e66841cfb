package avro

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// toConnect returns the Connect schema of an Avro schema; nil for schemaless data. version is the schema's own where it says none; 0 for none.
func (o options) toConnect(n *node, version int) (*connect.Schema, error) {
	r := reader{options: o, records: map[*node]*connect.Schema{}, open: map[*node]bool{}}
	s, err := r.schema(n, false, nil, version)
	if err != nil {
		return nil, fmt.Errorf("%w: the Avro schema has no form in Connect: %w", connect.ErrData, err)
	}
	return s, nil
}

// reader makes the Connect schemas of one Avro schema.
type reader struct {
	options
	records map[*node]*connect.Schema // those that are being read, and those that hold themselves
	open    map[*node]bool            // those that are being read
	unions  int
}

// schema returns the schema of a type. A field's default stands at the field, not at its type; where the type is a record around the field there is none, as
// in Java.
func (r *reader) schema(n *node, optional bool, fieldDefault []byte, version int) (*connect.Schema, error) {
	if isAnything(n) {
		return nil, nil
	}
	if n.kind == kindUnion {
		if member, nullable := r.simple(n); member != nil {
			return r.schema(member, nullable, nil, 0)
		}
	}
	s, err := r.described(n, version)
	if err != nil {
		return nil, err
	}
	if optional {
		s = s.With(connect.Optional())
	}
	if r.open[n] {
		return s, nil
	}
	var opts []connect.SchemaOption
	dflt := fieldDefault
	if dflt == nil {
		dflt = n.prop(defaultProp)
	} else if r.metadata && n.prop(defaultProp) == nil {
		opts = append(opts, connect.Param(fieldDefaultParam, "true"))
	}
	s = s.With(opts...)
	if dflt == nil {
		return s, nil
	}
	// As in Java a default that does not fit is none.
	if v, err := r.defaultValue(n, s, dflt); err == nil && !v.IsNull() {
		s = s.With(connect.DefaultValue(v))
	}
	return s, nil
}

// described returns the schema with all that its type says.
func (r *reader) described(n *node, version int) (*connect.Schema, error) {
	if n.kind == kindRecord {
		return r.record(n, version)
	}
	s, err := r.base(n)
	if err != nil {
		return nil, err
	}
	opts, err := r.attributes(n, s, version)
	return s.With(opts...), err
}

// simple returns the one type that a union has beside null, if it is no more than that.
func (o options) simple(n *node) (member *node, nullable bool) {
	switch null := n.null(); {
	case len(n.branches) == 1 && null < 0 && o.flatten:
		return n.branches[0], false
	case len(n.branches) == 2 && null >= 0:
		return n.branches[1-null], true
	}
	return nil, false
}

// base returns the schema with what its type alone says.
func (r *reader) base(n *node) (*connect.Schema, error) {
	switch n.kind {
	case kindBoolean:
		return connect.BooleanSchema, nil
	case kindFloat:
		return connect.Float32Schema, nil
	case kindDouble:
		return connect.Float64Schema, nil
	case kindString:
		return connect.StringSchema, nil
	case kindLong:
		if strings.EqualFold(n.text(logicalProp), "timestamp-millis") {
			return connect.TimestampSchema, nil
		}
		return connect.Int64Schema, nil
	case kindInt:
		return intSchema(n)
	case kindBytes, kindFixed:
		return bytesSchema(n), nil
	case kindEnum:
		return r.enum(n), nil
	case kindArray:
		return r.array(n)
	case kindMap:
		values, err := r.schema(n.items, false, nil, 0)
		return connect.MapSchema(connect.StringSchema, values), err
	case kindUnion:
		return r.union(n)
	}
	return nil, fmt.Errorf("a type of null alone")
}

func intSchema(n *node) (*connect.Schema, error) {
	switch logical := n.text(logicalProp); {
	case strings.EqualFold(logical, "date"):
		return connect.DateSchema, nil
	case strings.EqualFold(logical, "time-millis"):
		return connect.TimeSchema, nil
	case logical != "":
		return connect.Int32Schema, nil
	}
	switch typ := n.text(typeProp); typ {
	case "":
		return connect.Int32Schema, nil
	case "int8":
		return connect.Int8Schema, nil
	case "int16":
		return connect.Int16Schema, nil
	default:
		return nil, fmt.Errorf("an int with %s %q", typeProp, typ)
	}
}

func bytesSchema(n *node) *connect.Schema {
	s := connect.BytesSchema
	if strings.EqualFold(n.text(logicalProp), "decimal") {
		scale, _ := n.integer(scaleProp)
		s = connect.DecimalSchema(int32(scale))
		if precision, ok := n.integer(precisionProp); ok && precision != defaultPrecision {
			s = s.With(connect.Param(precisionParam, strconv.Itoa(precision)))
		}
	}
	if n.kind == kindFixed {
		s = s.With(connect.Param(fixedSizeParam, strconv.Itoa(n.size)))
	}
	return s
}

func (r *reader) enum(n *node) *connect.Schema {
	var opts []connect.SchemaOption
	if r.metadata && n.hasDoc {
		opts = append(opts, connect.Param(enumDocParam+n.name, n.doc))
	}
	if r.metadata && n.dflt != "" {
		opts = append(opts, connect.Param(enumDefaultParam+n.name, n.dflt))
	}
	param := enumParam
	if r.general {
		param = generalEnumParam
	}
	opts = append(opts, connect.Param(param, n.full()))
	for i, symbol := range n.symbols {
		value := symbol
		if r.general {
			value = strconv.Itoa(i)
		}
		opts = append(opts, connect.Param(param+"."+symbol, value))
	}
	return connect.NewSchema(connect.KindString, opts...)
}

func (r *reader) array(n *node) (*connect.Schema, error) {
	if !isEntry(n.items) {
		items, err := r.schema(n.items, false, nil, 0)
		return connect.ArraySchema(items), err
	}
	keys, err := r.schema(n.items.fields[0].node, false, nil, 0)
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	values, err := r.schema(n.items.fields[1].node, false, nil, 0)
	return connect.MapSchema(keys, values), err
}

// isEntry reports whether a record is an entry of a map whose keys are no strings.
func isEntry(n *node) bool {
	return n.kind == kindRecord && (n.full() == entryFull || n.text(internalProp) == entryName) && len(n.fields) == 2 &&
		n.fields[0].name == keyField && n.fields[1].name == valueField
}

// bare is the schema of a record of which nothing is known.
var bare = connect.StructSchema("")

func (r *reader) record(n *node, version int) (*connect.Schema, error) {
	if s := r.records[n]; s != nil {
		return s, nil
	}
	var opts []connect.SchemaOption
	if r.metadata && n.hasDoc {
		opts = append(opts, connect.Param(recordDocParam, n.doc))
	}
	for _, f := range n.fields {
		if r.metadata && f.hasDoc {
			opts = append(opts, connect.Param(fieldDocParam+f.name, f.doc))
		}
	}
	own, err := r.attributes(n, bare, version)
	if err != nil {
		return nil, err
	}
	declared := connect.DeclareStruct(append(opts, own...)...)
	r.records[n], r.open[n] = declared.Schema(), true
	defer delete(r.open, n)
	fields := make([]connect.Field, 0, len(n.fields))
	for _, f := range n.fields {
		s, err := r.schema(f.node, false, f.dflt, 0)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", f.name, err)
		}
		if params := propOf(f.props, parametersProp); r.metadata && params != nil && s != nil {
			own, err := paramsOf(params)
			if err != nil {
				return nil, fmt.Errorf("field %s: %w", f.name, err)
			}
			s = s.With(own...)
		}
		fields = append(fields, connect.F(f.name, s))
	}
	s, err := declared.Define(fields...)
	if err == nil && !s.Recursive() {
		delete(r.records, n)
	}
	return s, err
}

func (r *reader) union(n *node) (*connect.Schema, error) {
	name := unionName
	var opts []connect.SchemaOption
	if r.general {
		name = generalUnionName + strconv.Itoa(r.unions)
		r.unions++
		opts = append(opts, connect.Param(generalUnionParam, name))
	}
	opts = append(opts, connect.Named(name))
	var fields []connect.Field
	for i, b := range n.branches {
		if b.kind == kindNull {
			opts = append(opts, connect.Optional())
			continue
		}
		s, err := r.schema(b, true, nil, 0)
		if err != nil {
			return nil, fmt.Errorf("branch %s: %w", b.called(), err)
		}
		if s == nil {
			return nil, fmt.Errorf("a union with schemaless data")
		}
		fields = append(fields, connect.F(r.branchName(b, i), s))
	}
	return connect.BuildStructSchema(fields, opts...)
}

// branchName is the field of a union's struct for a branch.
func (r *reader) branchName(b *node, position int) string {
	switch {
	case r.general:
		return generalUnionField + strconv.Itoa(position)
	case b.kind.named() && !r.enhanced:
		return b.name
	}
	return b.called()
}

// attributes are what the properties say.
func (r *reader) attributes(n *node, s *connect.Schema, version int) (opts []connect.SchemaOption, err error) {
	if doc := n.prop(docProp); r.metadata && firstByte(doc) == '"' {
		opts = append(opts, connect.Doc(n.text(docProp)))
	}
	if n.prop(versionProp) != nil {
		v, ok := n.integer(versionProp)
		if !ok {
			return nil, fmt.Errorf("%s is %s", versionProp, n.prop(versionProp))
		}
		version = v
	}
	switch {
	case s.HasVersion() && version > 0 && version != s.Version() && n.prop(versionProp) != nil:
		return nil, fmt.Errorf("%s is %d for a %s", versionProp, version, s.Name())
	case !s.HasVersion() && (version > 0 || n.prop(versionProp) != nil):
		opts = append(opts, connect.Version(version))
	}
	if params := n.prop(parametersProp); r.metadata && params != nil {
		own, err := paramsOf(params)
		if err != nil {
			return nil, err
		}
		opts = append(opts, own...)
	}
	for _, p := range n.props {
		if strings.HasPrefix(p.key, ownProps) {
			text := string(p.json)
			if firstByte(p.json) == '"' {
				text = n.text(p.key)
			}
			opts = append(opts, connect.Param(p.key, text))
		}
	}
	name, ok := nameOf(n, s)
	switch {
	case !ok || strings.HasPrefix(name, defaultFull):
	case s.HasName() && s.Name() != name:
		return nil, fmt.Errorf("a %s that is named %s too", s.Name(), name)
	default:
		opts = append(opts, connect.Named(name))
	}
	return opts, nil
}

// nameOf is the name that Connect knows the type by.
func nameOf(n *node, s *connect.Schema) (string, bool) {
	switch {
	case firstByte(n.prop(nameProp)) == '"':
		return n.text(nameProp), true
	case n.kind == kindRecord || n.kind == kindEnum || n.kind == kindFixed && !s.HasName():
		return n.full(), true
	}
	return "", false
}

func paramsOf(raw []byte) ([]connect.SchemaOption, error) {
	var params map[string]string
	if err := json.Unmarshal(raw, &params); err != nil {
		return nil, fmt.Errorf("%s: %w", parametersProp, err)
	}
	opts := make([]connect.SchemaOption, 0, len(params))
	for key, value := range params {
		opts = append(opts, connect.Param(key, value))
	}
	return opts, nil
}

// defaultValue reads a default by way of its binary form.
func (o options) defaultValue(n *node, s *connect.Schema, json []byte) (connect.Value, error) {
	binary, err := encodeDefault(n, json)
	if err != nil {
		return connect.Value{}, err
	}
	d, err := (&resolver{options: o}).decoderOf(n, n, s)
	if err != nil {
		return connect.Value{}, err
	}
	v, err := d.value(&source{data: binary, spare: maxSpare})
	if err != nil {
		return connect.Value{}, err
	}
	return v, connect.CheckValue(s, v)
}
