package converters

import (
	"fmt"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/jsontext"
)

// JSON is Kafka Connect's JsonConverter. With schemas each message is an envelope of schema and payload; what a schema looks like as
// text, and the schema that a text stands for, are kept, so that a message costs its payload alone.
type JSON struct {
	options JSONOptions
	// Prefixes of envelopes by schema, up to the payload, and the one used last.
	prefixes   map[*connect.Schema][]byte
	lastSchema *connect.Schema
	lastPrefix []byte
	// Members by struct schema, and those used last.
	members     map[*connect.Schema]*members
	lastMembers *members
	keys        keyNames
	// Schemas by their text, and the beginning of the envelope read last, up to its payload.
	schemas  map[string]*connect.Schema
	readHead []byte
	readLast *connect.Schema
	reading  decoder
}

// JSONOptions are the converter's keys. The zero value is what the topics of the worker use: bare JSON.
type JSONOptions struct {
	Schemas            bool          // schemas.enable
	CacheSize          int           // schemas.cache.size: schemas kept for each direction; 0 for 1000
	Decimals           DecimalFormat // decimal.format
	KeepNullForDefault bool          // replace.null.with.default=false
}

// DecimalFormat says how a Decimal is written; both forms are read.
type DecimalFormat string

// The decimal formats; the empty one is Base64.
const (
	Base64  DecimalFormat = "BASE64"
	Numeric DecimalFormat = "NUMERIC"
)

const defaultCacheSize = 1000

// NewJSON returns a converter for keys, values and, as its Encode and Decode know nothing of topics, anything else.
func NewJSON(o JSONOptions) *JSON {
	if o.CacheSize <= 0 {
		o.CacheSize = defaultCacheSize
	}
	return &JSON{options: o, prefixes: map[*connect.Schema][]byte{}, members: map[*connect.Schema]*members{}, lastMembers: &members{}, schemas: map[string]*connect.Schema{}}
}

var jsonDefinition = forAnySeat(
	connect.NewSpec("org.apache.kafka.connect.json.JsonConverter", version,
		seatKey, schemasEnableKey, schemasCacheSizeKey, decimalFormatKey, replaceNullKey),
	func(_ Seat, cfg connect.Config) (Converter, error) {
		if err := checkedOptions(cfg, schemasEnableKey, schemasCacheSizeKey, decimalFormatKey, replaceNullKey); err != nil {
			return nil, err
		}
		return NewJSON(JSONOptions{
			Schemas: schemasEnableKey.Get(cfg), CacheSize: schemasCacheSizeKey.Get(cfg), KeepNullForDefault: !replaceNullKey.Get(cfg),
			Decimals: DecimalFormat(strings.ToUpper(decimalFormatKey.Get(cfg))),
		}), nil
	},
)

// Encode writes v. A null without schema is null; one with a schema is JSON's null, in its envelope, and no tombstone.
func (c *JSON) Encode(room *Arena, _ string, schema *connect.Schema, v connect.Value) ([]byte, error) {
	if schema == nil && v.IsNull() {
		return nil, nil
	}
	buf := room.Room()
	if !c.options.Schemas {
		out, err := c.appendValue(buf, schema, v)
		if err != nil {
			return nil, fmt.Errorf("writing JSON: %w", err)
		}
		return room.Keep(out), nil
	}
	prefix, err := c.prefix(schema)
	if err != nil {
		return nil, fmt.Errorf("writing JSON schema: %w", err)
	}
	out, err := c.appendValue(append(buf, prefix...), schema, v)
	if err != nil {
		return nil, fmt.Errorf("writing JSON: %w", err)
	}
	return room.Keep(append(out, '}')), nil
}

// prefix is the envelope up to the payload.
func (c *JSON) prefix(schema *connect.Schema) ([]byte, error) {
	if c.lastPrefix != nil && c.lastSchema == schema {
		return c.lastPrefix, nil
	}
	p, known := c.prefixes[schema]
	if !known {
		if schema != nil && schema.Recursive() {
			return nil, fmt.Errorf("%w: the schema %q is recursive: JsonConverter cannot write such a schema (schemas.enable=false writes its values alone)",
				connect.ErrData, schema.Name())
		}
		var err error
		if p, err = c.appendSchema([]byte(`{"schema":`), schema); err != nil {
			return nil, err
		}
		p = append(p, `,"payload":`...)
		if len(c.prefixes) >= c.options.CacheSize { // schemas are made anew all the time: none of these will come again
			clear(c.prefixes)
		}
		c.prefixes[schema] = p
	}
	c.lastSchema, c.lastPrefix = schema, p
	return p, nil
}

const notAnEnvelope = `JsonConverter with schemas.enable requires "schema" and "payload" fields and may not contain additional fields. ` +
	`If you are trying to deserialize plain JSON data, set schemas.enable=false in your converter configuration.`

// notJSON is the error for bytes that cannot be read, in Java's words.
func notJSON(err error) error {
	return fmt.Errorf("%w: Converting byte[] to Kafka Connect data failed due to serialization error: %w", connect.ErrData, err)
}

// Decode reads data. Values share it where a text stands in it as it is.
func (c *JSON) Decode(_ string, data []byte) (*connect.Schema, connect.Value, error) {
	if data == nil {
		return nil, connect.Value{}, nil
	}
	data, err := toUTF8(data)
	if err != nil {
		return nil, connect.Value{}, notJSON(err)
	}
	if c.options.Schemas {
		return c.decodeEnvelope(data)
	}
	d := c.read(data, 0, 0)
	first := d.Peek()
	if first == 0 && d.At == len(data) {
		return nil, connect.Value{}, nil
	}
	v, err := d.bare()
	if err == nil {
		err = d.EndRoot(first)
	}
	if err != nil {
		return nil, connect.Value{}, notJSON(err)
	}
	return nil, v, nil
}

// read makes the converter's decoder, which keeps its room for lists, ready for other data.
func (c *JSON) read(data []byte, at, depth int) *decoder {
	d := &c.reading
	d.Scanner = jsontext.Scanner{Data: data, At: at, Depth: depth}
	d.keepNull, d.stack = c.options.KeepNullForDefault, d.stack[:0]
	return d
}
