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
	for i := 0; i < len(put); {
		tag, next := varint(put, i)
		if next < 0 {
			return 0, nil, errNumber
		}
		var p []byte
		switch i = next; tag {
		case 0x22:
			if _, i = span(put, i); i < 0 {
				return 0, nil, errLength
			}
			n++
		case 0x1a:
			if p, i = span(put, i); i < 0 {
				return 0, nil, errLength
			}
			d.late = append(d.late, p)
		case 0x08:
			if number, i = varint(put, i); i < 0 {
				return 0, nil, errNumber
			}
		case 0x10:
			if forget, i = varint(put, i); i < 0 {
				return 0, nil, errNumber
			}
		default:
			if i = skip(put, i, tag); i < 0 {
				return 0, nil, errField
			}
		}
	}
	if n > maxRecords {
		return 0, nil, fmt.Errorf("a put of %d records: at most %d may be in one", n, maxRecords)
	}
	if err := d.known.take(&d.decoder, forget != 0, d.late); err != nil {
		return 0, nil, err
	}
	d.names.begin()
	records = make([]connect.SinkRecord, n)
	at := 0
	for i := range records {
		var p []byte
		p, at = next(put, at, 0x22)
		if err := d.sinkRecord(p, &records[i]); err != nil {
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
	for i := 0; i < len(raw); {
		tag, next := varint(raw, i)
		if next < 0 {
			return errNumber
		}
		var p []byte
		var n uint64
		switch i = next; tag {
		case 0x0a, 0x3a, 0x4a, 0x52, 0x5a:
			if p, i = span(raw, i); i < 0 {
				return errLength
			}
		case 0x10, 0x18, 0x20, 0x28, 0x30, 0x40, 0x60:
			if n, i = varint(raw, i); i < 0 {
				return errNumber
			}
		default:
			if i = skip(raw, i, tag); i < 0 {
				return errField
			}
			continue
		}
		switch tag {
		case 0x0a:
			r.Topic = d.names.text(p)
		case 0x10:
			r.Partition = int32(n)
		case 0x18:
			r.Offset = unzigzag(n)
		case 0x20:
			r.Timestamp = unzigzag(n)
		case 0x28:
			if n > uint64(connect.LogAppendTime) {
				return fmt.Errorf("timestamp_type: there is no %d", n)
			}
			r.TimestampType = connect.TimestampType(n)
		case 0x30:
			f.keySchema = n
		case 0x3a:
			f.key.add(p)
		case 0x40:
			f.valueSchema = n
		case 0x4a:
			f.value.add(p)
		case 0x52:
			if err := d.header(&r.Record, p); err != nil {
				return fmt.Errorf("header %d: %w", len(r.Headers), err)
			}
		case 0x5a:
			consumed, elsewhere = d.names.text(p), true
		case 0x60:
			r.Consumed.Partition, moved = int32(n), true
		}
	}
	d.seal(&r.Record)
	if !elsewhere {
		consumed = r.Topic
	}
	if !moved {
		r.Consumed.Partition = r.Partition
	}
	r.Consumed.Topic = consumed
	return d.fill(&r.Record, &f)
}
