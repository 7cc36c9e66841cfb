package wire

import (
	"errors"
	"fmt"

	"github.com/sluice-connect/sluice/connect"
)

const (
	// maxKnown is how many schemas a sender may have sent that it has not forgotten, by the contract.
	maxKnown = 1000
	// maxKnownNodes is how many schemas and fields those may be in all, the nested ones counted: some 60 MiB.
	maxKnownNodes = 1 << 18
)

// knownSchemas are the schemas that a stream's sender has sent, by their numbers. One that is sent again, after a forgetting or by a sender that does not know
// better, is the same pointer: what converters have worked out for it holds on.
type knownSchemas struct {
	numbered []*connect.Schema
	nodes    int
	seen     map[string]*connect.Schema // by content, since the last forgetting
	before   map[string]*connect.Schema // up to then
}

func (k *knownSchemas) forget() {
	k.numbered, k.nodes = k.numbered[:0], 0
	k.before, k.seen = k.seen, nil
}

// plainSchemas have their kinds as numbers.
var plainSchemas = [firstNumber]*connect.Schema{
	connect.KindInt8: connect.Int8Schema, connect.KindInt16: connect.Int16Schema, connect.KindInt32: connect.Int32Schema,
	connect.KindInt64: connect.Int64Schema, connect.KindFloat32: connect.Float32Schema, connect.KindFloat64: connect.Float64Schema,
	connect.KindBoolean: connect.BooleanSchema, connect.KindString: connect.StringSchema, connect.KindBytes: connect.BytesSchema,
}

var optionalSchemas = [firstNumber]*connect.Schema{
	connect.KindInt8: connect.OptionalInt8Schema, connect.KindInt16: connect.OptionalInt16Schema, connect.KindInt32: connect.OptionalInt32Schema,
	connect.KindInt64: connect.OptionalInt64Schema, connect.KindFloat32: connect.OptionalFloat32Schema, connect.KindFloat64: connect.OptionalFloat64Schema,
	connect.KindBoolean: connect.OptionalBooleanSchema, connect.KindString: connect.OptionalStringSchema, connect.KindBytes: connect.OptionalBytesSchema,
}

// schema returns the schema of a number, nil for 0.
func (k *knownSchemas) schema(number uint64) (*connect.Schema, error) {
	if number < firstNumber {
		if s := plainSchemas[number]; s != nil || number == 0 {
			return s, nil
		}
	} else if number-firstNumber < uint64(len(k.numbered)) {
		return k.numbered[number-firstNumber], nil
	}
	return nil, fmt.Errorf("there is no schema %d: %d were sent, numbered from %d", number, len(k.numbered), firstNumber)
}

// learn takes in one Schema message.
func (k *knownSchemas) learn(d *decoder, raw []byte) error {
	number := firstNumber + len(k.numbered)
	if len(k.numbered) == maxKnown {
		return fmt.Errorf("schema %d: more than %d schemas were sent without forget", number, maxKnown)
	}
	s, ok := k.seen[string(raw)]
	if !ok {
		s, ok = k.before[string(raw)]
	}
	if !ok {
		content := append([]byte(nil), raw...) // it outlives the message
		var err error
		own := described{decoder: d}
		if s, err = own.schema(content, 0); err != nil {
			return fmt.Errorf("schema %d: %w", number, err)
		}
		if own.refers {
			k.numbered = append(k.numbered, s)
			return nil
		}
	} else if k.nodes++; k.nodes > maxKnownNodes {
		return errTooManyNodes
	}
	if k.seen == nil {
		k.seen = map[string]*connect.Schema{}
	}
	k.seen[string(raw)] = s
	k.numbered = append(k.numbered, s)
	return nil
}

var (
	errTooManyNodes = fmt.Errorf("the schemas have more than %d fields in all", maxKnownNodes)
	errTooDeep      = fmt.Errorf("it nests deeper than %d levels", maxDepth)
	errNoSchema     = errors.New("a field without a schema")
)

// described reads one schema.
type described struct {
	*decoder
	refers bool // its content means something else under other numbers
}

// schema reads a Schema message. What it returns shares raw.
func (d *described) schema(raw []byte, level int) (*connect.Schema, error) {
	if level > maxDepth {
		return nil, errTooDeep
	}
	if d.known.nodes++; d.known.nodes > maxKnownNodes {
		return nil, errTooManyNodes
	}
	var (
		kind, optional     uint64
		opts               []connect.SchemaOption
		byDefault          parts
		keys, values       parts
		fields             []connect.Field
		name, version, doc connect.SchemaOption
	)
	c := over(raw)
	for c.next() {
		switch c.tag {
		case 0x08:
			kind = c.number
		case 0x10:
			optional = c.number
		case 0x1a:
			name = connect.Named(alias(c.bytes))
		case 0x20:
			version = connect.Version(int(int32(c.number)))
		case 0x2a:
			doc = connect.Doc(alias(c.bytes))
		case 0x32:
			key, value, err := param(c.bytes)
			if err != nil {
				return nil, fmt.Errorf("params: %w", err)
			}
			opts = append(opts, connect.Param(key, value))
		case 0x3a:
			byDefault.add(c.bytes)
		case 0x42:
			keys.add(c.bytes)
		case 0x4a:
			values.add(c.bytes)
		case 0x52:
			f, err := d.field(c.bytes, level)
			if err != nil {
				return nil, err
			}
			fields = append(fields, f)
		}
	}
	if c.err != nil {
		return nil, c.err
	}
	for _, o := range []connect.SchemaOption{name, version, doc} {
		if o != nil {
			opts = append(opts, o)
		}
	}
	if len(opts) == 0 && byDefault.raw == nil && kind >= uint64(connect.KindInt8) && kind <= uint64(connect.KindBytes) {
		if optional != 0 {
			return optionalSchemas[kind], nil
		}
		return plainSchemas[kind], nil
	}
	if optional != 0 {
		opts = append(opts, connect.Optional())
	}
	s, err := d.build(kind, opts, keys.raw, values.raw, fields, level)
	if err != nil || byDefault.raw == nil {
		return s, err
	}
	v, err := d.value(byDefault.raw, s, 0)
	if err != nil {
		return nil, fmt.Errorf("default: %w", err)
	}
	d.refers = true // at least it may: a struct within it
	return s.With(connect.DefaultValue(v)), nil
}

// build makes a schema of a kind.
func (d *described) build(kind uint64, opts []connect.SchemaOption, keys, values []byte, fields []connect.Field, level int) (s *connect.Schema, err error) {
	var ofKeys, ofValues *connect.Schema
	switch {
	case kind == uint64(connect.KindStruct):
		return connect.BuildStructSchema(fields, opts...)
	case kind >= uint64(connect.KindInt8) && kind <= uint64(connect.KindBytes):
		return connect.NewSchema(connect.Kind(kind), opts...), nil
	case kind != uint64(connect.KindArray) && kind != uint64(connect.KindMap):
		return nil, fmt.Errorf("%d is no kind of a schema", kind)
	}
	if keys != nil {
		if ofKeys, err = d.schema(keys, level+1); err != nil {
			return nil, fmt.Errorf("keys: %w", err)
		}
	}
	if values != nil {
		if ofValues, err = d.schema(values, level+1); err != nil {
			return nil, fmt.Errorf("values: %w", err)
		}
	}
	if kind == uint64(connect.KindArray) {
		return connect.ArraySchema(ofValues, opts...), nil
	}
	return connect.MapSchema(ofKeys, ofValues, opts...), nil
}

func (d *described) field(raw []byte, level int) (f connect.Field, err error) {
	if d.known.nodes++; d.known.nodes > maxKnownNodes {
		return f, errTooManyNodes
	}
	var schema parts
	c := over(raw)
	for c.next() {
		switch c.tag {
		case 0x0a:
			f.Name = alias(c.bytes)
		case 0x12:
			schema.add(c.bytes)
		}
	}
	switch {
	case c.err != nil:
		return f, fmt.Errorf("field %q: %w", f.Name, c.err)
	case schema.raw == nil:
		return f, fmt.Errorf("field %q: %w", f.Name, errNoSchema)
	}
	if f.Schema, err = d.schema(schema.raw, level+1); err != nil {
		return f, fmt.Errorf("field %q: %w", f.Name, err)
	}
	return f, nil
}

// param reads an entry of a map of texts.
func param(raw []byte) (key, value string, err error) {
	c := over(raw)
	for c.next() {
		switch c.tag {
		case 0x0a:
			key = alias(c.bytes)
		case 0x12:
			value = alias(c.bytes)
		}
	}
	return key, value, c.err
}

// take takes in what a message says of schemas.
func (k *knownSchemas) take(d *decoder, forget bool, schemas [][]byte) error {
	if forget {
		k.forget()
	}
	for _, raw := range schemas {
		if err := k.learn(d, raw); err != nil {
			return err
		}
	}
	return nil
}
