package avro

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sluice-connect/sluice/connect"
)

// compileEncoder fits a Connect schema to an Avro schema, which may be another than its own: the latest of a subject.
func (o options) compileEncoder(s *connect.Schema, n *node) (*encoder, error) {
	f := fitter{options: o}
	e, err := f.encoderOf(s, n)
	if err != nil {
		return nil, fmt.Errorf("%w: the schema does not fit the Avro schema of the registry: %w", connect.ErrData, err)
	}
	return e, nil
}

// fitter makes the encoders of one pair of schemas.
type fitter struct {
	options
	records records[fitting, encoder]
}

// fitting is what an encoder of records is for.
type fitting struct {
	schema       *connect.Schema
	node         *node
	null, branch int
}

func (o *fitter) encoderOf(s *connect.Schema, n *node) (*encoder, error) {
	switch {
	case s == nil && isAnything(n):
		return &encoder{write: (*encoder).anything, nullable: true, null: -1, branch: -1}, nil
	case s == nil:
		return nil, errors.New("data without a schema need the Avro schema " + anythingFull)
	case isUnion(s):
		return o.unionEncoder(s, n)
	case n.kind == kindUnion:
		return o.branchEncoder(s, n)
	}
	return o.placed(s, n, -1, -1)
}

// placed returns the encoder for a type that is no union, and stands at a branch of one where null is also one, -1 for neither.
func (o *fitter) placed(s *connect.Schema, n *node, null, branch int) (*encoder, error) {
	e := &encoder{schema: s, nullable: s.Optional(), null: null, branch: branch}
	if n.kind != kindRecord {
		return e, o.fit(e, n)
	}
	return o.records.make(fitting{s, n, null, branch}, e, func() error { return o.fit(e, n) })
}

// branchEncoder picks the branch of a union: the one that is called as the schema's own would be, or else the first that fits.
func (o *fitter) branchEncoder(s *connect.Schema, n *node) (*encoder, error) {
	own := o.called(s)
	for _, exact := range []bool{true, false} {
		for i, b := range n.branches {
			if b.kind == kindNull || exact && b.called() != own {
				continue
			}
			if e, err := o.placed(s, b, n.null(), i); err == nil {
				return e, nil
			}
		}
	}
	return nil, fmt.Errorf("no branch of the union fits a %s", own)
}

// called is what the Avro type of a schema is called.
func (o options) called(s *connect.Schema) string {
	full := defaultFull
	switch s.Kind() {
	case connect.KindInt8, connect.KindInt16, connect.KindInt32:
		return kindInt.String()
	case connect.KindInt64:
		return kindLong.String()
	case connect.KindFloat32:
		return kindFloat.String()
	case connect.KindFloat64:
		return kindDouble.String()
	case connect.KindBoolean:
		return kindBoolean.String()
	case connect.KindArray:
		return kindArray.String()
	case connect.KindString:
		param, isEnum := o.asEnum(s)
		if !isEnum {
			return kindString.String()
		}
		full = s.Params()[param]
	case connect.KindBytes:
		if !isFixed(s) {
			return kindBytes.String()
		}
		full = s.Name()
	case connect.KindMap:
		if !o.isPlainMap(s) {
			return kindArray.String()
		}
		return kindMap.String()
	case connect.KindStruct:
		if isUnion(s) {
			return kindUnion.String()
		}
		if s.HasName() {
			full = s.Name()
		}
	}
	n := &node{kind: kindRecord}
	n.space, n.name = split(full, o.scrub)
	return n.full()
}

func (o *fitter) unionEncoder(s *connect.Schema, n *node) (*encoder, error) {
	e := &encoder{write: (*encoder).member, schema: s, nullable: s.Optional(), null: n.null(), branch: -1, ignoreDefaults: o.ignoreDefaults}
	if n.kind != kindUnion {
		n = &node{kind: kindUnion, branches: []*node{n}}
	}
	for i, f := range s.Fields() {
		if f.Schema == nil {
			return nil, fmt.Errorf("branch %s is schemaless", f.Name)
		}
		enc, err := o.branchEncoder(f.Schema, n)
		if err != nil {
			return nil, fmt.Errorf("branch %s: %w", f.Name, err)
		}
		e.fields = append(e.fields, encodedField{from: i, enc: enc, dflt: f.Schema.Default()})
	}
	return e, nil
}

// fit completes an encoder for a type that is no union.
func (o *fitter) fit(e *encoder, n *node) error {
	switch e.schema.Name() {
	case connect.DecimalName:
		return e.fitDecimal(n)
	case connect.DateName, connect.TimeName, connect.TimestampName:
		e.write = (*encoder).instant
		return wants(n, kindInt, kindLong)
	}
	switch e.schema.Kind() {
	case connect.KindInt8, connect.KindInt16, connect.KindInt32:
		return e.fitNumber(n, kindInt, kindLong, kindFloat, kindDouble)
	case connect.KindInt64:
		return e.fitNumber(n, kindLong, kindFloat, kindDouble)
	case connect.KindFloat32:
		return e.fitNumber(n, kindFloat, kindDouble)
	case connect.KindFloat64:
		return e.fitNumber(n, kindDouble)
	case connect.KindBoolean:
		e.write = (*encoder).boolean
		return wants(n, kindBoolean)
	case connect.KindString:
		e.write, e.symbols = (*encoder).text, n.symbols
		if n.kind == kindEnum {
			e.write = (*encoder).symbol
		}
		return wants(n, kindString, kindEnum)
	case connect.KindBytes:
		e.write, e.size = (*encoder).bytes, n.size
		if n.kind == kindFixed {
			e.write = (*encoder).fixed
		}
		return wants(n, kindBytes, kindFixed)
	case connect.KindArray:
		return o.fitArray(e, n)
	case connect.KindMap:
		return o.fitMap(e, n)
	}
	return o.fitRecord(e, n)
}

func wants(n *node, kinds ...kind) error {
	if !slices.Contains(kinds, n.kind) {
		return fmt.Errorf("Avro's type is %s, not %s", n.called(), kinds[0]) //lint:ignore ST1005 a name
	}
	return nil
}

func (e *encoder) fitDecimal(n *node) error {
	e.write, e.size, e.scale = (*encoder).decimal, -1, int32(decimalScale(e.schema))
	if n.kind == kindFixed {
		e.size = n.size
	}
	return wants(n, kindBytes, kindFixed)
}

func (e *encoder) fitNumber(n *node, kinds ...kind) error {
	switch n.kind {
	case kindFloat:
		e.write = (*encoder).float32
	case kindDouble:
		e.write = (*encoder).float64
	default:
		e.write = (*encoder).integer
	}
	return wants(n, kinds...)
}

func (o *fitter) fitArray(e *encoder, n *node) (err error) {
	if err := wants(n, kindArray); err != nil {
		return err
	}
	e.write = (*encoder).array
	e.elem, err = o.encoderOf(e.schema.Elem(), n.items)
	return err
}

func (o *fitter) fitMap(e *encoder, n *node) (err error) {
	if o.isPlainMap(e.schema) && n.kind == kindMap {
		e.write = (*encoder).mapping
		e.elem, err = o.encoderOf(e.schema.Elem(), n.items)
		return err
	}
	if n.kind != kindArray || !isEntry(n.items) {
		return fmt.Errorf("Avro's type is %s, not a list of map entries", n.called()) //lint:ignore ST1005 a name
	}
	e.write = (*encoder).entries
	if e.key, err = o.encoderOf(e.schema.Keys(), n.items.fields[0].node); err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	e.elem, err = o.encoderOf(e.schema.Elem(), n.items.fields[1].node)
	return err
}

func (o *fitter) fitRecord(e *encoder, n *node) error {
	if err := wants(n, kindRecord); err != nil {
		return err
	}
	e.write, e.ignoreDefaults = (*encoder).record, o.ignoreDefaults
	from := map[string]int{}
	for i, f := range e.schema.Fields() {
		name := f.Name
		if o.scrub {
			name = scrubbed(name)
		}
		from[name] = i
	}
	for _, f := range n.fields {
		i, ok := from[f.name]
		if !ok {
			if f.dflt == nil {
				return fmt.Errorf("record %s has a field %s without a default, which the struct lacks", n.full(), f.name)
			}
			binary, err := encodeDefault(f.node, f.dflt)
			if err != nil {
				return fmt.Errorf("record %s: the default of field %s: %w", n.full(), f.name, err)
			}
			e.fields = append(e.fields, encodedField{from: -1, binary: binary})
			continue
		}
		delete(from, f.name)
		s := e.schema.Fields()[i].Schema
		enc, err := o.encoderOf(s, f.node)
		if err != nil {
			return fmt.Errorf("field %s: %w", f.name, err)
		}
		out := encodedField{from: i, enc: enc}
		if s != nil {
			out.dflt = s.Default()
		}
		e.fields = append(e.fields, out)
	}
	for name := range from {
		return fmt.Errorf("record %s lacks the field %s", n.full(), name)
	}
	return nil
}
