package wire

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/contract"
)

// Receiver is the other end of a [Sender]. The zero Receiver is ready. It is not safe for concurrent use. Its errors mean that the other side has broken the
// contract, and say how.
type Receiver struct{ decoder }

// Learn takes in what a message says of schemas, before what refers to them is read.
func (r *Receiver) Learn(forget bool, schemas []*contract.Schema) error {
	raw := make([][]byte, len(schemas))
	for i, s := range schemas {
		var err error
		if raw[i], err = proto.Marshal(s); err != nil {
			return fmt.Errorf("schema %d: %w", i, err)
		}
	}
	return r.known.take(&r.decoder, forget, raw)
}

// Record replaces what out holds by a record. Whether it is rejected, and what else only source records have, is in the message.
func (r *Receiver) Record(in *contract.SourceRecord, out *connect.Record) error {
	raw, err := proto.Marshal(in)
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	r.begin()
	f := sourceFields{timestamp: connect.NoTimestamp, partition: connect.NoPartition}
	*out = connect.Record{}
	if err := r.sourceFields(raw, &f); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	out.Topic, out.Partition, out.Timestamp, out.Headers = f.topic, f.partition, f.timestamp, f.headers
	if err := r.fill(out, &f.fields); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	return nil
}

// SinkRecord replaces what out holds by a record.
func (r *Receiver) SinkRecord(in *contract.SinkRecord, out *connect.SinkRecord) error {
	raw, err := proto.Marshal(in)
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	r.begin()
	*out = connect.SinkRecord{}
	if err := r.sinkRecord(raw, out); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	return nil
}

// Value returns the schema of a number, nil for 0, and a value under it.
func (r *Receiver) Value(number uint32, v *contract.Value) (*connect.Schema, connect.Value, error) {
	schema, err := r.known.schema(uint64(number))
	if err != nil {
		return nil, connect.Value{}, err
	}
	raw, err := proto.Marshal(v)
	if err != nil {
		return nil, connect.Value{}, fmt.Errorf("value: %w", err)
	}
	out, err := r.value(raw, schema, 0)
	if err != nil {
		return nil, connect.Value{}, fmt.Errorf("value: %w", err)
	}
	return schema, out, nil
}
