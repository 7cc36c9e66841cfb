package protobuf

import (
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// Names that Confluent's converter gives a meaning (io.confluent.connect.protobuf.ProtobufData).
const (
	namespace   = "io.confluent.connect.protobuf"
	enumParam   = namespace + ".Enum"
	unionName   = namespace + ".Union"
	tagParam    = namespace + ".Tag"
	typeParam   = namespace + ".Type"
	wrapParam   = namespace + ".Wrapper"
	defaultName = "ConnectDefault"
	entrySuffix = "Entry"

	generalUnionParam = "org.apache.kafka.connect.data.Union"
	generalEnumParam  = "org.apache.kafka.connect.data.Enum"

	precisionParam = "connect.decimal.precision"

	decimalType   = "confluent.type.Decimal"
	dateType      = "google.type.Date"
	timeType      = "google.type.TimeOfDay"
	timestampType = "google.protobuf.Timestamp"
)

// options are the converter's keys that change the mapping (ProtobufDataConfig).
type options struct {
	enhanced       bool // full names survive
	general        bool
	scrub          bool
	ints           bool // enums are numbers
	optional       bool // nullable fields carry the label optional
	proto2         bool
	wrap           bool // nullable scalars are wrapper messages
	wrapRoot       bool
	structs        bool // a message that is not there is a struct of defaults
	unionIndex     bool
	flatten        bool
	ignoreDefaults bool
	cache          int
}

var (
	enhancedKey = connect.BoolKey("enhanced.protobuf.schema.support", "Whether messages keep their packages in their names.").Default(false)

	generalKey = connect.BoolKey("generalized.sum.type.support",
		"Whether oneofs and enums have the form in Connect that the converters of all formats share.").Default(false)

	scrubKey = connect.BoolKey("scrub.invalid.names", "Whether names are made fit for Protobuf where they are not.").Default(false)

	intsKey = connect.BoolKey("int.for.enums", "Whether enums are numbers in Connect.").Default(false)

	optionalKey = connect.BoolKey("optional.for.nullables", "Whether fields that may be null carry the label optional, and only those may be null.").Default(false)

	proto2Key = connect.BoolKey("optional.for.proto2", "Whether optional fields of proto2 that are not there are null.").Default(true)

	wrapKey = connect.BoolKey("wrapper.for.nullables", "Whether scalars that may be null are Google's wrapper messages, and only those may be null.").Default(false)

	wrapRootKey = connect.BoolKey("wrapper.for.raw.primitives", "Whether a wrapper message that is the whole message is read as its scalar.").Default(true)

	structsKey = connect.BoolKey("generate.struct.for.nulls", "Whether a message that is not there is read as a struct of defaults.").Default(false)

	unionIndexKey = connect.BoolKey("generate.index.for.unions", "Whether the field of a oneof is named with its position, as kind_0.").Default(true)

	flattenKey = connect.BoolKey("flatten.unions", "Whether the fields of a oneof are fields of the struct itself.").Default(false)

	ignoreDefaultsKey = connect.BoolKey("ignore.default.for.nullables", "Whether a null in a field with a default stays null.").Default(false)

	cacheKey = connect.IntKey("schemas.cache.config", "How many converted schemas are kept, in each direction.").
			Default(1000).Importance(connect.Low).Must(connect.AtLeast(1))
)

var keys = []connect.Definer{
	enhancedKey, generalKey, scrubKey, intsKey, optionalKey, proto2Key, wrapKey, wrapRootKey, structsKey, unionIndexKey, flattenKey, ignoreDefaultsKey, cacheKey,
}

func optionsOf(cfg connect.Config) options {
	return options{
		enhanced: enhancedKey.Get(cfg), general: generalKey.Get(cfg), scrub: scrubKey.Get(cfg), ints: intsKey.Get(cfg), optional: optionalKey.Get(cfg),
		proto2: proto2Key.Get(cfg), wrap: wrapKey.Get(cfg), wrapRoot: wrapRootKey.Get(cfg), structs: structsKey.Get(cfg),
		unionIndex: unionIndexKey.Get(cfg), flatten: flattenKey.Get(cfg), ignoreDefaults: ignoreDefaultsKey.Get(cfg), cache: cacheKey.Get(cfg),
	}
}

// isUnion reports whether a struct stands for a oneof: one of its fields is set.
func isUnion(s *connect.Schema) bool {
	_, general := s.Params()[generalUnionParam]
	return s.Kind() == connect.KindStruct && (general || strings.HasPrefix(s.Name(), unionName))
}

// asEnum reports whether a text or a number stands for an enum, and under which parameter its symbols are.
func (o options) asEnum(s *connect.Schema) (param string, ok bool) {
	_, general := s.Params()[generalEnumParam]
	_, own := s.Params()[enumParam]
	switch k := s.Kind(); {
	case k != connect.KindString && k != connect.KindInt32 || !general && !own:
		return "", false
	case general && (o.general || !own):
		return generalEnumParam, true
	}
	return enumParam, true
}

// wrapped reports whether a scalar is a wrapper message. What is in a oneof may be missing by itself, and is wrapped only if it was so when it was read.
func (o options) wrapped(s *connect.Schema, inOneof bool) bool {
	return o.wrap && s.Optional() && (!inOneof || s.Params()[wrapParam] == "true")
}

// scrubbed makes a name that Protobuf takes: other characters become those of their URL encoding (java.net.URLEncoder), of which what does not fit
// becomes an underscore, and a name that does not begin with a letter gets an x.
func (o options) scrubbed(name string) string {
	if !o.scrub || name == "" {
		return name
	}
	const hex = "0123456789ABCDEF"
	var out []byte
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_':
			out = append(out, c)
		case c == ' ' || c == '.' || c == '-' || c == '*':
			out = append(out, '_')
		default:
			out = append(out, '_', hex[c>>4], hex[c&15])
		}
	}
	if c := out[0]; c == '_' && name[0] == '_' || c >= '0' && c <= '9' {
		out = append([]byte{'x'}, out...)
	}
	return string(out)
}

// split parts a full name.
func (o options) split(full string) (pkg, name string) {
	parts := strings.Split(full, ".")
	for i := range parts {
		parts[i] = o.scrubbed(parts[i])
	}
	return strings.Join(parts[:len(parts)-1], "."), parts[len(parts)-1]
}
