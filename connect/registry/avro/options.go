package avro

import (
	"github.com/sluice-connect/sluice/connect"
)

// options are the converter's keys that change the mapping (AvroDataConfig).
type options struct {
	enhanced       bool // enums and full names survive
	general        bool // sums as Confluent's formats share them
	scrub          bool
	metadata       bool // connect.* properties
	ignoreDefaults bool
	optionalKeys   bool
	flatten        bool
	cache          int
}

var (
	enhancedKey = connect.BoolKey("enhanced.avro.schema.support",
		"Whether enums survive the way through Connect, and unions name their branches by full names.").Default(false)

	generalKey = connect.BoolKey("generalized.sum.type.support",
		"Whether unions and enums have the form in Connect that the converters of all formats share.").Default(false)

	scrubKey = connect.BoolKey("scrub.invalid.names", "Whether names are made fit for Avro where they are not.").Default(false)

	metadataKey = connect.BoolKey("connect.meta.data", "Whether the Avro schema also says what Connect's schema does beyond it.").
			Default(true).Importance(connect.Low)

	ignoreDefaultsKey = connect.BoolKey("ignore.default.for.nullables", "Whether a null in a field with a default stays null.").Default(false)

	optionalKeysKey = connect.BoolKey("allow.optional.map.keys", "Whether a map with optional string keys is a map in Avro too.").
			Default(false).Importance(connect.Low)

	flattenKey = connect.BoolKey("flatten.singleton.unions", "Whether a union of one type is read as that type.").
			Default(true).Importance(connect.Low)

	cacheKey = connect.IntKey("schemas.cache.config", "How many converted schemas are kept, in each direction.").
			Default(1000).Importance(connect.Low).Must(connect.AtLeast(1))

	codecKey = connect.StringKey("avro.codec", "The compression of Avro's blocks, which messages do not have: null.").
			Default("null").Importance(connect.Low).Must(connect.OneOf("null"))
)

var keys = []connect.Definer{
	enhancedKey, generalKey, scrubKey, metadataKey, ignoreDefaultsKey, optionalKeysKey, flattenKey, cacheKey, codecKey,
}

func optionsOf(cfg connect.Config) options {
	return options{
		enhanced: enhancedKey.Get(cfg), general: generalKey.Get(cfg), scrub: scrubKey.Get(cfg), metadata: metadataKey.Get(cfg),
		ignoreDefaults: ignoreDefaultsKey.Get(cfg), optionalKeys: optionalKeysKey.Get(cfg), flatten: flattenKey.Get(cfg), cache: cacheKey.Get(cfg),
	}
}

// isUnion reports whether a struct stands for a union: one of its fields is set.
func isUnion(s *connect.Schema) bool {
	if s.Kind() != connect.KindStruct {
		return false
	}
	_, general := s.Params()[generalUnionParam]
	return general || s.Name() == unionName
}

// isEnum reports whether a string stands for an enum.
func isEnum(s *connect.Schema) bool {
	_, general := s.Params()[generalEnumParam]
	_, own := s.Params()[enumParam]
	return s.Kind() == connect.KindString && (general || own)
}

// asEnum is isEnum as far as the options heed it, with the parameter that holds its name.
func (o options) asEnum(s *connect.Schema) (param string, ok bool) {
	if !isEnum(s) || !o.general && !o.enhanced {
		return "", false
	}
	if o.general {
		return generalEnumParam, true
	}
	return enumParam, true
}

// isFixed reports whether bytes have a size of their own.
func isFixed(s *connect.Schema) bool {
	_, sized := s.Params()[fixedSizeParam]
	return s.Kind() == connect.KindBytes && s.HasName() && sized
}

// isPlainMap reports whether a map is one in Avro, whose keys are strings.
func (o options) isPlainMap(s *connect.Schema) bool {
	keys := s.Keys()
	return keys != nil && keys.Kind() == connect.KindString && (!keys.Optional() || o.optionalKeys)
}
