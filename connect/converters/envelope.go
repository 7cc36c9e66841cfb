package converters

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/jsontext"
)

// decodeEnvelope reads {"schema": ..., "payload": ...}.
func (c *JSON) decodeEnvelope(data []byte) (*connect.Schema, connect.Value, error) {
	if schema, v, ok := c.decodeLike(data); ok {
		return schema, v, nil
	}
	env, err := findEnvelope(data)
	if err != nil {
		return nil, connect.Value{}, notJSON(err)
	}
	if env.schema == nil || env.payload == nil || env.others {
		return nil, connect.Value{}, fmt.Errorf("%w: %s", connect.ErrData, notAnEnvelope)
	}
	schema, err := c.schemaOf(env.schema)
	if err != nil && !errors.Is(err, connect.ErrData) {
		err = notJSON(err)
	}
	if err != nil {
		return nil, connect.Value{}, err
	}
	v, err := c.read(env.payload, 0, 1).value(schema, unchecked)
	if err != nil && !errors.Is(err, connect.ErrData) {
		err = notJSON(err)
	}
	if err != nil {
		return nil, connect.Value{}, err
	}
	if env.payloadAt > 0 {
		c.readHead, c.readLast = append(c.readHead[:0], data[:env.payloadAt]...), schema
	}
	return schema, v, nil
}

// decodeLike reads an envelope that begins as the last one did, which is what all messages of one schema do. It fails where there
// is anything to think about.
func (c *JSON) decodeLike(data []byte) (*connect.Schema, connect.Value, bool) {
	if len(c.readHead) == 0 || !bytes.HasPrefix(data, c.readHead) {
		return nil, connect.Value{}, false
	}
	d := c.read(data, len(c.readHead), 1)
	v, err := d.value(c.readLast, unchecked)
	if err != nil || d.Peek() != '}' {
		return nil, connect.Value{}, false
	}
	return c.readLast, v, true
}

// envelope is where the parts of an envelope are.
type envelope struct {
	schema, payload []byte
	payloadAt       int // where the payload begins, if it comes last and nothing comes twice
	others          bool
}

func findEnvelope(data []byte) (env envelope, err error) {
	s := jsontext.Scanner{Data: data}
	if s.Peek() != '{' {
		first := s.Peek()
		if first == 0 && s.At == len(data) {
			return env, nil
		}
		if err = s.Skip(); err == nil {
			err = s.EndRoot(first)
		}
		return env, err
	}
	more, err := s.Open('}')
	for members := 1; more && err == nil; members++ {
		name, err := s.Name()
		if err != nil {
			return env, err
		}
		s.Peek()
		start := s.At
		if err := s.Skip(); err != nil {
			return env, err
		}
		part := data[start:s.At]
		env.payloadAt = 0
		switch name {
		case "schema":
			env.schema = part
		case "payload":
			env.payload = part
			if env.schema != nil && members == 2 {
				env.payloadAt = start
			}
		default:
			env.others = true
		}
		if more, err = s.Next('}'); err != nil {
			return env, err
		}
	}
	return env, err
}
