package jsonschema

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	library "github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/converters"
	"github.com/sluice-connect/sluice/connect/jsontext"
	"github.com/sluice-connect/sluice/connect/registry"
)

// Definition is the converter class.
var Definition = registry.Definition("io.confluent.connect.json.JsonSchemaConverter", keys,
	func(r *registry.Registry, cfg connect.Config) (converters.Converter, error) {
		return newConverter(r, optionsOf(cfg)), nil
	})

// converter is Confluent's JsonSchemaConverter.
type converter struct {
	registry *registry.Registry
	options  options
	writing  registry.Memo[registry.Written, writing]
	reading  registry.Memo[registry.Read, reading]
}

// writing is how the values of one schema are written to one topic.
type writing struct {
	id    int32
	valid *library.Schema // nil for no check
}

// reading is how messages of one id are read from one topic.
type reading struct {
	schema *connect.Schema
	valid  *library.Schema
}

func newConverter(r *registry.Registry, o options) *converter {
	limit := min(o.cache, r.Limit)
	c := &converter{registry: r, options: o}
	c.writing, c.reading = registry.NewMemo(limit, c.newWriting), registry.NewMemo(limit, c.newReading)
	return c
}

// Encode writes v. A null is a tombstone unless its schema is optional or has a default: then it is JSON's null, or the default.
func (c *converter) Encode(room *converters.Arena, topic string, schema *connect.Schema, v connect.Value) ([]byte, error) {
	switch {
	case v.IsNull() && (schema == nil || !schema.Optional() && schema.Default().IsNull()):
		return nil, nil
	case schema == nil:
		return nil, fmt.Errorf("writing JSON with a JSON Schema: %w: the record has no schema, which this converter needs", connect.ErrData)
	}
	w, err := c.writing.Get(registry.Written{Topic: topic, Schema: schema})
	if err != nil {
		return nil, err
	}
	buf, err := c.options.appendValue(registry.AppendHeader(room.Room(), w.id), schema, v)
	if err == nil && w.valid != nil {
		err = validate(w.valid, buf[registry.HeaderSize:])
	}
	if err != nil {
		return nil, fmt.Errorf("writing JSON with a JSON Schema: %w", err)
	}
	return room.Keep(buf), nil
}

func (c *converter) newWriting(key registry.Written) (w writing, expires time.Time, err error) {
	own, err := c.options.text(key.Schema)
	if err != nil {
		return w, expires, err
	}
	subject, err := c.registry.Subject(key.Topic, key.Schema.Name())
	if err != nil {
		return w, expires, err
	}
	// Whether one JSON Schema allows all that another does cannot be told from the two in general. Where Java compares the texts, each message is
	// validated here.
	strict := false
	stored, err := c.registry.ToWrite(subject, own, registry.JSONSchema, func(registry.Schema) error { strict = true; return nil })
	if err == nil && (c.options.validate || strict) {
		w.valid, err = compile(stored)
	}
	w.id = stored.ID
	return w, stored.Expires, err
}

// Decode reads a message. Texts share data where nothing in them is escaped.
func (c *converter) Decode(topic string, data []byte) (*connect.Schema, connect.Value, error) {
	if data == nil {
		return nil, connect.Value{}, nil
	}
	id, payload, err := registry.CutHeader(data)
	if err != nil {
		return nil, connect.Value{}, err
	}
	r, err := c.reading.Get(registry.Read{Topic: topic, ID: id})
	if err != nil {
		return nil, connect.Value{}, err
	}
	if r.valid != nil {
		err = validate(r.valid, payload)
	}
	var v connect.Value
	if err == nil {
		message := reader{jsontext.Scanner{Data: payload}}
		v, err = message.value(r.schema)
	}
	if err != nil {
		return nil, connect.Value{}, fmt.Errorf("%w: reading JSON with schema %d: %w", connect.ErrData, id, err)
	}
	return r.schema, v, nil
}

func (c *converter) newReading(key registry.Read) (r reading, expires time.Time, err error) {
	own, err := c.registry.ByID(key.ID, registry.JSONSchema)
	if err != nil {
		return r, expires, err
	}
	title := text([]byte(own.Text), "title")
	as, version, err := c.registry.ReadAs(key.Topic, title, own)
	if err != nil {
		return r, expires, err
	}
	if r.schema, err = c.options.toConnect(as, version); err != nil {
		return r, expires, c.registry.Unreadable(as, key.Topic, title, err)
	}
	if c.options.validate {
		r.valid, err = compile(as)
	}
	return r, as.Expires, err
}

// compile makes a validator of a schema and those it refers to. Nothing is fetched.
func compile(stored registry.Schema) (*library.Schema, error) {
	c := library.NewCompiler()
	c.DefaultDraft(library.Draft7) // Confluent's default
	for _, ref := range append(stored.References, registry.Reference{Name: "message.json", Text: stored.Text}) {
		doc, err := library.UnmarshalJSON(strings.NewReader(ref.Text))
		if err == nil {
			err = c.AddResource(ref.Name, doc)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: JSON Schema %s: %w", connect.ErrData, ref.Name, err)
		}
	}
	s, err := c.Compile("message.json")
	if err != nil {
		return nil, fmt.Errorf("%w: JSON Schema %d: %w", connect.ErrData, stored.ID, err)
	}
	return s, nil
}

func validate(s *library.Schema, payload []byte) error {
	doc, err := library.UnmarshalJSON(bytes.NewReader(payload))
	if err == nil {
		err = s.Validate(doc)
	}
	if err != nil {
		return fmt.Errorf("%w: the message is not valid under its schema: %w", connect.ErrData, err)
	}
	return nil
}
