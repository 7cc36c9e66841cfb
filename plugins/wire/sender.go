package wire

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/contract"
)

// Sender writes what refers to schemas into messages of the generated code, in one direction of one stream: for the messages that are not hot. The zero Sender is
// ready. It is not safe for concurrent use. Its errors are of class [connect.ErrData]: what the contract cannot carry, because it nests too deep
// or has a recursive schema.
type Sender struct{ encoder }

// Schemas is what the message that refers to schemas says of them.
type Schemas struct {
	Forget bool
	New    []*contract.Schema
}

// Record returns a record; partition, offset and tag, which only source records have, are not set.
func (s *Sender) Record(r *connect.Record) (*contract.SourceRecord, Schemas, error) {
	out := new(contract.SourceRecord)
	schemas, err := s.write(out, func(buf []byte) []byte {
		if r.Topic != "" {
			buf = appendText(buf, 0x0a, valid(r.Topic))
		}
		if r.Partition != connect.NoPartition {
			buf = appendVarint(append(buf, 0x10), uint64(int64(r.Partition)))
		}
		if r.Timestamp != connect.NoTimestamp {
			buf = appendVarint(append(buf, 0x18), zigzag(r.Timestamp))
		}
		return s.record(buf, r, &sourceTags)
	})
	return out, schemas, err
}

// SinkRecord returns a record on its way out of Kafka.
func (s *Sender) SinkRecord(r *connect.SinkRecord) (*contract.SinkRecord, Schemas, error) {
	out := new(contract.SinkRecord)
	schemas, err := s.write(out, func(buf []byte) []byte { return s.sinkFields(buf, r) })
	return out, schemas, err
}

// Value returns the number of a schema, 0 for none, and a value under it.
func (s *Sender) Value(schema *connect.Schema, v connect.Value) (uint32, *contract.Value, Schemas, error) {
	h := new(contract.Header)
	schemas, err := s.write(h, func(buf []byte) []byte {
		if n := s.schemas.number(&s.encoder, schema); n != 0 {
			buf = appendVarint(append(buf, 0x10), uint64(n))
		}
		return s.value(buf, 0x1a, schema, v, 0)
	})
	return h.GetSchema(), h.GetValue(), schemas, err
}

// write fills a message by way of its bytes, so that there is one place that knows how values are written.
func (s *Sender) write(m proto.Message, content func(buf []byte) []byte) (Schemas, error) {
	s.schemas.begin(0x12)
	raw := content(nil)
	if s.err == nil && s.schemas.full && !s.schemas.forgot {
		s.schemas.forget()
		raw = content(nil)
	}
	if s.failed() {
		err := s.err
		if err == nil {
			err = errSchemas
		}
		s.err, s.schemas.full = nil, true // what was described is not sent: the next message begins anew
		return Schemas{}, err
	}
	if err := proto.Unmarshal(raw, m); err != nil {
		return Schemas{}, fmt.Errorf("writing a record: %w", err)
	}
	var head contract.SourceBatch
	if err := proto.Unmarshal(s.schemas.head(nil, 0x08), &head); err != nil {
		return Schemas{}, fmt.Errorf("writing schemas: %w", err)
	}
	return Schemas{Forget: head.GetForget(), New: head.GetSchemas()}, nil
}
