package converters

import (
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// version is what Kafka Connect's own converters answer: the release whose behaviour they have here.
const version = "4.1.2"

var (
	seatKey = connect.StringKey("converter.type", "How this converter will be used. The worker sets it.").Importance(connect.Low).
		Must(connect.OneOf(string(Key), string(Value), string(Header)))

	encodingKey = connect.StringKey("converter.encoding",
		"The Java name of the character set in which strings are written: UTF-8, US-ASCII, UTF-16, ISO-8859-n or windows-125n.").
		Default("UTF-8").Importance(connect.High).Group("", -1, connect.WidthMedium, "Encoding").Must(knownCharset)

	schemasEnableKey = connect.BoolKey("schemas.enable", "Include schemas within each of the serialized values and keys.").
				Default(true).Importance(connect.High).Group("Schemas", 0, connect.WidthMedium, "Enable Schemas")

	schemasCacheSizeKey = connect.IntKey("schemas.cache.size",
		"The maximum number of schemas that this converter keeps for writing, and for reading.").
		Default(1000).Importance(connect.High).Group("Schemas", 1, connect.WidthMedium, "Schema Cache Size")

	decimalFormatKey = connect.StringKey("decimal.format",
		"How this converter writes decimals: BASE64 (the unscaled bytes) or NUMERIC (a JSON number). Upper and lower case are the same.").
		Default(string(Base64)).Importance(connect.Low).Group("Serialization", 0, connect.WidthMedium, "Decimal Format").
		Must(connect.OneOfFold(string(Numeric), string(Base64)))

	replaceNullKey = connect.BoolKey("replace.null.with.default",
		"Whether a null in a field that has a default becomes the default; otherwise it stays null.").
		Default(true).Importance(connect.Low).Group("Serialization", 1, connect.WidthMedium, "Replace null with default")
)

func knownCharset(v connect.Value) error {
	if v.IsNull() {
		return nil
	}
	_, err := charsetNamed(v.Str())
	return err
}

// checkedOptions returns the first thing that is wrong with a converter's own keys, a [connect.ConfigError]. Options of the worker's reach a
// converter without having been validated.
func checkedOptions(cfg connect.Config, keys ...connect.Definer) error {
	for _, report := range connect.NewSpec("", "", keys...).Keys.Validate(cfg) {
		if len(report.Errors) > 0 {
			return &connect.ConfigError{Key: report.Def.Name, Reason: strings.Join(report.Errors, "; ")}
		}
	}
	return nil
}
