package avro

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/values"
)

// decoder reads values of one Connect schema from what was written under one Avro schema.
type decoder struct {
	read   func(d *decoder, s *source) (connect.Value, error)
	schema *connect.Schema

	key, elem *decoder
	fields    []decodedField
	missing   []missingField
	branches  []*decoder // of the writer's union; nil for null
	slot      int        // of a union's struct
	least     int        // bytes that an element takes at least
	size      int
	scale     int32
	symbols   []connect.Value
	cause     error
}

// decodedField is a field of the writer's record, in its order.
type decodedField struct {
	to   int // position in the struct, -1 to skip
	dec  *decoder
	node *node
}

// missingField is a field of the struct that the writer's record lacks.
type missingField struct {
	to   int
	dflt connect.Value
}

// compileDecoder resolves a writer's schema into a reader's (Schema Resolution of the Avro specification); s is the reader's Connect schema.
func (o options) compileDecoder(w, r *node, s *connect.Schema) (*decoder, error) {
	d, err := o.decoderOf(w, r, s)
	if err != nil {
		return nil, fmt.Errorf("%w: the Avro schema of the message cannot be read as the latest of its subject: %w", connect.ErrData, err)
	}
	return d, nil
}

func (o options) decoderOf(w, r *node, s *connect.Schema) (*decoder, error) {
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
		return d, o.resolveRecord(d, w, r)
	case kindArray:
		return d, o.resolveArray(d, w, r)
	case kindMap:
		return d, o.resolveMap(d, w, r)
	}
	return d, d.resolveScalar(w, r)
}

// fromUnion decides by the branch that a message has. A branch that cannot be resolved is an error of the messages that have it only.
func (o options) fromUnion(w, r *node, s *connect.Schema) (*decoder, error) {
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
func (o options) intoUnion(w, r *node, s *connect.Schema) (*decoder, error) {
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

func (o options) resolveArray(d *decoder, w, r *node) (err error) {
	if w.kind != kindArray {
		return fmt.Errorf("%s cannot be read as array", w.called())
	}
	d.least = least(w.items, map[*node]bool{})
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

func (o options) resolveMap(d *decoder, w, r *node) (err error) {
	if w.kind != kindMap {
		return fmt.Errorf("%s cannot be read as map", w.called())
	}
	d.read = (*decoder).mapping
	d.elem, err = o.decoderOf(w.items, r.items, d.schema.Elem())
	return err
}

func (o options) resolveRecord(d *decoder, w, r *node) error {
	if w.kind != kindRecord {
		return fmt.Errorf("%s cannot be read as record %s", w.called(), r.full())
	}
	if w.full() != r.full() && w.name != r.name && !slices.Contains(r.aliases, w.full()) && !slices.Contains(r.aliases, w.name) {
		return fmt.Errorf("record %s cannot be read as record %s", w.full(), r.full())
	}
	d.read = (*decoder).record
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

// least is the number of bytes that a type takes at least.
func least(n *node, open map[*node]bool) int {
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
		if open[n] {
			return 0
		}
		open[n] = true
		defer delete(open, n)
		sum := 0
		for _, f := range n.fields {
			sum += least(f.node, open)
		}
		return sum
	}
	return 1
}

func (d *decoder) value(s *source) (connect.Value, error) { return d.read(d, s) }

func (d *decoder) fail(*source) (connect.Value, error) { return connect.Value{}, d.cause }

func (d *decoder) branch(s *source) (connect.Value, error) {
	i, err := s.long()
	switch {
	case err != nil:
		return connect.Value{}, err
	case i < 0 || i >= int64(len(d.branches)):
		return connect.Value{}, fmt.Errorf("a union has no branch %d", i)
	case d.branches[i] == nil:
		return connect.Value{}, nil
	}
	return d.branches[i].value(s)
}

func (d *decoder) member(s *source) (connect.Value, error) {
	v, err := d.elem.value(s)
	if err != nil {
		return v, err
	}
	st := connect.NewStruct(d.schema)
	st.SetAt(d.slot, v)
	return connect.StructOf(st), nil
}

func (d *decoder) boolean(s *source) (connect.Value, error) {
	b, err := s.take(1)
	return connect.Boolean(err == nil && b[0] != 0), err
}

func (d *decoder) int8(s *source) (connect.Value, error) {
	n, err := s.int32()
	return connect.Int8(int8(n)), err
}

func (d *decoder) int16(s *source) (connect.Value, error) {
	n, err := s.int32()
	return connect.Int16(int16(n)), err
}

func (d *decoder) int32(s *source) (connect.Value, error) {
	n, err := s.int32()
	return connect.Int32(n), err
}

func (d *decoder) int64(s *source) (connect.Value, error) {
	n, err := s.long()
	return connect.Int64(n), err
}

func (d *decoder) date(s *source) (connect.Value, error) {
	n, err := s.int32()
	return connect.Instant(int64(n) * 24 * 60 * 60 * 1000), err
}

func (d *decoder) time(s *source) (connect.Value, error) {
	n, err := s.int32()
	if err == nil && (n < 0 || n > 24*60*60*1000) {
		err = fmt.Errorf("%d is no time of day", n)
	}
	return connect.Instant(int64(n)), err
}

func (d *decoder) timestamp(s *source) (connect.Value, error) {
	n, err := s.long()
	return connect.Instant(n), err
}

func readFloat32(_ *decoder, s *source) (connect.Value, error) {
	b, err := s.take(4)
	if err != nil {
		return connect.Value{}, err
	}
	return connect.Float32(math.Float32frombits(binary.LittleEndian.Uint32(b))), nil
}

func readFloat64(_ *decoder, s *source) (connect.Value, error) {
	b, err := s.take(8)
	if err != nil {
		return connect.Value{}, err
	}
	return connect.Float64(math.Float64frombits(binary.LittleEndian.Uint64(b))), nil
}

func (d *decoder) float32AsFloat64(s *source) (connect.Value, error) {
	v, err := readFloat32(d, s)
	if err != nil {
		return v, err
	}
	return connect.Float64(v.Float64()), nil
}

func (d *decoder) longAsFloat32(s *source) (connect.Value, error) {
	n, err := s.long()
	return connect.Float32(float32(n)), err
}

func (d *decoder) longAsFloat64(s *source) (connect.Value, error) {
	n, err := s.long()
	return connect.Float64(float64(n)), err
}

func (d *decoder) text(s *source) (connect.Value, error) {
	b, err := s.bytes()
	return connect.String(values.Text(b)), err
}

func (d *decoder) symbol(s *source) (connect.Value, error) {
	i, err := s.long()
	switch {
	case err != nil:
		return connect.Value{}, err
	case i < 0 || i >= int64(len(d.symbols)):
		return connect.Value{}, fmt.Errorf("an enum has no symbol %d", i)
	case d.symbols[i].IsNull():
		return connect.Value{}, errors.New("a symbol that the enum of the schema that is read lacks")
	}
	return d.symbols[i], nil
}

// raw reads bytes, of the type's size or with their length in front.
func (d *decoder) raw(s *source) ([]byte, error) {
	if d.size >= 0 {
		return s.take(int64(d.size))
	}
	return s.bytes()
}

func (d *decoder) bytes(s *source) (connect.Value, error) {
	b, err := d.raw(s)
	return bytesValue(b), err
}

// bytesValue keeps no bytes apart from null.
func bytesValue(b []byte) connect.Value {
	if b == nil {
		b = []byte{}
	}
	return connect.Bytes(b)
}

func (d *decoder) decimal(s *source) (connect.Value, error) {
	b, err := d.raw(s)
	switch {
	case err != nil:
		return connect.Value{}, err
	case len(b) == 0:
		return connect.Value{}, errors.New("a decimal without bytes")
	}
	return connect.DecimalOf(&connect.Decimal{Unscaled: values.FromTwosComplement(b), Scale: d.scale}), nil
}

func (d *decoder) array(s *source) (connect.Value, error) {
	var list []connect.Value
	for {
		n, err := s.block(d.least)
		if err != nil || n == 0 {
			return connect.Array(list), err
		}
		list = slices.Grow(list, n)
		for range n {
			v, err := d.elem.value(s)
			if err != nil {
				return connect.Value{}, fmt.Errorf("element %d: %w", len(list), err)
			}
			list = append(list, v)
		}
	}
}

func (d *decoder) mapping(s *source) (connect.Value, error) {
	var m *connect.Map
	for {
		n, err := s.block(1) // a key's length
		if m == nil {
			m = connect.NewMap(n)
		}
		if err != nil || n == 0 {
			return connect.MapOf(m), err
		}
		for range n {
			key, err := s.bytes()
			if err != nil {
				return connect.Value{}, fmt.Errorf("a key: %w", err)
			}
			v, err := d.elem.value(s)
			if err != nil {
				return connect.Value{}, fmt.Errorf("entry %s: %w", key, err)
			}
			m.Put(connect.String(values.Text(key)), v)
		}
	}
}

func (d *decoder) entries(s *source) (connect.Value, error) {
	var m *connect.Map
	for {
		n, err := s.block(d.least)
		if m == nil {
			m = connect.NewMap(n)
		}
		if err != nil || n == 0 {
			return connect.MapOf(m), err
		}
		for range n {
			key, err := d.key.value(s)
			if err != nil {
				return connect.Value{}, fmt.Errorf("a key: %w", err)
			}
			v, err := d.elem.value(s)
			if err != nil {
				return connect.Value{}, fmt.Errorf("entry %s: %w", key, err)
			}
			m.Put(key, v)
		}
	}
}

func (d *decoder) record(s *source) (connect.Value, error) {
	st := connect.NewStruct(d.schema)
	for i := range d.fields {
		f := &d.fields[i]
		if f.to < 0 {
			if err := skip(f.node, s); err != nil {
				return connect.Value{}, err
			}
			continue
		}
		v, err := f.dec.value(s)
		if err != nil {
			return connect.Value{}, fmt.Errorf("field %s: %w", d.schema.Fields()[f.to].Name, err)
		}
		st.SetAt(f.to, v)
	}
	for _, m := range d.missing {
		st.SetAt(m.to, m.dflt)
	}
	return connect.StructOf(st), nil
}

// skip reads a value of a type that nobody wants.
func skip(n *node, s *source) (err error) {
	if s.depth++; s.depth > maxDepth {
		return fmt.Errorf("more than %d levels", maxDepth)
	}
	defer func() { s.depth-- }()
	switch n.kind {
	case kindNull:
	case kindBoolean:
		_, err = s.take(1)
	case kindInt, kindLong, kindEnum:
		_, err = s.long()
	case kindFloat:
		_, err = s.take(4)
	case kindDouble:
		_, err = s.take(8)
	case kindString, kindBytes:
		_, err = s.bytes()
	case kindFixed:
		_, err = s.take(int64(n.size))
	case kindUnion:
		var i int64
		if i, err = s.long(); err != nil {
			return err
		}
		if i < 0 || i >= int64(len(n.branches)) {
			return fmt.Errorf("a union has no branch %d", i)
		}
		return skip(n.branches[i], s)
	case kindRecord:
		for _, f := range n.fields {
			if err = skip(f.node, s); err != nil {
				return err
			}
		}
	default:
		return skipItems(n, s)
	}
	return err
}

func skipItems(n *node, s *source) error {
	size := least(n.items, map[*node]bool{})
	for {
		count, err := s.block(size)
		if err != nil || count == 0 {
			return err
		}
		for range count {
			if n.kind == kindMap {
				if _, err := s.bytes(); err != nil {
					return err
				}
			}
			if err := skip(n.items, s); err != nil {
				return err
			}
		}
	}
}
