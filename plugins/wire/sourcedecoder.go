package wire

import (
	"errors"
	"fmt"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/contract"
)

// maxPartitions is how many source partitions a stream may have.
const maxPartitions = 1 << 20

// SourceDecoder is the host's side of one Source stream: it knows the schemas and source partitions that the plugin has sent. Decode is for one goroutine;
// Number and Receipts are for one other, beside it.
type SourceDecoder struct {
	decoder
	intern func(attrs ...connect.Attr) *connect.Partition
	byWire []*connect.Partition // by number, from 1
	late   [][]byte             // schemas of the message that is being read
	ends   []connect.TransactionEnd

	mu      sync.Mutex // of the slice, not of what is in it, which never changes
	byIndex []uint32   // numbers by connect.Partition.Index
	runs    []byte
}

// NewSourceDecoder returns the decoder of a new stream. intern is [connect.SourceContext].PartitionOf.
func NewSourceDecoder(intern func(attrs ...connect.Attr) *connect.Partition) *SourceDecoder {
	return &SourceDecoder{intern: intern, byWire: make([]*connect.Partition, 1)}
}

// Count returns how many records a batch has, as far as it can be read.
func Count(batch []byte) (records int) {
	for i := 0; i < len(batch); {
		tag, next := varint(batch, i)
		if next < 0 {
			return records
		}
		if tag == 0x22 {
			if _, i = span(batch, next); i >= 0 {
				records++
			}
		} else {
			i = skip(batch, next, tag)
		}
		if i < 0 {
			return records
		}
	}
	return records
}

// Decode appends a batch's records and ends of transactions to b. Their texts, bytes and so on share batch, which must not change from then on. An error means
// that the plugin has broken the contract, and says how; b then has a part of the batch, and the stream is of no further use.
func (d *SourceDecoder) Decode(batch []byte, b *connect.Batch) (fault *contract.Fault, err error) {
	raw, records, err := d.outline(batch)
	if err != nil {
		return nil, err
	}
	d.names.begin()
	ends := d.ends
	for i, at := 0, 0; ; i++ {
		for len(ends) > 0 && ends[0].Records == i {
			if ends[0].Abort {
				b.AbortTransaction()
			} else {
				b.CommitTransaction()
			}
			ends = ends[1:]
		}
		if i == records {
			break
		}
		var p []byte
		p, at = next(batch, at, 0x22)
		if err := d.record(p, b); err != nil {
			return nil, fmt.Errorf("record %d of the batch: %w", i, err)
		}
	}
	if len(ends) > 0 {
		return nil, fmt.Errorf("ends: a transaction ends after %d records, of %d or out of order", ends[0].Records, records)
	}
	if raw == nil {
		return nil, nil
	}
	fault = new(contract.Fault)
	if err := proto.Unmarshal(raw, fault); err != nil {
		return nil, fmt.Errorf("fault: %w", err)
	}
	return fault, nil
}

// outline reads all of a batch except its records, which need the rest.
func (d *SourceDecoder) outline(batch []byte) (fault []byte, records int, err error) {
	var all parts
	var forget uint64
	d.late, d.ends = d.late[:0], d.ends[:0]
	for i := 0; i < len(batch); {
		tag, next := varint(batch, i)
		if next < 0 {
			return nil, 0, errNumber
		}
		var p []byte
		switch i = next; tag {
		case 0x22, 0x12, 0x1a, 0x2a, 0x32:
			if p, i = span(batch, i); i < 0 {
				return nil, 0, errLength
			}
		case 0x08:
			if forget, i = varint(batch, i); i < 0 {
				return nil, 0, errNumber
			}
		default:
			if i = skip(batch, i, tag); i < 0 {
				return nil, 0, errField
			}
		}
		switch tag {
		case 0x22:
			records++
		case 0x12:
			d.late = append(d.late, p)
		case 0x1a:
			err = d.meet(p)
		case 0x2a:
			err = d.end(p)
		case 0x32:
			all.add(p)
		}
		if err != nil {
			return nil, 0, err
		}
	}
	if records > maxRecords {
		return nil, 0, fmt.Errorf("a batch of %d records: at most %d may be in one", records, maxRecords)
	}
	return all.raw, records, d.known.take(&d.decoder, forget != 0, d.late)
}

// meet takes in a SourcePartition message.
func (d *SourceDecoder) meet(raw []byte) error {
	number := len(d.byWire)
	if number > maxPartitions {
		return fmt.Errorf("partition %d: a stream may have %d", number, maxPartitions)
	}
	attrs, err := d.partition(raw)
	if err != nil {
		return fmt.Errorf("partition %d: %w", number, err)
	}
	p := d.intern(attrs...)
	d.mu.Lock()
	defer d.mu.Unlock()
	for p.Index() >= len(d.byIndex) {
		d.byIndex = append(d.byIndex, 0)
	}
	if before := d.byIndex[p.Index()]; before != 0 {
		return fmt.Errorf("partition %d is %s, which was sent before as %d", number, p, before)
	}
	d.byIndex[p.Index()] = uint32(number)
	d.byWire = append(d.byWire, p)
	return nil
}

// end takes in a TransactionEnd message.
func (d *SourceDecoder) end(raw []byte) error {
	var end connect.TransactionEnd
	for i := 0; i < len(raw); {
		tag, next := varint(raw, i)
		if next < 0 {
			return errNumber
		}
		switch i = next; tag {
		case 0x08, 0x10:
			var n uint64
			if n, i = varint(raw, i); i < 0 {
				return errNumber
			}
			if tag == 0x10 {
				end.Abort = n != 0
			} else {
				end.Records = int(uint32(n))
			}
		default:
			if i = skip(raw, i, tag); i < 0 {
				return errField
			}
		}
	}
	d.ends = append(d.ends, end)
	return nil
}

// sourceFields are those of a record on its way into Kafka, while it is being read.
type sourceFields struct {
	fields
	offset    parts
	topic     string
	rejected  string
	tag       uint64
	source    uint64
	timestamp int64
	partition int32
	refused   bool
	advance   bool
}

// rejection is why a plugin could make no proper record.
type rejection string

func (r rejection) Error() string { return string(r) }

var errNoTopic = errors.New("it has no topic")

func (d *SourceDecoder) record(raw []byte, b *connect.Batch) error {
	f := sourceFields{timestamp: connect.NoTimestamp, partition: connect.NoPartition}
	var headed connect.Record
	if err := d.sourceFields(raw, &f, &headed); err != nil {
		return err
	}
	var source *connect.Partition
	if f.source != 0 {
		if f.source >= uint64(len(d.byWire)) {
			return fmt.Errorf("source %d: %d partitions were sent", f.source, len(d.byWire)-1)
		}
		source = d.byWire[f.source]
	}
	var at connect.Offset
	if f.offset.raw != nil {
		var err error
		if at, err = d.offset(f.offset.raw); err != nil {
			return fmt.Errorf("offset: %w", err)
		}
	}
	if f.advance {
		b.Advance(source, at, f.tag)
		return nil
	}
	if f.topic == "" && !f.refused {
		return errNoTopic
	}
	r := b.Next(f.topic, source, at)
	r.Partition, r.Timestamp, r.Tag, r.Headers = f.partition, f.timestamp, f.tag, headed.Headers
	if f.refused {
		r.Reject(rejection(f.rejected))
	}
	return d.fill(&r.Record, &f.fields)
}

// sourceFields reads a SourceRecord message; its headers go to r.
func (d *decoder) sourceFields(raw []byte, f *sourceFields, r *connect.Record) error {
	for i := 0; i < len(raw); {
		tag, next := varint(raw, i)
		if next < 0 {
			return errNumber
		}
		var p []byte
		var n uint64
		switch i = next; tag {
		case 0x0a, 0x2a, 0x3a, 0x42, 0x52, 0x62:
			if p, i = span(raw, i); i < 0 {
				return errLength
			}
		case 0x10, 0x18, 0x20, 0x30, 0x48, 0x58, 0x68:
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
			f.topic = d.names.text(p)
		case 0x10:
			f.partition = int32(n)
		case 0x18:
			f.timestamp = unzigzag(n)
		case 0x20:
			f.keySchema = n
		case 0x2a:
			f.key.add(p)
		case 0x30:
			f.valueSchema = n
		case 0x3a:
			f.value.add(p)
		case 0x42:
			if err := d.header(r, p); err != nil {
				return fmt.Errorf("header %d: %w", len(r.Headers), err)
			}
		case 0x48:
			f.source = n
		case 0x52:
			f.offset.add(p)
		case 0x58:
			f.tag = n
		case 0x62:
			f.rejected, f.refused = alias(p), true
		case 0x68:
			f.advance = n != 0
		}
	}
	d.seal(r)
	return nil
}
