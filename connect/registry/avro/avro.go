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
	writing  registry.Cache[writeKey, *writing]
	reading  registry.Cache[readKey, *reading]
	// What was used last.
	wrote   writeKey
	writer  *writing
	read    readKey
	reader  *reading
	message source
}

type writeKey struct {
	topic  string
	schema *connect.Schema
}

type readKey struct {
	topic string
	id    int32
}

// writing is how the values of one schema are written to one topic.
type writing struct {
	id      int32
	enc     *encoder
	bare    bool // of bytes alone, which stand in the message as they are, without their length
	expires time.Time
}

// reading is how messages of one id are read from one topic.
type reading struct {
	schema  *connect.Schema
	dec     *decoder
	bare    bool
	expires time.Time
}

func newConverter(r *registry.Registry, o options) *converter {
	limit := min(o.cache, r.Limit)
	return &converter{
		registry: r, options: o,
		writing: registry.NewCache[writeKey, *writing](limit), reading: registry.NewCache[readKey, *reading](limit),
	}
}

// Encode writes v. A null is a tombstone, also where its schema is optional.
func (c *converter) Encode(room *converters.Arena, topic string, schema *connect.Schema, v connect.Value) ([]byte, error) {
	if v.IsNull() {
		if schema != nil && !schema.Optional() {
			return nil, fmt.Errorf("writing Avro: %w", errNull)
		}
		return nil, nil
	}
	w, err := c.writerOf(writeKey{topic, schema})
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

func (c *converter) writerOf(key writeKey) (*writing, error) {
	if c.writer != nil && c.wrote == key && current(c.writer.expires) {
		return c.writer, nil
	}
	w, known := c.writing.Get(key)
	if !known || !current(w.expires) {
		var err error
		if w, err = c.newWriting(key); err != nil {
			return nil, err
		}
		c.writing.Put(key, w)
	}
	c.wrote, c.writer = key, w
	return w, nil
}

// current tells whether what expires then is still good; zero never expires.
func current(expires time.Time) bool { return expires.IsZero() || time.Now().Before(expires) }

func (c *converter) newWriting(key writeKey) (*writing, error) {
	n, err := c.options.fromConnect(key.schema)
	if err != nil {
		return nil, err
	}
	text := n.String()
	own, err := library.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%w: the schema does not fit Avro: %w (scrub.invalid.names=true makes names fit)", connect.ErrData, err)
	}
	subject, err := c.registry.Subject(key.topic, n.record())
	if err != nil {
		return nil, err
	}
	stored, err := c.registry.ToWrite(subject, text, registry.Avro, func(latest registry.Schema) error { return compatible(own, latest) })
	if err != nil {
		return nil, err
	}
	if stored.Text != text {
		if n, err = parse(stored.Text, stored.References); err != nil {
			return nil, err
		}
	}
	enc, err := c.options.compileEncoder(key.schema, n)
	if err != nil {
		return nil, err
	}
	return &writing{id: stored.ID, enc: enc, bare: n.kind == kindBytes, expires: stored.Expires}, nil
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
	r, err := c.readerOf(readKey{topic, id})
	if err != nil {
		return nil, connect.Value{}, err
	}
	c.message = source{data: payload, spare: maxSpare}
	v, err := r.value(&c.message)
	c.message.data = nil
	if err != nil {
		return nil, connect.Value{}, fmt.Errorf("%w: reading Avro, schema %d: %w", connect.ErrData, id, err)
	}
	return r.schema, v, nil
}

func (r *reading) value(s *source) (connect.Value, error) {
	if r.bare {
		// The decoder wants a length in front, which these have not: it is told to take all there is.
		all := *r.dec
		all.size = len(s.data)
		return all.value(s)
	}
	return r.dec.value(s)
}

func (c *converter) readerOf(key readKey) (*reading, error) {
	if c.reader != nil && c.read == key && current(c.reader.expires) {
		return c.reader, nil
	}
	r, known := c.reading.Get(key)
	if !known || !current(r.expires) {
		var err error
		if r, err = c.newReading(key); err != nil {
			return nil, err
		}
		c.reading.Put(key, r)
	}
	c.read, c.reader = key, r
	return r, nil
}

func (c *converter) newReading(key readKey) (*reading, error) {
	stored, err := c.registry.ByID(key.id, registry.Avro)
	if err != nil {
		return nil, err
	}
	w, err := parse(stored.Text, stored.References)
	if err != nil {
		return nil, fmt.Errorf("%w: schema %d: %w", connect.ErrData, key.id, err)
	}
	read, version, expires, err := c.readAs(key, stored, w)
	if err != nil {
		return nil, err
	}
	s, err := c.options.toConnect(read, version)
	if err != nil {
		return nil, err
	}
	dec, err := c.options.compileDecoder(w, read, s)
	if err != nil {
		return nil, err
	}
	return &reading{schema: s, dec: dec, bare: w.kind == kindBytes, expires: expires}, nil
}

// readAs returns the schema that a message is read into, its own or the latest of its subject. As in Java the version that it has within the subject
// becomes the version of the Connect schema.
func (c *converter) readAs(key readKey, own registry.Schema, w *node) (read *node, version int, expires time.Time, err error) {
	subject, err := c.registry.Subject(key.topic, w.record())
	switch {
	case err != nil && !c.registry.Latest: // a subject by the name of a record, and there is none
		return w, 0, expires, nil
	case err != nil:
		return nil, 0, expires, err
	case !c.registry.Latest:
		version, err = c.registry.VersionOf(subject, own)
		return w, version, expires, err
	}
	latest, err := c.registry.ToRead(subject)
	if err != nil || latest.ID == key.id {
		return w, latest.Version, latest.Expires, err
	}
	if read, err = parse(latest.Text, latest.References); err != nil {
		err = fmt.Errorf("%w: the latest schema of subject %s: %w", connect.ErrData, subject, err)
	}
	return read, latest.Version, latest.Expires, err
}
