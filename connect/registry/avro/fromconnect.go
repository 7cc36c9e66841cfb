package avro

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/jsontext"
)

// fromConnect returns the Avro schema of a Connect schema; nil is schemaless data.
func (o options) fromConnect(s *connect.Schema) (*node, error) {
	if s == nil {
		return anything, nil
	}
	b := builder{options: o, made: map[string]made{}, seen: map[string]bool{}, unions: map[*connect.Schema]bool{}}
	n, err := b.build(s)
	if err != nil {
		return nil, fmt.Errorf("%w: the schema does not fit Avro: %w", connect.ErrData, err)
	}
	return n, nil
}

// builder makes the nodes of one schema.
type builder struct {
	options
	made    map[string]made          // named types by their full names
	unnamed []made                   // records without a name of their own
	seen    map[string]bool          // names of fields' schemas
	unions  map[*connect.Schema]bool // those that are being built
}

type made struct {
	schema *connect.Schema
	node   *node
}

// build returns the node of a schema, a union with null where it is optional. With a default, which must be of a union's first type, null comes second.
func (b *builder) build(s *connect.Schema) (*node, error) {
	if s == nil {
		return anything, nil
	}
	if isUnion(s) {
		return b.union(s)
	}
	n, err := b.required(s)
	if err != nil || !s.Optional() {
		return n, err
	}
	null := &node{kind: kindNull}
	if !s.Default().IsNull() && s.Kind() != connect.KindStruct {
		return &node{kind: kindUnion, branches: []*node{n, null}}, nil
	}
	return &node{kind: kindUnion, branches: []*node{null, n}}, nil
}

// union refuses one that holds itself with no record in between, by whose name Avro could refer to it.
func (b *builder) union(s *connect.Schema) (*node, error) {
	if b.unions[s] {
		return nil, errors.New("a union holds itself without a record in between, which Avro cannot describe")
	}
	b.unions[s] = true
	defer delete(b.unions, s)
	n := &node{kind: kindUnion}
	if s.Optional() {
		n.branches = append(n.branches, &node{kind: kindNull})
	}
	for _, f := range s.Fields() {
		if f.Schema == nil {
			return nil, fmt.Errorf("branch %s is schemaless", f.Name)
		}
		branch, err := b.required(f.Schema)
		if err != nil {
			return nil, fmt.Errorf("branch %s: %w", f.Name, err)
		}
		n.branches = append(n.branches, branch)
	}
	return n, nil
}

// required returns the node of what is not null.
func (b *builder) required(s *connect.Schema) (*node, error) {
	n, err := b.base(s)
	if err != nil || n.props != nil { // one that was built before, or a record, which may hold itself
		return n, err
	}
	b.describe(n, s)
	return n, nil
}

// base returns the node without its properties.
func (b *builder) base(s *connect.Schema) (*node, error) {
	switch s.Kind() {
	case connect.KindInt8, connect.KindInt16, connect.KindInt32:
		return &node{kind: kindInt}, nil
	case connect.KindInt64:
		return &node{kind: kindLong}, nil
	case connect.KindFloat32:
		return &node{kind: kindFloat}, nil
	case connect.KindFloat64:
		return &node{kind: kindDouble}, nil
	case connect.KindBoolean:
		return &node{kind: kindBoolean}, nil
	case connect.KindString:
		if param, ok := b.asEnum(s); ok {
			return b.enum(s, param)
		}
		return &node{kind: kindString}, nil
	case connect.KindBytes:
		return b.bytes(s)
	case connect.KindArray:
		items, err := b.build(s.Elem())
		return &node{kind: kindArray, items: items}, err
	case connect.KindMap:
		return b.mapping(s)
	}
	return b.record(s)
}

// name makes n the type of a full name. Where such a type was built from a schema of the same content, that one is returned.
func (b *builder) name(n *node, full string, s *connect.Schema) (before *node, err error) {
	n.space, n.name = split(full, b.scrub)
	if m, ok := b.made[n.full()]; ok {
		if !sameContent(m.schema, s) {
			return nil, fmt.Errorf("two different schemas are named %s", n.full())
		}
		return m.node, nil
	}
	b.made[n.full()] = made{s, n}
	return nil, nil
}

// sameContent compares what makes an Avro type, without what Connect says beyond it.
func sameContent(s, o *connect.Schema) bool {
	content := func(s *connect.Schema) map[string]string {
		out := maps.Clone(s.Params())
		maps.DeleteFunc(out, func(key, _ string) bool {
			return key != fixedSizeParam && !strings.HasPrefix(key, enumParam) && !strings.HasPrefix(key, generalEnumParam)
		})
		return out
	}
	return s.Kind() == o.Kind() && maps.Equal(content(s), content(o)) && s.Keys().Equal(o.Keys()) && s.Elem().Equal(o.Elem()) &&
		slices.EqualFunc(s.Fields(), o.Fields(), func(f, g connect.Field) bool { return f.Name == g.Name && f.Schema.Equal(g.Schema) })
}

// enum goes by the parameters: the symbols are in the order of their numbers, or sorted, since parameters here have no order.
func (b *builder) enum(s *connect.Schema, param string) (*node, error) {
	full, ok := s.Params()[param]
	if !ok {
		return nil, fmt.Errorf("an enum without the parameter %s", param)
	}
	n := &node{kind: kindEnum}
	if before, err := b.name(n, full, s); before != nil || err != nil {
		return before, err
	}
	numbers := map[string]int{}
	for key, number := range s.Params() {
		if symbol, ok := strings.CutPrefix(key, param+"."); ok {
			n.symbols = append(n.symbols, symbol)
			numbers[symbol], _ = strconv.Atoi(number)
		}
	}
	slices.SortFunc(n.symbols, func(x, y string) int {
		if d := numbers[x] - numbers[y]; d != 0 {
			return d
		}
		return strings.Compare(x, y)
	})
	_, short := split(s.Name(), b.scrub)
	n.doc, n.hasDoc = s.Params()[enumDocParam+short]
	n.dflt = s.Params()[enumDefaultParam+short]
	return n, nil
}

func (b *builder) bytes(s *connect.Schema) (*node, error) {
	if !isFixed(s) {
		return &node{kind: kindBytes}, nil
	}
	size, err := strconv.Atoi(s.Params()[fixedSizeParam])
	if err != nil || size < 0 {
		return nil, fmt.Errorf("the parameter %s is %q", fixedSizeParam, s.Params()[fixedSizeParam])
	}
	n := &node{kind: kindFixed, size: size}
	before, err := b.name(n, s.Name(), s)
	if before != nil || err != nil {
		return before, err
	}
	return n, nil
}

// mapping falls back to a list of records where keys are no strings.
func (b *builder) mapping(s *connect.Schema) (*node, error) {
	if b.isPlainMap(s) {
		values, err := b.build(s.Elem())
		return &node{kind: kindMap, items: values}, err
	}
	full := entryFull
	n := &node{kind: kindRecord}
	if s.HasName() {
		full = s.Name()
		n.setText(internalProp, entryName)
	}
	if before, err := b.name(n, full, s); before != nil || err != nil {
		return &node{kind: kindArray, items: before}, err
	}
	for _, f := range []connect.Field{connect.F(keyField, s.Keys()), connect.F(valueField, s.Elem())} {
		if err := b.field(n, f, "", false); err != nil {
			return nil, err
		}
	}
	return &node{kind: kindArray, items: n}, nil
}

func (b *builder) record(s *connect.Schema) (*node, error) {
	n := &node{kind: kindRecord}
	if s.HasName() {
		if before, err := b.name(n, s.Name(), s); before != nil || err != nil {
			return before, err
		}
	} else {
		for _, m := range b.unnamed {
			if sameContent(m.schema, s) {
				return m.node, nil
			}
		}
		n.space, n.name = namespace, defaultName
		if len(b.unnamed) > 0 {
			n.name += strconv.Itoa(len(b.unnamed) + 1)
		}
		b.unnamed = append(b.unnamed, made{s, n})
	}
	b.describe(n, s)
	n.doc, n.hasDoc = s.Params()[recordDocParam]
	for _, f := range s.Fields() {
		doc, hasDoc := s.Params()[fieldDocParam+f.Name]
		if err := b.field(n, f, doc, hasDoc); err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Name, err)
		}
	}
	return n, nil
}

func (b *builder) field(into *node, f connect.Field, doc string, hasDoc bool) error {
	out := field{name: f.Name, doc: doc, hasDoc: hasDoc}
	if b.scrub {
		out.name = scrubbed(f.Name)
	}
	if into.index(out.name) >= 0 {
		return fmt.Errorf("another field is named %s too", out.name)
	}
	again := false
	if f.Schema != nil && f.Schema.HasName() {
		again = b.seen[f.Schema.Name()]
		b.seen[f.Schema.Name()] = true
	}
	n, err := b.build(f.Schema)
	if err != nil {
		return err
	}
	out.node = n
	switch s := f.Schema; {
	case s == nil:
	case !s.Default().IsNull():
		out.dflt = b.fieldDefault(s)
	case s.Optional():
		out.dflt = []byte("null")
	}
	// A type that is written as its name only cannot say where this field's parameters differ.
	if again && b.metadata && containsNamed(n) {
		if params := parameters(f.Schema); params != nil {
			out.props = append(out.props, prop{parametersProp, params})
		}
	}
	into.fields = append(into.fields, out)
	return nil
}

// fieldDefault leaves out what would be no default of the field's type.
func (b *builder) fieldDefault(s *connect.Schema) []byte {
	if s.Optional() && s.Kind() == connect.KindStruct {
		return nil
	}
	return b.defaultJSON(s, s.Default())
}

func containsNamed(n *node) bool {
	return n.kind.named() || slices.ContainsFunc(n.branches, func(b *node) bool { return b.kind.named() })
}

// describe adds the properties, in Java's order.
func (b *builder) describe(n *node, s *connect.Schema) {
	if s.Kind() == connect.KindBytes && s.Name() == connect.DecimalName {
		n.set(scaleProp, []byte(strconv.Itoa(decimalScale(s))))
		n.set(precisionProp, []byte(strconv.Itoa(decimalPrecision(s))))
	}
	if b.metadata {
		b.describeConnect(n, s)
	}
	switch s.Name() {
	case connect.DecimalName:
		if scale := decimalScale(s); scale >= 0 && scale <= decimalPrecision(s) || s.Params()[precisionParam] != "" {
			n.setText(logicalProp, "decimal")
		}
	case connect.TimeName:
		n.setText(logicalProp, "time-millis")
	case connect.TimestampName:
		n.setText(logicalProp, "timestamp-millis")
	case connect.DateName:
		n.setText(logicalProp, "date")
	}
	for _, key := range slices.Sorted(maps.Keys(s.Params())) {
		if strings.HasPrefix(key, ownProps) {
			n.setText(key, s.Params()[key])
		}
	}
	if n.props == nil {
		n.props = []prop{} // built
	}
}

func (b *builder) describeConnect(n *node, s *connect.Schema) {
	if s.HasDoc() {
		n.setText(docProp, s.Doc())
	}
	if s.HasVersion() {
		n.set(versionProp, []byte(strconv.Itoa(s.Version())))
	}
	if params := parameters(s); params != nil {
		n.set(parametersProp, params)
	}
	if _, ofField := s.Params()[fieldDefaultParam]; !s.Default().IsNull() && !ofField {
		if json := b.defaultJSON(s, s.Default()); json != nil {
			n.set(defaultProp, json)
		}
	}
	if s.HasName() {
		n.setText(nameProp, s.Name())
	}
	switch s.Kind() {
	case connect.KindInt8, connect.KindInt16:
		n.setText(typeProp, s.Kind().String())
	}
}

// parameters are a schema's parameters as JSON; nil for none.
func parameters(s *connect.Schema) []byte {
	var out []byte
	for _, key := range slices.Sorted(maps.Keys(s.Params())) {
		if key == fieldDefaultParam {
			continue
		}
		out = append(jsontext.AppendString(append(out, ','), key), ':')
		out = jsontext.AppendString(out, s.Params()[key])
	}
	if out == nil {
		return nil
	}
	out[0] = '{'
	return append(out, '}')
}

func decimalScale(s *connect.Schema) int {
	scale, _ := strconv.Atoi(s.Params()[connect.ScaleParam])
	return scale
}

func decimalPrecision(s *connect.Schema) int {
	if precision, err := strconv.Atoi(s.Params()[precisionParam]); err == nil {
		return precision
	}
	return defaultPrecision
}
