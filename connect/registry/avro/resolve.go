package avro

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sluice-connect/sluice/connect"
)

// compileDecoder resolves a writer's schema into a reader's (Schema Resolution of the Avro specification); s is the reader's Connect schema.
func (o options) compileDecoder(w, r *node, s *connect.Schema) (*decoder, error) {
	d, err := (&resolver{options: o}).decoderOf(w, r, s)
	if err != nil {
		return nil, fmt.Errorf("%w: the Avro schema of the message cannot be read as the latest of its subject: %w", connect.ErrData, err)
	}
	return d, nil
}

// resolver makes the decoders of one pair of schemas.
type resolver struct {
	options
	records records[resolution, decoder]
}

// resolution is what a decoder of records is for.
type resolution struct {
	w, r *node
	s    *connect.Schema
}

func (o *resolver) decoderOf(w, r *node, s *connect.Schema) (*decoder, error) {
	switch {
	case w.kind == kindUnion:
		return o.fromUnion(w, r, s)
	case r.kind == kindUnion:
		return o.intoUnion(w, r, s)
	case isAnything(w) && isAnything(r):
		return &decoder{read: func(_ *decoder, s *source) (connect.Value, error) { return readAnything(s) }}, nil
	case isAnything(w) || isAnything(r) || s == nil:
		return nil, errors.New("schemaless data, and data with a schema")
	}
	d := &decoder{schema: s}
	switch r.kind {
	case kindRecord:
		return o.records.make(resolution{w, r, s}, d, func() error { return o.resolveRecord(d, w, r) })
	case kindArray:
		return d, o.resolveArray(d, w, r)
	case kindMap:
		return d, o.resolveMap(d, w, r)
	}
	return d, d.resolveScalar(w, r)
}

// fromUnion decides by the branch that a message has. A branch that cannot be resolved is an error of the messages that have it only.
func (o *resolver) fromUnion(w, r *node, s *connect.Schema) (*decoder, error) {
	d := &decoder{read: (*decoder).branch, schema: s}
	for _, b := range w.branches {
		if b.kind == kindNull {
			var null *decoder
			if r.kind != kindUnion || r.null() < 0 {
				null = &decoder{read: (*decoder).fail, cause: errors.New("null where the schema that is read has none")}
			}
			d.branches = append(d.branches, null)
			continue
		}
		branch, err := o.decoderOf(b, r, s)
		if err != nil {
			branch = &decoder{read: (*decoder).fail, cause: err}
		}
		d.branches = append(d.branches, branch)
	}
	return d, nil
}

// intoUnion finds the reader's branch for a writer's type: itself, one that is called the same, or the first that fits.
func (o *resolver) intoUnion(w, r *node, s *connect.Schema) (*decoder, error) {
	fits := []func(b *node) bool{
		func(b *node) bool { return b == w },
		func(b *node) bool { return b.called() == w.called() },
		func(*node) bool { return true },
	}
	member, _ := o.simple(r)
	for _, fit := range fits {
		slot := -1
		for _, b := range r.branches {
			if b.kind == kindNull {
				continue
			}
			if slot++; !fit(b) {
				continue
			}
			if member != nil {
				if d, err := o.decoderOf(w, b, s); err == nil {
					return d, nil
				}
				continue
			}
			if d, err := o.decoderOf(w, b, s.Fields()[slot].Schema); err == nil {
				return &decoder{read: (*decoder).member, schema: s, slot: slot, elem: d}, nil
			}
		}
	}
	return nil, fmt.Errorf("no branch of the union reads a %s", w.called())
}

// readable are the writer's types that a reader's type reads.
var readable = map[kind][]kind{
	kindBoolean: {kindBoolean}, kindInt: {kindInt}, kindLong: {kindInt, kindLong}, kindFloat: {kindInt, kindLong, kindFloat},
	kindDouble: {kindInt, kindLong, kindFloat, kindDouble}, kindString: {kindString, kindBytes}, kindBytes: {kindBytes, kindString},
	kindEnum: {kindEnum}, kindFixed: {kindFixed},
}

func (d *decoder) resolveScalar(w, r *node) error {
	if !slices.Contains(readable[r.kind], w.kind) {
		return fmt.Errorf("%s cannot be read as %s", w.called(), r.called())
	}
	switch r.kind {
	case kindBoolean:
		d.read = (*decoder).boolean
	case kindInt, kindLong:
		d.resolveInteger()
	case kindFloat:
		d.read = floatReaders[w.kind]
		if w.kind != kindFloat {
			d.read = (*decoder).longAsFloat32
		}
	case kindDouble:
		d.read = floatReaders[w.kind]
		switch w.kind {
		case kindFloat:
			d.read = (*decoder).float32AsFloat64
		case kindInt, kindLong:
			d.read = (*decoder).longAsFloat64
		}
	case kindString:
		d.read = (*decoder).text
	case kindEnum:
		return d.resolveEnum(w, r)
	default:
		return d.resolveBytes(w, r)
	}
	return nil
}

var floatReaders = map[kind]func(*decoder, *source) (connect.Value, error){kindFloat: readFloat32, kindDouble: readFloat64}

func (d *decoder) resolveInteger() {
	switch d.schema.Name() {
	case connect.DateName:
		d.read = (*decoder).date
		return
	case connect.TimeName:
		d.read = (*decoder).time
		return
	case connect.TimestampName:
		d.read = (*decoder).timestamp
		return
	}
	switch d.schema.Kind() {
	case connect.KindInt8:
		d.read = (*decoder).int8
	case connect.KindInt16:
		d.read = (*decoder).int16
	case connect.KindInt32:
		d.read = (*decoder).int32
	default:
		d.read = (*decoder).int64
	}
}

func (d *decoder) resolveEnum(w, r *node) error {
	d.read = (*decoder).symbol
	for _, symbol := range w.symbols {
		switch {
		case slices.Contains(r.symbols, symbol):
			d.symbols = append(d.symbols, connect.String(symbol))
		case r.dflt != "":
			d.symbols = append(d.symbols, connect.String(r.dflt))
		default:
			d.symbols = append(d.symbols, connect.Value{})
		}
	}
	return nil
}

func (d *decoder) resolveBytes(w, r *node) error {
	d.size = -1
	if r.kind == kindFixed {
		if d.size = r.size; w.size != r.size {
			return fmt.Errorf("fixed %s of %d bytes cannot be read as one of %d", w.full(), w.size, r.size)
		}
	}
	d.read = (*decoder).bytes
	if d.schema.Name() == connect.DecimalName {
		d.read, d.scale = (*decoder).decimal, int32(decimalScale(d.schema))
	}
	return nil
}

func (o *resolver) resolveArray(d *decoder, w, r *node) (err error) {
	if w.kind != kindArray {
		return fmt.Errorf("%s cannot be read as array", w.called())
	}
	d.least, d.unbounded = least(w.items, map[*node]int{}), d.schema.Recursive()
	if d.schema.Kind() != connect.KindMap {
		d.read = (*decoder).array
		d.elem, err = o.decoderOf(w.items, r.items, d.schema.Elem())
		return err
	}
	if !isEntry(w.items) {
		return errors.New("an array cannot be read as a list of map entries")
	}
	d.read = (*decoder).entries
	if d.key, err = o.decoderOf(w.items.fields[0].node, r.items.fields[0].node, d.schema.Keys()); err != nil {
		return err
	}
	d.elem, err = o.decoderOf(w.items.fields[1].node, r.items.fields[1].node, d.schema.Elem())
	return err
}

func (o *resolver) resolveMap(d *decoder, w, r *node) (err error) {
	if w.kind != kindMap {
		return fmt.Errorf("%s cannot be read as map", w.called())
	}
	d.read, d.unbounded = (*decoder).mapping, d.schema.Recursive()
	d.elem, err = o.decoderOf(w.items, r.items, d.schema.Elem())
	return err
}

func (o *resolver) resolveRecord(d *decoder, w, r *node) error {
	if w.kind != kindRecord {
		return fmt.Errorf("%s cannot be read as record %s", w.called(), r.full())
	}
	if w.full() != r.full() && w.name != r.name && !slices.Contains(r.aliases, w.full()) && !slices.Contains(r.aliases, w.name) {
		return fmt.Errorf("record %s cannot be read as record %s", w.full(), r.full())
	}
	if len(d.schema.Fields()) < len(r.fields) { // a default of a record around its field
		d.read, d.cause = (*decoder).fail, fmt.Errorf("record %s within a default in itself", r.full())
		return nil
	}
	if d.read = (*decoder).record; d.schema.Recursive() {
		d.read = (*decoder).nested
	}
	taken := make([]bool, len(r.fields))
	for _, f := range w.fields {
		out := decodedField{to: -1, node: f.node}
		to := r.index(f.name)
		if to < 0 {
			to = slices.IndexFunc(r.fields, func(g field) bool { return slices.Contains(g.aliases, f.name) })
		}
		if to >= 0 && !taken[to] {
			taken[to] = true
			dec, err := o.decoderOf(f.node, r.fields[to].node, d.schema.Fields()[to].Schema)
			if err != nil {
				return fmt.Errorf("field %s: %w", f.name, err)
			}
			out.to, out.dec = to, dec
		}
		d.fields = append(d.fields, out)
	}
	for to, f := range r.fields {
		if taken[to] {
			continue
		}
		if f.dflt == nil {
			return fmt.Errorf("field %s is missing and has no default", f.name)
		}
		v, err := o.defaultValue(f.node, d.schema.Fields()[to].Schema, f.dflt)
		if err != nil {
			return fmt.Errorf("the default of field %s: %w", f.name, err)
		}
		d.missing = append(d.missing, missingField{to, v})
	}
	return nil
}

// least is the number of bytes that a type takes at least, none for a record within itself: it has no end, or the way into it takes some. known are the
// records that were looked at.
func least(n *node, known map[*node]int) int {
	switch n.kind {
	case kindNull:
		return 0
	case kindFloat:
		return 4
	case kindDouble:
		return 8
	case kindFixed:
		return n.size
	case kindRecord:
		if sum, looked := known[n]; looked {
			return sum
		}
		known[n] = 0
		sum := 0
		for _, f := range n.fields {
			sum = min(sum+least(f.node, known), maxLeast)
		}
		known[n] = sum
		return sum
	}
	return 1
}

// maxLeast is enough to refuse any message, and far from an overflow.
const maxLeast = 1 << 30
