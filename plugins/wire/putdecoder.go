package wire

import (
	"fmt"

	"github.com/sluice-connect/sluice/connect"
)

// PutDecoder is the plugin's side of one Sink stream: it knows the schemas that the host has sent. The zero PutDecoder is ready. It is not safe for concurrent
// use.
type PutDecoder struct {
	decoder
	late [][]byte
}

// Decode returns a Put's number and its records in a slice of their own. Their texts, bytes and so on share put, which must not change from then on. An error
// means that the host has broken the contract, and says how.
func (d *PutDecoder) Decode(put []byte) (number uint64, records []connect.SinkRecord, err error) {
	n := 0
	var forget uint64
	d.late = d.late[:0]
	c := over(put)
	for c.next() {
		switch c.tag {
		case 0x08:
			number = c.number
		case 0x10:
			forget = c.number
		case 0x1a:
			d.late = append(d.late, c.bytes)
		case 0x22:
			n++
		}
	}
	if c.err != nil {
		return 0, nil, c.err
	}
	if n > maxRecords {
		return 0, nil, fmt.Errorf("a put of %d records: at most %d may be in one", n, maxRecords)
	}
	if err := d.known.take(&d.decoder, forget != 0, d.late); err != nil {
		return 0, nil, err
	}
	d.begin()
	records = make([]connect.SinkRecord, n)
	c = over(put)
	for i := range records {
		c.find(0x22)
		if err := d.sinkRecord(c.bytes, &records[i]); err != nil {
			return 0, nil, fmt.Errorf("record %d of the put: %w", i, err)
		}
	}
	return number, records, nil
}

// sinkRecord reads a SinkRecord message into a record that is empty.
func (d *decoder) sinkRecord(raw []byte, r *connect.SinkRecord) error {
	var f fields
	var consumed string
	var elsewhere, moved bool
	r.Timestamp = connect.NoTimestamp
	for at := 0; at < len(raw); {
		tag, n, next := field(raw, at)
		if next < 0 {
			return flaw(raw, at)
		}
		switch tag {
		case 0x0a:
			r.Topic = d.topics.text(raw[next-int(n) : next : next])
		case 0x10:
			r.Partition = int32(n)
		case 0x18:
			r.Offset = unzigzag(n)
		case 0x20:
			r.Timestamp = unzigzag(n)
		case 0x28:
			if r.TimestampType = connect.NoTimestampType; n <= uint64(connect.LogAppendTime) {
				r.TimestampType = connect.TimestampType(n)
			}
		case 0x30:
			f.keySchema = n
		case 0x3a:
			f.key.add(raw[next-int(n) : next : next])
		case 0x40:
			f.valueSchema = n
		case 0x4a:
			f.value.add(raw[next-int(n) : next : next])
		case 0x52:
			var err error
			if r.Headers, err = d.header(r.Headers, raw[next-int(n):next:next]); err != nil {
				return err
			}
		case 0x5a:
			consumed, elsewhere = d.topics.text(raw[next-int(n):next:next]), true
		case 0x60:
			r.Consumed.Partition, moved = int32(n), true
		}
		at = next
	}
	if r.Headers != nil {
		r.Headers = d.seal(r.Headers)
	}
	if !elsewhere {
		consumed = r.Topic
	}
	if !moved {
		r.Consumed.Partition = r.Partition
	}
	r.Consumed.Topic = consumed
	return d.fill(&r.Record, &f)
}
