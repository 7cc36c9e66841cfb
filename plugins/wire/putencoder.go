package wire

import (
	"fmt"

	"github.com/sluice-connect/sluice/connect"
)

// PutEncoder is the host's side of one Sink stream: it knows which schemas the plugin has been told of. The zero PutEncoder is ready. It is not safe for
// concurrent use.
type PutEncoder struct{ encoder }

var sinkTags = tags{keySchema: 0x30, key: 0x3a, valueSchema: 0x40, value: 0x4a, header: 0x52}

// Encode returns ToSink{put} with the first n of the records: all of them, or fewer where they are too large for one message or have too many schemas, and
// then the caller puts the rest under a number of its own. It shares nothing with them. With an error, which is of class [connect.ErrData], n is 0: the first
// record is one that the contract cannot carry, because it nests too deep or has a recursive schema.
func (e *PutEncoder) Encode(number uint64, records []connect.SinkRecord) (out *Outgoing, n int, err error) {
	e.schemas.begin(0x1a)
	body := bodies.take()
	buf, n := e.records(*body, records)
	*body = buf
	if n == 0 && len(records) > 0 {
		bodies.Put(body)
		err, e.err = e.err, nil
		e.schemas.full = true // what was described is not sent: the next message begins anew
		return nil, 0, err
	}
	e.err = nil
	head := appendVarint([]byte{0x08}, number)
	head = e.schemas.head(head, 0x10)
	return &Outgoing{head: framed(0x22, head, len(*body)), body: body}, n, nil
}

// records appends as many records as fit into one message; none where the first cannot be carried.
func (e *PutEncoder) records(buf []byte, records []connect.SinkRecord) ([]byte, int) {
	for i := 0; i < len(records); {
		if len(buf) >= splitBytes || i == maxRecords {
			return buf, i
		}
		before := len(buf)
		buf = e.sinkRecord(buf, &records[i])
		if e.failed() {
			buf = buf[:before]
			switch {
			case i > 0:
				return buf, i // the next message says what is wrong, or has room for its schemas
			case e.err == nil && !e.schemas.forgot:
				e.schemas.forget()
				continue
			case e.err == nil:
				e.err = errSchemas
			}
			e.err = fmt.Errorf("record of %s-%d at %d: %w", records[i].Consumed.Topic, records[i].Consumed.Partition, records[i].Offset, e.err)
			return buf, 0
		}
		i++
	}
	return buf, len(records)
}

func (e *PutEncoder) sinkRecord(buf []byte, r *connect.SinkRecord) []byte {
	buf, start := e.open(append(buf, 0x22), ofRecord)
	buf = e.sinkFields(buf, r)
	return e.shut(buf, start, ofRecord)
}

func (e *encoder) sinkFields(buf []byte, r *connect.SinkRecord) []byte {
	if r.Topic != "" {
		buf = appendText(buf, 0x0a, label(r.Topic, &e.topic))
	}
	if r.Partition != 0 {
		buf = appendVarint(append(buf, 0x10), uint64(int64(r.Partition)))
	}
	if r.Offset != 0 {
		buf = appendVarint(append(buf, 0x18), zigzag(r.Offset))
	}
	if r.Timestamp != connect.NoTimestamp {
		buf = appendVarint(append(buf, 0x20), zigzag(r.Timestamp))
	}
	if r.TimestampType != connect.NoTimestampType {
		buf = appendVarint(append(buf, 0x28), uint64(r.TimestampType))
	}
	buf = e.record(buf, &r.Record, &sinkTags)
	if r.Consumed.Topic != r.Topic {
		buf = appendText(buf, 0x5a, valid(r.Consumed.Topic))
	}
	if r.Consumed.Partition != r.Partition {
		buf = appendVarint(append(buf, 0x60), uint64(int64(r.Consumed.Partition)))
	}
	return buf
}
