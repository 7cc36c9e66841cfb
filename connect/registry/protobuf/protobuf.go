package protobuf

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/converters"
	"github.com/sluice-connect/sluice/connect/registry"
)

// Definition is the converter class.
var Definition = registry.Definition("io.confluent.connect.protobuf.ProtobufConverter", keys,
	func(r *registry.Registry, cfg connect.Config) (converters.Converter, error) {
		return newConverter(r, optionsOf(cfg)), nil
	})

// converter is Confluent's ProtobufConverter.
type converter struct {
	registry *registry.Registry
	options  options
	writing  registry.Memo[registry.Written, writing]
	reading  registry.Memo[read, *decoder]
	files    registry.Memo[int32, file]
	indexes  []int // of the message being read
}

// writing is how the values of one schema are written to one topic.
type writing struct {
	header []byte // the id, and where the message type stands in its file
	enc    *encoder
}

// read is what messages are read by: their schema, and the type within its file.
type read struct {
	registry.Read
	indexes string // as they stand in the message
}

// file is a schema of the registry.
type file struct {
	stored registry.Schema
	parsed protoreflect.FileDescriptor
}

func newConverter(r *registry.Registry, o options) *converter {
	limit := min(o.cache, r.Limit)
	c := &converter{registry: r, options: o}
	c.writing, c.reading = registry.NewMemo(limit, c.newWriting), registry.NewMemo(limit, c.newReading)
	c.files = registry.NewMemo(limit, c.newFile)
	return c
}

// Encode writes v. A null is a tombstone.
func (c *converter) Encode(room *converters.Arena, topic string, schema *connect.Schema, v connect.Value) ([]byte, error) {
	switch {
	case v.IsNull():
		return nil, nil
	case schema == nil:
		return nil, fmt.Errorf("writing Protobuf: %w: the record has no schema, which this converter needs", connect.ErrData)
	}
	w, err := c.writing.Get(registry.Written{Topic: topic, Schema: schema})
	if err != nil {
		return nil, err
	}
	buf, err := w.enc.append(append(room.Room(), w.header...), v)
	if err != nil {
		return nil, fmt.Errorf("writing Protobuf: %w", err)
	}
	return room.Keep(buf), nil
}

func (c *converter) newWriting(key registry.Written) (w writing, expires time.Time, err error) {
	text, name, err := c.options.text(key.Schema)
	if err != nil {
		return w, expires, err
	}
	own, err := parse(text, nil)
	if err != nil {
		return w, expires, fmt.Errorf("%w: the schema does not fit Protobuf: %w (scrub.invalid.names=true makes names fit)", connect.ErrData, err)
	}
	subject, err := c.registry.Subject(key.Topic, first(own))
	if err != nil {
		return w, expires, err
	}
	// Whether the latest schema takes what the record has shows when the two are fitted to each other.
	stored, err := c.registry.ToWrite(subject, text, registry.Protobuf, func(registry.Schema) error { return nil })
	if err != nil {
		return w, expires, err
	}
	if stored.Text != text {
		if own, err = parse(stored.Text, stored.References); err != nil {
			return w, expires, fmt.Errorf("%w: schema %d: %w", connect.ErrData, stored.ID, err)
		}
	}
	message := named(own.Messages(), protoreflect.FullName(name))
	if message == nil {
		if own.Messages().Len() == 0 {
			return w, expires, fmt.Errorf("%w: schema %d has no message type", connect.ErrData, stored.ID)
		}
		message = own.Messages().Get(0)
	}
	w.header = registry.AppendIndexes(registry.AppendHeader(nil, stored.ID), indexesOf(message))
	w.enc, err = c.options.compileEncoder(key.Schema, message)
	return w, stored.Expires, err
}

// named finds a message type by its full name.
func named(within protoreflect.MessageDescriptors, name protoreflect.FullName) protoreflect.MessageDescriptor {
	for i := range within.Len() {
		m := within.Get(i)
		if m.FullName() == name {
			return m
		}
		if found := named(m.Messages(), name); found != nil {
			return found
		}
	}
	return nil
}

// Decode reads a message. Texts and bytes share data.
func (c *converter) Decode(topic string, data []byte) (*connect.Schema, connect.Value, error) {
	if data == nil {
		return nil, connect.Value{}, nil
	}
	id, behind, err := registry.CutHeader(data)
	if err != nil {
		return nil, connect.Value{}, err
	}
	var payload []byte
	if c.indexes, payload, err = registry.CutIndexes(c.indexes, behind); err != nil {
		return nil, connect.Value{}, err
	}
	d, err := c.reading.Get(read{registry.Read{Topic: topic, ID: id}, string(behind[:len(behind)-len(payload)])})
	if err != nil {
		return nil, connect.Value{}, err
	}
	v, err := d.value(payload, 0)
	if err != nil {
		return nil, connect.Value{}, fmt.Errorf("%w: reading Protobuf, schema %d: %w", connect.ErrData, id, err)
	}
	return d.schema, v, nil
}

func (c *converter) newFile(id int32) (f file, expires time.Time, err error) {
	if f.stored, err = c.registry.ByID(id, registry.Protobuf); err != nil {
		return f, expires, err
	}
	if f.parsed, err = parse(f.stored.Text, f.stored.References); err != nil {
		err = fmt.Errorf("%w: schema %d: %w", connect.ErrData, id, err)
	}
	return f, expires, err
}

func (c *converter) newReading(key read) (d *decoder, expires time.Time, err error) {
	own, err := c.files.Get(key.ID)
	if err != nil {
		return nil, expires, err
	}
	message, err := messageAt(own.parsed, c.indexes)
	if err != nil {
		return nil, expires, fmt.Errorf("%w: schema %d: %w", connect.ErrData, key.ID, err)
	}
	as, version, err := c.registry.ReadAs(key.Topic, first(own.parsed), own.stored)
	if err != nil {
		return nil, expires, err
	}
	if as.ID != own.stored.ID {
		latest, err := parse(as.Text, as.References)
		if err != nil {
			return nil, expires, fmt.Errorf("%w: schema %d: %w", connect.ErrData, as.ID, err)
		}
		if found := named(latest.Messages(), message.FullName()); found != nil {
			message = found
		}
	}
	if d, err = c.options.compileDecoder(message, version); err != nil {
		return nil, expires, c.registry.Unreadable(as, key.Topic, first(own.parsed), err)
	}
	return d, as.Expires, nil
}
