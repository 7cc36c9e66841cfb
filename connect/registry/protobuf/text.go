package protobuf

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// text writes the file of a Connect schema and names the message in it (ProtobufData.fromConnectSchema).
func (o options) text(s *connect.Schema) (file, message string, err error) {
	w := newFileWriter(o)
	if s.Kind() == connect.KindStruct && !isUnion(s) {
		if file, message, err = w.structFile(s); errors.Is(err, errEndless) {
			w = newFileWriter(o)
			w.once = true
			file, message, err = w.structFile(s)
		}
	} else {
		file, message, err = w.wrapperFile(s)
	}
	if err != nil {
		err = fmt.Errorf("%w: the schema does not fit Protobuf: %w", connect.ErrData, err)
	}
	return file, message, err
}

type fileWriter struct {
	options
	imports map[string]bool
	unnamed int // schemas without a name so far, the root's included
	once    bool
	defined []definition // messages that hold themselves
}

// definition is a message of the file by its full name.
type definition struct {
	schema *connect.Schema
	name   string
}

// errEndless ends the writing of a file in which messages hold each other. As in Java each message defines those that it holds, and is known by its name
// within itself: that ends where messages hold none but themselves. Else the file is written anew, with each of them defined once and known by its full
// name in all others.
var errEndless = errors.New("messages that hold each other")

func newFileWriter(o options) *fileWriter {
	return &fileWriter{options: o, imports: map[string]bool{}, unnamed: 1}
}

// definitionOf is the full name of a message that is defined already, "" for none.
func (w *fileWriter) definitionOf(s *connect.Schema) string {
	for _, d := range w.defined {
		if sameType(d.schema, s) {
			return d.name
		}
	}
	return ""
}

// wrapperFile is that of Google's wrappers, in which scalars travel alone.
func (w *fileWriter) wrapperFile(s *connect.Schema) (file, message string, err error) {
	name := wrapperOf(s)
	if name == "" || isLogical(s) {
		return "", "", fmt.Errorf("a %s cannot be a message of its own: put it into a struct", s.Kind())
	}
	var b strings.Builder
	b.WriteString("syntax = \"proto3\";\npackage google.protobuf;\n\n")
	for _, typ := range []string{"double", "float", "int64", "uint64", "int32", "uint32", "bool", "string", "bytes"} {
		fmt.Fprintf(&b, "message %s {\n  %s value = 1;\n}\n", wrapperNames[typ], typ)
	}
	return b.String(), "google.protobuf." + name, nil
}

var wrapperNames = map[string]string{
	"double": "DoubleValue", "float": "FloatValue", "int64": "Int64Value", "uint64": "UInt64Value", "int32": "Int32Value", "uint32": "UInt32Value",
	"bool": "BoolValue", "string": "StringValue", "bytes": "BytesValue",
}

// wrapperOf is the wrapper of a scalar, "" where there is none.
func wrapperOf(s *connect.Schema) string {
	switch typ := scalarType(s); typ {
	case "fixed32":
		return wrapperNames["uint32"]
	case "fixed64":
		return wrapperNames["uint64"]
	case "sint32", "sfixed32":
		return wrapperNames["int32"]
	case "sint64", "sfixed64":
		return wrapperNames["int64"]
	default:
		return wrapperNames[typ]
	}
}

// scalarType is the type of a scalar, "" for others.
func scalarType(s *connect.Schema) string {
	switch k := s.Kind(); k {
	case connect.KindInt8, connect.KindInt16:
		return "int32"
	case connect.KindInt32, connect.KindInt64:
		if own := s.Params()[typeParam]; own != "" {
			return own
		}
		return k.String()
	case connect.KindFloat32:
		return "float"
	case connect.KindFloat64:
		return "double"
	case connect.KindBoolean:
		return "bool"
	case connect.KindString:
		return "string"
	case connect.KindBytes:
		return "bytes"
	}
	return ""
}

func isLogical(s *connect.Schema) bool { _, ok := logicalTypes[s.Name()]; return ok }

// logicalTypes are the messages of Connect's logical types, and where they are defined.
var logicalTypes = map[string]struct{ message, file string }{
	connect.DecimalName:   {decimalType, "confluent/type/decimal.proto"},
	connect.DateName:      {dateType, "google/type/date.proto"},
	connect.TimeName:      {timeType, "google/type/timeofday.proto"},
	connect.TimestampName: {timestampType, "google/protobuf/timestamp.proto"},
}

func (w *fileWriter) structFile(s *connect.Schema) (file, message string, err error) {
	full := s.Name()
	if full == "" {
		full = defaultName + "1"
	}
	pkg, name := w.split(full)
	top := &messageWriter{file: w}
	if pkg != "" {
		top.full = "." + pkg
	}
	body := top.within(name, s)
	if err := body.fields(s); err != nil {
		return "", "", err
	}
	var b strings.Builder
	b.WriteString("syntax = \"proto3\";\n")
	if message = name; pkg != "" {
		fmt.Fprintf(&b, "package %s;\n", pkg)
		message = pkg + "." + name
	}
	b.WriteByte('\n')
	for _, path := range slices.Sorted(maps.Keys(w.imports)) {
		fmt.Fprintf(&b, "import %q;\n", path)
	}
	if len(w.imports) > 0 {
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "message %s {\n%s%s}\n", name, body.lines.String(), body.types.String())
	return b.String(), message, nil
}

// short is a schema's name without its package, or one made for it.
func (w *fileWriter) short(s *connect.Schema) string {
	if s.Name() == "" {
		w.unnamed++
		return defaultName + strconv.Itoa(w.unnamed)
	}
	_, name := w.split(s.Name())
	return name
}

// messageWriter writes what is between the braces of one message.
type messageWriter struct {
	file         *fileWriter
	around       *messageWriter  // the message that this one is in, nil for none
	schema       *connect.Schema // of the message
	full         string          // its full name, with a dot in front
	name, indent string
	lines, types strings.Builder
	nested       map[string]*connect.Schema // types that are defined within
	oneofs       map[string]bool
}

func (m *messageWriter) fields(s *connect.Schema) error {
	next := 1
	for _, f := range s.Fields() {
		if f.Schema == nil {
			return fmt.Errorf("field %s is schemaless", f.Name)
		}
		if isUnion(f.Schema) {
			if err := m.oneof(f.Schema); err != nil {
				return fmt.Errorf("field %s: %w", f.Name, err)
			}
			continue
		}
		line, err := m.field(f, &next, false)
		if err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
		m.lines.WriteString(m.indent + line)
	}
	return nil
}

// oneof writes the fields of a union. Those that do not say their numbers cannot be told from the others: Java gives them none either.
func (m *messageWriter) oneof(s *connect.Schema) error {
	name := strings.TrimPrefix(strings.TrimPrefix(s.Name(), unionName), ".")
	if own, general := s.Params()[generalUnionParam]; general && m.file.general {
		name = own
	}
	_, name = m.file.split(name)
	if name == "" || m.oneofs[name] {
		return fmt.Errorf("a union needs a name of its own, such as %s.kind", unionName)
	}
	if m.oneofs == nil {
		m.oneofs = map[string]bool{}
	}
	m.oneofs[name] = true
	m.lines.WriteString(m.indent + "oneof " + name + " {\n")
	for _, f := range s.Fields() {
		if f.Schema.Params()[tagParam] == "" {
			return fmt.Errorf("the member %s of a union has no number: give it by the parameter %s", f.Name, tagParam)
		}
		line, err := m.field(f, nil, true)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		m.lines.WriteString(m.indent + "  " + line)
	}
	m.lines.WriteString(m.indent + "}\n")
	return nil
}

func (m *messageWriter) field(f connect.Field, next *int, inOneof bool) (string, error) {
	s, label := f.Schema, ""
	tag, err := strconv.Atoi(s.Params()[tagParam])
	if err != nil {
		tag = *next
		*next++
	}
	switch {
	case s.Kind() == connect.KindArray:
		if s = s.Elem(); s == nil || s.Kind() == connect.KindArray || s.Kind() == connect.KindMap || isUnion(s) {
			return "", errors.New("a list of what is not a single value: Protobuf has lists of messages and scalars only")
		}
		label = "repeated "
	case s.Kind() == connect.KindMap:
		label = "repeated "
	case m.file.optional && s.Optional() && !inOneof:
		label = "optional "
	}
	name := m.file.scrubbed(f.Name)
	typ, meta, err := m.typeOf(s, name, inOneof)
	if err != nil {
		return "", err
	}
	if len(meta) > 0 {
		m.file.imports["confluent/meta.proto"] = true
		return fmt.Sprintf("%s%s %s = %d [(confluent.field_meta) = { params: [%s] }];\n", label, typ, name, tag, strings.Join(meta, ", ")), nil
	}
	return fmt.Sprintf("%s%s %s = %d;\n", label, typ, name, tag), nil
}

// typeOf is the type of a field, which is defined on the way, with what its own options must say.
func (m *messageWriter) typeOf(s *connect.Schema, field string, inOneof bool) (typ string, meta []string, err error) {
	if logical, ok := logicalTypes[s.Name()]; ok {
		m.file.imports[logical.file] = true
		if s.Name() == connect.DecimalName {
			meta = paramLines(map[string]string{"precision": s.Params()[precisionParam], "scale": s.Params()[connect.ScaleParam]})
		}
		return logical.message, meta, nil
	}
	if param, ok := m.file.asEnum(s); ok {
		return m.enum(s, param)
	}
	switch s.Kind() {
	case connect.KindStruct:
		typ, err = m.message(s, field)
		return typ, nil, err
	case connect.KindMap:
		typ, err = m.entry(s)
		return typ, nil, err
	case connect.KindInt8, connect.KindInt16:
		meta = paramLines(map[string]string{"connect.type": s.Kind().String()})
	}
	if m.file.wrapped(s, inOneof) {
		m.file.imports["google/protobuf/wrappers.proto"] = true
		return "google.protobuf." + wrapperOf(s), meta, nil
	}
	return scalarType(s), meta, nil
}

func paramLines(params map[string]string) []string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(params)) {
		if params[key] != "" {
			out = append(out, fmt.Sprintf("{ key: %q, value: %q }", key, params[key]))
		}
	}
	return out
}

// define adds a type within the message, once for equal schemas. There is none to write where fresh is false.
func (m *messageWriter) define(name string, s *connect.Schema) (fresh bool, err error) {
	before, defined := m.nested[name]
	if !defined {
		m.nested[name] = s
		return true, nil
	}
	if !sameContent(before, s) {
		return false, fmt.Errorf("two different schemas are named %s", name)
	}
	return false, nil
}

// sameContent compares what makes a type, without what belongs to the field that has it.
func sameContent(s, o *connect.Schema) bool {
	if s.Kind() != o.Kind() || !s.Keys().Equal(o.Keys()) || !s.Elem().Equal(o.Elem()) || len(s.Fields()) != len(o.Fields()) {
		return false
	}
	for i, f := range s.Fields() {
		if g := o.Fields()[i]; f.Name != g.Name || !f.Schema.Equal(g.Schema) {
			return false
		}
	}
	content := func(s *connect.Schema) map[string]string {
		out := maps.Clone(s.Params())
		delete(out, tagParam)
		return out
	}
	return maps.Equal(content(s), content(o))
}

// sameType tells whether two schemas are one message.
func sameType(s, o *connect.Schema) bool { return s.Name() == o.Name() && sameContent(s, o) }

func (m *messageWriter) within(name string, s *connect.Schema) *messageWriter {
	inner := &messageWriter{
		file: m.file, around: m, schema: s, full: m.full + "." + name, name: name, indent: m.indent + "  ", nested: map[string]*connect.Schema{},
	}
	if s.Kind() == connect.KindStruct && s.Recursive() {
		inner.nested[name] = s
		m.file.defined = append(m.file.defined, definition{s, inner.full})
	}
	return inner
}

func (m *messageWriter) close(inner *messageWriter) {
	m.types.WriteString(m.indent + "message " + inner.name + " {\n" + inner.lines.String() + inner.types.String() + m.indent + "}\n")
}

func (m *messageWriter) message(s *connect.Schema, field string) (string, error) {
	if s.Recursive() && s.Name() == "" {
		if full, err := m.before(m, s); full != "" || err != nil {
			return full, err
		}
	}
	name := m.file.short(s)
	if name == field { // a type and a field of one name do not go together
		name += "Message"
	}
	if s.Recursive() && m.nested[name] == nil {
		if full, err := m.before(m.around, s); full != "" || err != nil {
			return full, err
		}
	}
	fresh, err := m.define(name, s)
	if err != nil || !fresh {
		return name, err
	}
	inner := m.within(name, s)
	if err := inner.fields(s); err != nil {
		return "", err
	}
	m.close(inner)
	return name, nil
}

// before is the full name of a message that was defined before, "" for none. It is [errEndless] where the message is around from and each is defined where
// it occurs.
func (m *messageWriter) before(from *messageWriter, s *connect.Schema) (string, error) {
	if m.file.once {
		return m.file.definitionOf(s), nil
	}
	for ; from != nil; from = from.around {
		if from.schema != nil && sameType(from.schema, s) {
			return "", errEndless
		}
	}
	return "", nil
}

// entry defines the message of a map's entries. A list of them is read as a map by the message's name and fields, whatever the keys are.
func (m *messageWriter) entry(s *connect.Schema) (string, error) {
	name := m.file.short(s)
	if strings.Contains(name, "_") {
		name = camel(name)
	}
	name += entrySuffix
	fresh, err := m.define(name, s)
	if err != nil || !fresh {
		return name, err
	}
	inner := m.within(name, s)
	next := 1
	for _, f := range []connect.Field{connect.F("key", s.Keys()), connect.F("value", s.Elem())} {
		if f.Schema == nil || f.Schema.Kind() == connect.KindArray || f.Schema.Kind() == connect.KindMap || isUnion(f.Schema) {
			return "", errors.New("a map of what is not a single value: put it into a struct")
		}
		if _, given := f.Schema.Params()[tagParam]; given {
			f.Schema = f.Schema.With(connect.Param(tagParam, strconv.Itoa(next)))
		}
		line, err := inner.field(f, &next, false)
		if err != nil {
			return "", fmt.Errorf("%s: %w", f.Name, err)
		}
		inner.lines.WriteString(inner.indent + line)
		next = 2
	}
	m.close(inner)
	return name, nil
}

// camel turns the underscores of a name into capitals.
func camel(name string) string {
	var b strings.Builder
	for _, part := range strings.Split(name, "_") {
		if part != "" {
			b.WriteString(strings.ToUpper(part[:1]) + strings.ToLower(part[1:]))
		}
	}
	return b.String()
}

func (m *messageWriter) enum(s *connect.Schema, param string) (typ string, meta []string, err error) {
	name := m.file.short(s)
	if s.Name() == "" {
		_, name = m.file.split(s.Params()[param])
	}
	fresh, err := m.define(name, s)
	if err != nil || !fresh {
		return name, nil, err
	}
	type symbol struct {
		name   string
		number int
	}
	var symbols []symbol
	for key, text := range s.Params() {
		if own, ok := strings.CutPrefix(key, param+"."); ok {
			number, err := strconv.Atoi(text)
			if err != nil {
				return "", nil, fmt.Errorf("the symbol %s of an enum has no number", own)
			}
			symbols = append(symbols, symbol{own, number})
		}
	}
	slices.SortFunc(symbols, func(a, b symbol) int {
		if a.number != b.number {
			return a.number - b.number
		}
		return strings.Compare(a.name, b.name)
	})
	// The first symbol of an enum must be its zero.
	if zero := slices.IndexFunc(symbols, func(s symbol) bool { return s.number == 0 }); zero > 0 {
		symbols = slices.Insert(slices.Delete(slices.Clone(symbols), zero, zero+1), 0, symbols[zero])
	}
	m.types.WriteString(m.indent + "enum " + name + " {\n")
	for _, s := range symbols {
		fmt.Fprintf(&m.types, "%s  %s = %d;\n", m.indent, s.name, s.number)
	}
	m.types.WriteString(m.indent + "}\n")
	return name, nil, nil
}
