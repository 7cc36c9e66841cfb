package converters

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// version is what Kafka Connect's own converters answer: the release whose behaviour they have here.
const version = "4.1.2"

// setting is a key of a converter with the reading of its text.
type setting[T any] struct {
	connect.KeyDef
	parse func(text string) (T, error)
}

// Definition returns the key for a [connect.Spec].
func (s setting[T]) Definition() connect.KeyDef { return s.KeyDef }

// read returns the configured value, or the default.
func (s setting[T]) read(cfg connect.Config) (T, error) {
	text, given := cfg[s.Name]
	if !given {
		text, _ = s.Default.Text()
	}
	v, err := s.parse(text)
	if err != nil {
		return v, &connect.ConfigError{Key: s.Name, Reason: fmt.Sprintf("invalid value %q: %v", text, err)}
	}
	return v, nil
}

var seatSetting = setting[Seat]{connect.KeyDef{
	Name: "converter.type", Type: connect.TypeString, Importance: connect.Low, Width: connect.WidthNone, Order: -1,
	Doc:   "How this converter will be used. The worker sets it.",
	Check: check(parseSeat),
}, parseSeat}

var encodingSetting = setting[charset]{connect.KeyDef{
	Name: "converter.encoding", Type: connect.TypeString, Default: connect.TextDefault("UTF-8"), Importance: connect.High,
	Width: connect.WidthMedium, Order: -1, DisplayName: "Encoding",
	Doc:   "The Java name of the character set in which strings are written: UTF-8, US-ASCII, UTF-16, ISO-8859-n or windows-125n.",
	Check: check(charsetNamed),
}, charsetNamed}

var schemasEnableSetting = setting[bool]{connect.KeyDef{
	Name: "schemas.enable", Type: connect.TypeBoolean, Default: connect.TextDefault("true"), Importance: connect.High,
	Width: connect.WidthMedium, Group: "Schemas", Order: 0, DisplayName: "Enable Schemas",
	Doc: "Include schemas within each of the serialized values and keys.",
}, parseBoolean}

var schemasCacheSizeSetting = setting[int]{connect.KeyDef{
	Name: "schemas.cache.size", Type: connect.TypeInt, Default: connect.TextDefault("1000"), Importance: connect.High,
	Width: connect.WidthMedium, Group: "Schemas", Order: 1, DisplayName: "Schema Cache Size",
	Doc: "The maximum number of schemas that this converter keeps for writing, and for reading.",
}, parseInt}

var decimalFormatSetting = setting[DecimalFormat]{connect.KeyDef{
	Name: "decimal.format", Type: connect.TypeString, Default: connect.TextDefault(string(Base64)), Importance: connect.Low,
	Width: connect.WidthMedium, Group: "Serialization", Order: 0, DisplayName: "Decimal Format",
	Doc:   "How this converter writes decimals: BASE64 (the unscaled bytes) or NUMERIC (a JSON number). Upper and lower case are the same.",
	Check: check(parseDecimalFormat),
}, parseDecimalFormat}

var replaceNullSetting = setting[bool]{connect.KeyDef{
	Name: "replace.null.with.default", Type: connect.TypeBoolean, Default: connect.TextDefault("true"), Importance: connect.Low,
	Width: connect.WidthMedium, Group: "Serialization", Order: 1, DisplayName: "Replace null with default",
	Doc: "Whether a null in a field that has a default becomes the default; otherwise it stays null.",
}, parseBoolean}

func parseInt(text string) (int, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
	if err != nil {
		return 0, errors.New("not a number of type INT")
	}
	return int(n), nil
}

func parseBoolean(text string) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, errors.New("expected true or false")
}

func parseSeat(text string) (Seat, error) {
	if s := Seat(strings.TrimSpace(text)); slices.Contains([]Seat{Key, Value, Header}, s) {
		return s, nil
	}
	return "", errors.New("expected key, value or header")
}

func parseDecimalFormat(text string) (DecimalFormat, error) {
	if f := DecimalFormat(strings.ToUpper(strings.TrimSpace(text))); f == Base64 || f == Numeric {
		return f, nil
	}
	return "", errors.New("expected BASE64 or NUMERIC, in upper or lower case")
}

// check makes a setting's parser refuse values where the whole configuration is validated.
func check[T any](parse func(string) (T, error)) connect.Check {
	return func(v connect.Value) error {
		if v.Kind() != connect.KindString {
			return nil // not given, or not parsed: reported by its type
		}
		_, err := parse(v.Str())
		return err
	}
}
