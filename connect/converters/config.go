package converters

import (
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

const version = "4.1.2"

type key[T any] struct {
	name  string
	dflt  T
	parse func(string) (T, error)
}

func (k key[T]) Name() string { return k.name }
func (k key[T]) Get(cfg connect.Config) T {
	if t, ok := cfg[k.name]; ok {
		v, err := k.parse(t)
		if err == nil {
			return v
		}
	}
	return k.dflt
}
func ident(s string) (string, error) { return s, nil }
func lowbool(s string) (bool, error) { return strconv.ParseBool(strings.ToLower(s)) }

var (
	encodingKey         = key[string]{"converter.encoding", "UTF-8", ident}
	schemasEnableKey    = key[bool]{"schemas.enable", true, lowbool}
	schemasCacheSizeKey = key[int]{"schemas.cache.size", 1000, strconv.Atoi}
	decimalFormatKey    = key[string]{"decimal.format", "BASE64", ident}
	replaceNullKey      = key[bool]{"replace.null.with.default", true, lowbool}
)

var jsonDefinition = forAnySeat(connect.NewSpec("org.apache.kafka.connect.json.JsonConverter", version), newJSONConverter)
var stringDefinition = forAnySeat(connect.NewSpec("org.apache.kafka.connect.storage.StringConverter", version), newStringConverter)
