package jsonschema

import (
	"errors"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// Names that Confluent's converter gives a meaning (io.confluent.connect.json.JsonSchemaData).
const (
	namespace = "io.confluent.connect.json"
	enumParam = namespace + ".Enum"
	unionName = namespace + ".OneOf"
	nullName  = "<NULL>" // the symbol of an enum that stands for null

	generalUnionParam = "org.apache.kafka.connect.data.Union"
	generalEnumParam  = "org.apache.kafka.connect.data.Enum"
	generalUnionName  = "connect_union_"
	generalUnionField = "connect_union_field_"

	typeProp       = "connect.type"
	versionProp    = "connect.version"
	parametersProp = "connect.parameters"
	indexProp      = "connect.index"

	keyField   = "key"
	valueField = "value"
)

// options are the converter's keys that change the mapping (JsonSchemaDataConfig).
type options struct {
	general        bool
	flatten        bool
	ignoreDefaults bool
	closed         bool // objects say that they have no other properties
	optionalUnless bool // what is not required is optional
	numeric        bool // decimals are numbers
	validate       bool
	cache          int
}

var (
	generalKey = connect.BoolKey("generalized.sum.type.support",
		"Whether unions and enums have the form in Connect that the converters of all formats share.").Default(false)

	flattenKey = connect.BoolKey("flatten.singleton.unions", "Whether a oneOf or anyOf of one schema is read as that schema.").
			Default(true).Importance(connect.Low)

	ignoreDefaultsKey = connect.BoolKey("ignore.default.for.nullables", "Whether a null in a field with a default stays null.").Default(false)

	additionalKey = connect.BoolKey("object.additional.properties", "Whether objects may have properties that their schema does not name.").Default(true)

	nonRequiredKey = connect.BoolKey("use.optional.for.nonrequired", "Whether properties that are not required are optional in Connect.").Default(false)

	decimalKey = connect.StringKey("decimal.format",
		"How decimals are written: BASE64 (the unscaled bytes) or NUMERIC (a JSON number). Both are read.").
		Default("BASE64").Importance(connect.Low).Must(connect.OneOfFold("BASE64", "NUMERIC"))

	validateKey = connect.BoolKey("json.fail.invalid.schema", "Whether each message is validated against its schema, which costs as much again.").
			Default(false)

	cacheKey = connect.IntKey("schemas.cache.config", "How many converted schemas are kept, in each direction.").
			Default(1000).Importance(connect.Low).Must(connect.AtLeast(1))

	cacheSizeKey = connect.IntKey("schemas.cache.size", "Another name of schemas.cache.config.").Optional().Importance(connect.Low).Must(connect.AtLeast(1))

	datesKey = connect.BoolKey("json.write.dates.iso8601",
		"It concerns Java's serializer of objects: a converter writes dates as numbers, whatever it says.").
		Default(false).Importance(connect.Low).Must(withoutEffect)
)

var keys = []connect.Definer{
	generalKey, flattenKey, ignoreDefaultsKey, additionalKey, nonRequiredKey, decimalKey, validateKey, cacheKey, cacheSizeKey, datesKey,
}

// withoutEffect refuses what Java accepts without heeding it.
func withoutEffect(v connect.Value) error {
	if !v.IsNull() && v.Bool() {
		return errors.New("it has no effect on a converter, in Java neither: a transform makes texts of dates (TimestampConverter)")
	}
	return nil
}

func optionsOf(cfg connect.Config) options {
	o := options{
		general: generalKey.Get(cfg), flatten: flattenKey.Get(cfg), ignoreDefaults: ignoreDefaultsKey.Get(cfg), closed: !additionalKey.Get(cfg),
		optionalUnless: nonRequiredKey.Get(cfg), numeric: strings.EqualFold(decimalKey.Get(cfg), "NUMERIC"), validate: validateKey.Get(cfg),
		cache: cacheKey.Get(cfg),
	}
	if size, given := cacheSizeKey.Lookup(cfg); given {
		o.cache = size
	}
	return o
}

// isUnion reports whether a struct stands for a oneOf: one of its fields is set.
func isUnion(s *connect.Schema) bool {
	_, general := s.Params()[generalUnionParam]
	return s.Kind() == connect.KindStruct && (general || s.Name() == unionName)
}

// asEnum reports whether a string stands for an enum, and under which parameter its symbols are.
func (o options) asEnum(s *connect.Schema) (param string, ok bool) {
	_, general := s.Params()[generalEnumParam]
	_, own := s.Params()[enumParam]
	if s.Kind() != connect.KindString || !general && !own {
		return "", false
	}
	if o.general {
		return generalEnumParam, true
	}
	return enumParam, true
}

// isObject reports whether a map is an object in JSON, whose keys are texts.
func isObject(s *connect.Schema) bool {
	return s.Keys() != nil && s.Keys().Kind() == connect.KindString && !s.Keys().Optional()
}
