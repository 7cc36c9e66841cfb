package protobuf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/values"
)

// encoder writes structs of one Connect schema as messages of one type. It is compiled once for both, so that a value costs neither look-ups nor memory.
type encoder struct {
	schema *connect.Schema
	fields []*encodedField // in the order of their numbers
	// ignoreDefaults keeps a null where its field has a default.
	ignoreDefaults bool
}

// encodedField is a field of the message.
type encodedField struct {
	name   string
	from   int // position in the struct
	member int // position in the union that stands there, -1 for none
	tag    []byte
	dflt   connect.Value
	schema *connect.Schema // of the value, or of a list's elements

	write    func(f *encodedField, dst []byte, v connect.Value) ([]byte, error) // without the tag
	presence bool                                                               // a zero is written too
	list     bool
	packed   bool
	entries  bool
	wrapped  bool
	kind     protoreflect.Kind
	message  *encoder                           // of a struct, or of a map's entries, whose key and value are its first two fields
	symbols  map[string]protoreflect.EnumNumber // of an enum
}

// compileEncoder fits a Connect schema to a message type, which may be another than its own: the latest of a subject.
func (o options) compileEncoder(s *connect.Schema, m protoreflect.MessageDescriptor) (*encoder, error) {
	var e *encoder
	var err error
	if isWrapper(m) && s.Kind() != connect.KindStruct {
		e = &encoder{schema: s, ignoreDefaults: true}
		var f *encodedField
		if f, err = o.fieldOf(connect.F("value", s.With(connect.Required())), m.Fields().Get(0), false); err == nil {
			f.from, f.member = 0, -1
			e.fields = append(e.fields, f)
		}
	} else {
		e, err = o.encoderOf(s, m)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: the schema does not fit the Protobuf schema of the registry: %w", connect.ErrData, err)
	}
	return e, nil
}

func (o options) encoderOf(s *connect.Schema, m protoreflect.MessageDescriptor) (*encoder, error) {
	if s == nil || s.Kind() != connect.KindStruct || isUnion(s) {
		return nil, fmt.Errorf("the message %s needs a struct", m.FullName())
	}
	e := &encoder{schema: s, ignoreDefaults: o.ignoreDefaults}
	for i, f := range s.Fields() {
		members := []connect.Field{f}
		inUnion := f.Schema != nil && isUnion(f.Schema)
		if inUnion {
			members = f.Schema.Fields()
		}
		for j, member := range members {
			fd := m.Fields().ByName(protoreflect.Name(o.scrubbed(member.Name)))
			if fd == nil {
				return nil, fmt.Errorf("the message %s has no field %s", m.FullName(), member.Name)
			}
			out, err := o.fieldOf(member, fd, inUnion)
			if err != nil {
				return nil, fmt.Errorf("field %s: %w", member.Name, err)
			}
			if out.from, out.member = i, -1; inUnion {
				out.member = j
			}
			e.fields = append(e.fields, out)
		}
	}
	slices.SortStableFunc(e.fields, func(a, b *encodedField) int { return compareTags(a.tag, b.tag) })
	return e, nil
}

func compareTags(a, b []byte) int {
	x, _ := binary.Uvarint(a)
	y, _ := binary.Uvarint(b)
	return int(x>>3) - int(y>>3)
}

func (o options) fieldOf(f connect.Field, fd protoreflect.FieldDescriptor, inUnion bool) (*encodedField, error) {
	s := f.Schema
	if s == nil {
		return nil, errors.New("it is schemaless")
	}
	out := &encodedField{name: f.Name, dflt: s.Default(), kind: fd.Kind(), presence: fd.HasPresence() || inUnion}
	switch {
	case s.Kind() == connect.KindMap:
		return out, o.fitMap(out, s, fd)
	case s.Kind() == connect.KindArray:
		out.list, out.packed = true, fd.IsPacked()
		if s = s.Elem(); s == nil {
			return nil, errors.New("its elements are schemaless")
		}
	}
	if out.list != (fd.Cardinality() == protoreflect.Repeated) {
		return nil, errors.New("one of the two is a list and the other is not")
	}
	out.schema = s
	wire := wireTypes[fd.Kind()]
	if out.packed {
		wire = protowire.BytesType
	}
	out.tag = protowire.AppendTag(nil, fd.Number(), wire)
	return out, o.fit(out, s, fd)
}

var wireTypes = map[protoreflect.Kind]protowire.Type{
	protoreflect.BoolKind: protowire.VarintType, protoreflect.EnumKind: protowire.VarintType, protoreflect.Int32Kind: protowire.VarintType,
	protoreflect.Sint32Kind: protowire.VarintType, protoreflect.Uint32Kind: protowire.VarintType, protoreflect.Int64Kind: protowire.VarintType,
	protoreflect.Sint64Kind: protowire.VarintType, protoreflect.Uint64Kind: protowire.VarintType, protoreflect.Sfixed32Kind: protowire.Fixed32Type,
	protoreflect.Fixed32Kind: protowire.Fixed32Type, protoreflect.FloatKind: protowire.Fixed32Type, protoreflect.Sfixed64Kind: protowire.Fixed64Type,
	protoreflect.Fixed64Kind: protowire.Fixed64Type, protoreflect.DoubleKind: protowire.Fixed64Type, protoreflect.StringKind: protowire.BytesType,
	protoreflect.BytesKind: protowire.BytesType, protoreflect.MessageKind: protowire.BytesType,
}

// fit completes a field for a single value.
func (o options) fit(f *encodedField, s *connect.Schema, fd protoreflect.FieldDescriptor) (err error) {
	message := fd.Message()
	if logical, ok := logicalTypes[s.Name()]; ok {
		if message == nil || string(message.FullName()) != logical.message {
			return fmt.Errorf("its type is %s, not %s", typeName(fd), logical.message)
		}
		f.write = logicalWriters[s.Name()]
		return nil
	}
	if fd.Kind() == protoreflect.EnumKind {
		return o.fitEnum(f, s, fd.Enum())
	}
	if s.Kind() == connect.KindStruct {
		if message == nil {
			return fmt.Errorf("its type is %s, not a message", typeName(fd))
		}
		f.write = (*encodedField).structure
		f.message, err = o.encoderOf(s, message)
		return err
	}
	if isWrapper(message) {
		fd = message.Fields().Get(0)
		f.wrapped, f.kind = true, fd.Kind()
	}
	writers, ok := scalarWriters[fd.Kind()]
	if !ok || !slices.Contains(writers.kinds, s.Kind()) {
		return fmt.Errorf("its type is %s, which a %s does not fit", typeName(fd), s.Kind())
	}
	f.write = writers.write
	return nil
}

func typeName(fd protoreflect.FieldDescriptor) string {
	if m := fd.Message(); m != nil {
		return string(m.FullName())
	}
	return fd.Kind().String()
}

func (o options) fitEnum(f *encodedField, s *connect.Schema, e protoreflect.EnumDescriptor) error {
	f.write = (*encodedField).symbol
	switch s.Kind() {
	case connect.KindInt32:
		f.write = (*encodedField).varint
		return nil
	case connect.KindString:
		f.symbols = map[string]protoreflect.EnumNumber{}
		for i := range e.Values().Len() {
			v := e.Values().Get(i)
			f.symbols[string(v.Name())] = v.Number()
		}
		return nil
	}
	return fmt.Errorf("its type is the enum %s, which a %s does not fit", e.FullName(), s.Kind())
}

func (o options) fitMap(f *encodedField, s *connect.Schema, fd protoreflect.FieldDescriptor) error {
	m := fd.Message()
	if m == nil || fd.Cardinality() != protoreflect.Repeated || !fd.IsMap() && !isEntry(m) {
		return fmt.Errorf("its type is %s, not a map", typeName(fd))
	}
	f.entries, f.tag, f.message = true, protowire.AppendTag(nil, fd.Number(), protowire.BytesType), &encoder{}
	for i, inner := range []connect.Field{connect.F("key", s.Keys()), connect.F("value", s.Elem())} {
		out, err := o.fieldOf(inner, m.Fields().Get(i), false)
		if err != nil {
			return fmt.Errorf("%s: %w", inner.Name, err)
		}
		f.message.fields = append(f.message.fields, out)
	}
	return nil
}

var errNull = fmt.Errorf("%w: null in a list or as the key of a map, which Protobuf does not have", connect.ErrData)

// append writes a message without its length.
func (e *encoder) append(dst []byte, v connect.Value) (out []byte, err error) {
	if e.schema.Kind() != connect.KindStruct { // a scalar in its wrapper
		return e.fields[0].append(dst, v)
	}
	if v.Kind() != connect.KindStruct || !v.Struct().Schema().Equal(e.schema) {
		return nil, fmt.Errorf("%w: a struct of another schema than its place has, or none", connect.ErrData)
	}
	st := v.Struct()
	out = dst
	for _, f := range e.fields {
		member := st.At(f.from)
		if f.member >= 0 {
			if member = e.chosen(st, f); member.IsNull() {
				continue
			}
		} else if member.IsNull() && !e.ignoreDefaults {
			member = f.dflt
		}
		if out, err = f.append(out, member); err != nil {
			return nil, fmt.Errorf("field %s: %w", f.name, err)
		}
	}
	return out, nil
}

// chosen is the value of a union's member if that is the one that counts: the first that is set.
func (e *encoder) chosen(st *connect.Struct, f *encodedField) connect.Value {
	union := st.At(f.from)
	if union.Kind() != connect.KindStruct {
		return connect.Value{}
	}
	own := union.Struct()
	for i := range f.member {
		if !own.At(i).IsNull() {
			return connect.Value{}
		}
	}
	return own.At(f.member)
}

// append writes a field with its tag. A null is left out, and so is a zero that says no more than its absence.
func (f *encodedField) append(dst []byte, v connect.Value) ([]byte, error) {
	switch {
	case v.IsNull():
		return dst, nil
	case f.entries:
		return f.appendEntries(dst, v)
	case f.list:
		return f.appendList(dst, v)
	}
	start := len(dst)
	out, err := f.single(append(dst, f.tag...), v)
	if err == nil && !f.presence && f.isZero(out[start+len(f.tag):]) {
		out = out[:start]
	}
	return out, err
}

// isZero tells whether what was written is the value that an absent field has: all bytes are zero, a text or a list of bytes is empty.
func (f *encodedField) isZero(written []byte) bool {
	switch f.kind {
	case protoreflect.MessageKind:
		return false
	case protoreflect.StringKind, protoreflect.BytesKind:
		return len(written) == 1
	}
	for _, b := range written {
		if b != 0 {
			return false
		}
	}
	return true
}

// single writes one value, in its wrapper where it has one.
func (f *encodedField) single(dst []byte, v connect.Value) ([]byte, error) {
	if !f.wrapped {
		return f.write(f, dst, v)
	}
	start := len(dst) + 1
	dst = append(dst, 0)
	out, err := f.write(f, append(dst, byte(1<<3)|byte(wireTypes[f.kind])), v)
	if err == nil && f.isZero(out[start+1:]) {
		out = out[:start]
	}
	if err != nil {
		return nil, err
	}
	return closeLength(out, start), nil
}

// closeLength puts the length of what begins at start into the byte in front of it, and moves it where one byte is too short.
func closeLength(dst []byte, start int) []byte {
	n := len(dst) - start
	if n < 0x80 {
		dst[start-1] = byte(n)
		return dst
	}
	size := protowire.SizeVarint(uint64(n))
	for range size - 1 {
		dst = append(dst, 0)
	}
	copy(dst[start+size-1:], dst[start:start+n])
	binary.PutUvarint(dst[start-1:], uint64(n))
	return dst
}

func (f *encodedField) appendList(dst []byte, v connect.Value) (out []byte, err error) {
	if v.Kind() != connect.KindArray {
		return nil, fmt.Errorf("%w: a value of kind %s, not a list", connect.ErrData, v.Kind())
	}
	list := v.Array()
	if len(list) == 0 {
		return dst, nil
	}
	out, start := dst, 0
	if f.packed {
		out = append(append(out, f.tag...), 0)
		start = len(out)
	}
	for i := range list {
		if list[i].IsNull() {
			return nil, fmt.Errorf("element %d: %w", i, errNull)
		}
		if !f.packed {
			out = append(out, f.tag...)
		}
		if out, err = f.single(out, list[i]); err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
	}
	if f.packed {
		out = closeLength(out, start)
	}
	return out, nil
}

func (f *encodedField) appendEntries(dst []byte, v connect.Value) (out []byte, err error) {
	if v.Kind() != connect.KindMap {
		return nil, fmt.Errorf("%w: a value of kind %s, not a map", connect.ErrData, v.Kind())
	}
	out = dst
	for _, e := range v.Map().Entries() {
		if e.Key.IsNull() {
			return nil, errNull
		}
		out = append(append(out, f.tag...), 0)
		start := len(out)
		if out, err = f.message.fields[0].append(out, e.Key); err == nil {
			out, err = f.message.fields[1].append(out, e.Value)
		}
		if err != nil {
			return nil, fmt.Errorf("entry %s: %w", e.Key, err)
		}
		out = closeLength(out, start)
	}
	return out, nil
}

func (f *encodedField) structure(dst []byte, v connect.Value) ([]byte, error) {
	dst = append(dst, 0)
	start := len(dst)
	out, err := f.message.append(dst, v)
	if err != nil {
		return nil, err
	}
	return closeLength(out, start), nil
}

// mismatch is the error for a value of another kind than its schema.
func (f *encodedField) mismatch(v connect.Value) error {
	under := f.schema.Kind().String()
	if f.schema.HasName() {
		under = f.schema.Name()
	}
	return fmt.Errorf("%w: a value of kind %s under the schema %s", connect.ErrData, v.Kind(), under)
}

type scalarWriter struct {
	kinds []connect.Kind
	write func(f *encodedField, dst []byte, v connect.Value) ([]byte, error)
}

var (
	integers = []connect.Kind{connect.KindInt8, connect.KindInt16, connect.KindInt32, connect.KindInt64}
	shorts   = []connect.Kind{connect.KindInt8, connect.KindInt16, connect.KindInt32}
)

// scalarWriters are by the type of the field. What is wider than the field is no fit, but for the unsigned types, which are wider in Connect.
var scalarWriters = map[protoreflect.Kind]scalarWriter{
	protoreflect.BoolKind:     {[]connect.Kind{connect.KindBoolean}, (*encodedField).boolean},
	protoreflect.Int32Kind:    {shorts, (*encodedField).varint},
	protoreflect.Sint32Kind:   {shorts, (*encodedField).zigzag},
	protoreflect.Uint32Kind:   {integers, (*encodedField).unsigned32},
	protoreflect.Int64Kind:    {integers, (*encodedField).varint},
	protoreflect.Sint64Kind:   {integers, (*encodedField).zigzag},
	protoreflect.Uint64Kind:   {integers, (*encodedField).varint},
	protoreflect.Sfixed32Kind: {shorts, (*encodedField).fixed32},
	protoreflect.Fixed32Kind:  {integers, (*encodedField).fixed32},
	protoreflect.Sfixed64Kind: {integers, (*encodedField).fixed64},
	protoreflect.Fixed64Kind:  {integers, (*encodedField).fixed64},
	protoreflect.FloatKind:    {[]connect.Kind{connect.KindFloat32}, (*encodedField).float},
	protoreflect.DoubleKind:   {[]connect.Kind{connect.KindFloat32, connect.KindFloat64}, (*encodedField).double},
	protoreflect.StringKind:   {[]connect.Kind{connect.KindString}, (*encodedField).text},
	protoreflect.BytesKind:    {[]connect.Kind{connect.KindBytes}, (*encodedField).bytes},
}

func (f *encodedField) boolean(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != connect.KindBoolean {
		return nil, f.mismatch(v)
	}
	return protowire.AppendVarint(dst, protowire.EncodeBool(v.Bool())), nil
}

func (f *encodedField) varint(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != f.schema.Kind() {
		return nil, f.mismatch(v)
	}
	return protowire.AppendVarint(dst, uint64(v.Int64())), nil
}

func (f *encodedField) unsigned32(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != f.schema.Kind() {
		return nil, f.mismatch(v)
	}
	return protowire.AppendVarint(dst, uint64(uint32(v.Int64()))), nil
}

func (f *encodedField) zigzag(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != f.schema.Kind() {
		return nil, f.mismatch(v)
	}
	return protowire.AppendVarint(dst, protowire.EncodeZigZag(v.Int64())), nil
}

func (f *encodedField) fixed32(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != f.schema.Kind() {
		return nil, f.mismatch(v)
	}
	return protowire.AppendFixed32(dst, uint32(v.Int64())), nil
}

func (f *encodedField) fixed64(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != f.schema.Kind() {
		return nil, f.mismatch(v)
	}
	return protowire.AppendFixed64(dst, uint64(v.Int64())), nil
}

func (f *encodedField) float(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != f.schema.Kind() {
		return nil, f.mismatch(v)
	}
	return protowire.AppendFixed32(dst, math.Float32bits(float32(v.Float64()))), nil
}

func (f *encodedField) double(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != f.schema.Kind() {
		return nil, f.mismatch(v)
	}
	return protowire.AppendFixed64(dst, math.Float64bits(v.Float64())), nil
}

func (f *encodedField) text(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != connect.KindString {
		return nil, f.mismatch(v)
	}
	return protowire.AppendString(dst, strings.ToValidUTF8(v.Str(), "\ufffd")), nil
}

func (f *encodedField) bytes(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != connect.KindBytes {
		return nil, f.mismatch(v)
	}
	return protowire.AppendBytes(dst, v.Bytes()), nil
}

func (f *encodedField) symbol(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != connect.KindString {
		return nil, f.mismatch(v)
	}
	number, ok := f.symbols[v.Str()]
	if !ok {
		if _, err := fmt.Sscanf(v.Str()[strings.LastIndexByte(v.Str(), '_')+1:], "%d", &number); err != nil || !strings.HasPrefix(v.Str(), unknownSymbol) {
			return nil, fmt.Errorf("%w: %q is no symbol of the enum", connect.ErrData, v.Str())
		}
	}
	return protowire.AppendVarint(dst, uint64(int64(number))), nil
}

// logicalWriters write the messages of logical types, zeros left out.
var logicalWriters = map[string]func(*encodedField, []byte, connect.Value) ([]byte, error){
	connect.DecimalName: (*encodedField).decimal, connect.DateName: (*encodedField).date, connect.TimeName: (*encodedField).time,
	connect.TimestampName: (*encodedField).timestamp,
}

func (f *encodedField) decimal(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != connect.KindDecimal {
		return nil, f.mismatch(v)
	}
	d := v.Decimal()
	start := len(dst) + 1
	dst = append(dst, 0, 1<<3|byte(protowire.BytesType), 0)
	at := len(dst)
	dst = closeLength(values.AppendTwosComplement(dst, d.Unscaled), at)
	dst = appendNumber(dst, 2, int64(digits(d)))
	return closeLength(appendNumber(dst, 3, int64(d.Scale)), start), nil
}

// digits is the precision of a number (java.math.BigDecimal.precision): 1 for zero.
func digits(d *connect.Decimal) int {
	if d.Unscaled.Sign() == 0 {
		return 1
	}
	n := len(d.Unscaled.Text(10))
	if d.Unscaled.Sign() < 0 {
		n--
	}
	return n
}

func appendNumber(dst []byte, number protowire.Number, n int64) []byte {
	if n == 0 {
		return dst
	}
	return protowire.AppendVarint(protowire.AppendTag(dst, number, protowire.VarintType), uint64(n))
}

func (f *encodedField) date(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != connect.KindInstant {
		return nil, f.mismatch(v)
	}
	if v.Int64()%millisPerDay != 0 {
		return nil, fmt.Errorf("%w: a Date with a time of day", connect.ErrData)
	}
	t := v.Time()
	start := len(dst) + 1
	dst = appendNumber(append(dst, 0), 1, int64(t.Year()))
	dst = appendNumber(dst, 2, int64(t.Month()))
	return closeLength(appendNumber(dst, 3, int64(t.Day())), start), nil
}

func (f *encodedField) time(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != connect.KindInstant {
		return nil, f.mismatch(v)
	}
	ms := v.Int64()
	if ms < 0 || ms >= millisPerDay {
		return nil, fmt.Errorf("%w: a Time beyond one day", connect.ErrData)
	}
	start := len(dst) + 1
	dst = appendNumber(append(dst, 0), 1, ms/3_600_000)
	dst = appendNumber(dst, 2, ms/60_000%60)
	dst = appendNumber(dst, 3, ms/1000%60)
	return closeLength(appendNumber(dst, 4, ms%1000*1_000_000), start), nil
}

func (f *encodedField) timestamp(dst []byte, v connect.Value) ([]byte, error) {
	if v.Kind() != connect.KindInstant {
		return nil, f.mismatch(v)
	}
	ms := v.Int64()
	seconds, rest := ms/1000, ms%1000
	if rest < 0 {
		seconds, rest = seconds-1, rest+1000
	}
	start := len(dst) + 1
	dst = appendNumber(append(dst, 0), 1, seconds)
	return closeLength(appendNumber(dst, 2, rest*1_000_000), start), nil
}

const millisPerDay = 24 * 60 * 60 * 1000
