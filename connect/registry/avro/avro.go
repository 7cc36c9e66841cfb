package avro

import (
	"fmt"
	"time"

	library "github.com/twmb/avro"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/converters"
	"github.com/sluice-connect/sluice/connect/registry"
	"github.com/sluice-connect/sluice/connect/values"
)

// Definition is the converter class.
var Definition = registry.Definition("io.confluent.connect.avro.AvroConverter", keys,
	func(r *registry.Registry, cfg connect.Config) (converters.Converter, error) {
		return newConverter(r, optionsOf(cfg)), nil
	})

// converter is Confluent's AvroConverter.
type converter struct {
	registry *registry.Registry
	options  options
	writing  registry.Memo[registry.Written, writing]
	reading  registry.Memo[registry.Read, reading]
	message  source // the one being read
}

// writing is how the values of one schema are written to one topic.
type writing struct {
	id   int32
	enc  *encoder
	bare bool // of bytes alone, which stand in the message as they are, without their length
}

// reading is how messages of one id are read from one topic.
type reading struct {
	schema *connect.Schema
	dec    *decoder
	bare   bool
}

func newConverter(r *registry.Registry, o options) *converter {
	limit := min(o.cache, r.Limit)
	c := &converter{registry: r, options: o}
	c.writing, c.reading = registry.NewMemo(limit, c.newWriting), registry.NewMemo(limit, c.newReading)
	return c
}

// Encode writes v. A null is a tombstone, also where its schema is optional.
func (c *converter) Encode(room *converters.Arena, topic string, schema *connect.Schema, v connect.Value) ([]byte, error) {
	if v.IsNull() {
		if schema != nil && !schema.Optional() {
			return nil, fmt.Errorf("writing Avro: %w", errNull)
		}
		return nil, nil
	}
	w, err := c.writing.Get(registry.Written{Topic: topic, Schema: schema})
	if err != nil {
		return nil, err
	}
	buf := registry.AppendHeader(room.Room(), w.id)
	if w.bare {
		buf, err = w.enc.appendBareBytes(buf, v)
	} else {
		buf, err = w.enc.append(buf, v)
	}
	if err != nil {
		return nil, fmt.Errorf("writing Avro: %w", err)
	}
	return room.Keep(buf), nil
}

// appendBareBytes writes bytes without their length.
func (e *encoder) appendBareBytes(dst []byte, v connect.Value) ([]byte, error) {
	switch v.Kind() {
	case connect.KindBytes:
		return append(dst, v.Bytes()...), nil
	case connect.KindDecimal:
		return values.AppendTwosComplement(dst, v.Decimal().Unscaled), nil
	}
	return nil, e.mismatch(v)
}

func (c *converter) newWriting(key registry.Written) (w writing, expires time.Time, err error) {
	n, err := c.options.fromConnect(key.Schema)
	if err != nil {
		return w, expires, err
	}
	text := n.String()
	own, err := library.Parse(text)
	if err != nil {
		return w, expires, fmt.Errorf("%w: the schema does not fit Avro: %w (scrub.invalid.names=true makes names fit)", connect.ErrData, err)
	}
	subject, err := c.registry.Subject(key.Topic, n.record())
	if err != nil {
		return w, expires, err
	}
	stored, err := c.registry.ToWrite(subject, text, registry.Avro, func(latest registry.Schema) error { return compatible(own, latest) })
	if err != nil {
		return w, expires, err
	}
	if stored.Text != text {
		if n, err = parse(stored.Text, stored.References); err != nil {
			return w, expires, fmt.Errorf("%w: schema %d: %w", connect.ErrData, stored.ID, err)
		}
	}
	w.id, w.bare = stored.ID, n.kind == kindBytes
	w.enc, err = c.options.compileEncoder(key.Schema, n)
	return w, stored.Expires, err
}

// compatible tells whether a latest schema reads what own writes.
func compatible(own *library.Schema, latest registry.Schema) error {
	var cache library.SchemaCache
	for _, ref := range latest.References {
		if _, err := cache.Parse(ref.Text); err != nil {
			return err
		}
	}
	reader, err := cache.Parse(latest.Text)
	if err != nil {
		return err
	}
	return library.CheckCompatibility(own, reader)
}

// Decode reads a message. Texts and bytes share data.
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
	s := &c.message
	s.data, s.at, s.spare, s.depth = payload, 0, maxSpare, 0
	v, err := r.value(s)
	s.data = nil
	if err != nil {
		return nil, connect.Value{}, fmt.Errorf("%w: reading Avro, schema %d: %w", connect.ErrData, id, err)
	}
	return r.schema, v, nil
}

func (r reading) value(s *source) (connect.Value, error) {
	if r.bare {
		// The decoder wants a length in front, which these have not: it is told to take all there is.
		all := *r.dec
		all.size = len(s.data)
		return all.value(s)
	}
	return r.dec.value(s)
}

func (c *converter) newReading(key registry.Read) (r reading, expires time.Time, err error) {
	own, err := c.registry.ByID(key.ID, registry.Avro)
	if err != nil {
		return r, expires, err
	}
	w, err := parse(own.Text, own.References)
	if err != nil {
		return r, expires, fmt.Errorf("%w: schema %d: %w", connect.ErrData, key.ID, err)
	}
	as, version, err := c.registry.ReadAs(key.Topic, w.record(), own)
	if err != nil {
		return r, expires, err
	}
	read := w
	if as.ID != own.ID {
		if read, err = parse(as.Text, as.References); err != nil {
			return r, expires, fmt.Errorf("%w: schema %d: %w", connect.ErrData, as.ID, err)
		}
	}
	r.bare = w.kind == kindBytes
	if r.schema, err = c.options.toConnect(read, version); err != nil {
		return r, expires, c.registry.Unreadable(as, key.Topic, w.record(), err)
	}
	r.dec, err = c.options.compileDecoder(w, read, r.schema)
	return r, as.Expires, err
}
