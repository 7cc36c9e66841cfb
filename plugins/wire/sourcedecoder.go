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
	records, _ = count(batch, 0x22)
	return records
}

// Decode appends a batch's records and ends of transactions to b. Their texts, bytes and so on share batch, which must not change from then on. An error means
// that the plugin has broken the contract, and says how; b then has a part of the batch, and the stream is of no further use.
func (d *SourceDecoder) Decode(batch []byte, b *connect.Batch) (fault *contract.Fault, err error) {
	raw, records, err := d.outline(batch)
	if err != nil {
		return nil, err
	}
	d.begin()
	ends, c := d.ends, over(batch)
	for i := 0; ; i++ {
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
		c.find(0x22)
		if err := d.record(c.bytes, b); err != nil {
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
	c := over(batch)
	for c.next() {
		switch c.tag {
		case 0x22:
			records++
		case 0x08:
			forget = c.number
		case 0x12:
			d.late = append(d.late, c.bytes)
		case 0x1a:
			err = d.meet(c.bytes)
		case 0x2a:
			err = d.end(c.bytes)
		case 0x32:
			all.add(c.bytes)
		}
		if err != nil {
			return nil, 0, err
		}
	}
	if c.err != nil {
		return nil, 0, c.err
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
	c := over(raw)
	for c.next() {
		switch c.tag {
		case 0x08:
			end.Records = int(uint32(c.number))
		case 0x10:
			end.Abort = c.number != 0
		}
	}
	d.ends = append(d.ends, end)
	return c.err
}

// sourceFields are those of a record on its way into Kafka, while it is being read.
type sourceFields struct {
	fields
	offset    parts
	headers   []connect.Header
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
	if err := d.sourceFields(raw, &f); err != nil {
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
	if n, like := d.lastOffset.read(f.offset.raw); like {
		at = connect.At(d.lastOffset.name, n)
	} else if f.offset.raw != nil {
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
	r.Partition, r.Timestamp, r.Tag, r.Headers = f.partition, f.timestamp, f.tag, f.headers
	if f.refused {
		r.Reject(rejection(f.rejected))
	}
	return d.fill(&r.Record, &f.fields)
}

// sourceFields reads a SourceRecord message.
func (d *decoder) sourceFields(raw []byte, f *sourceFields) error {
	for at := 0; at < len(raw); {
		tag, n, next := field(raw, at)
		if next < 0 {
			return flaw(raw, at)
		}
		switch tag {
		case 0x0a:
			f.topic = d.topics.text(raw[next-int(n) : next : next])
		case 0x10:
			f.partition = int32(n)
		case 0x18:
			f.timestamp = unzigzag(n)
		case 0x20:
			f.keySchema = n
		case 0x2a:
			f.key.add(raw[next-int(n) : next : next])
		case 0x30:
			f.valueSchema = n
		case 0x3a:
			f.value.add(raw[next-int(n) : next : next])
		case 0x42:
			var err error
			if f.headers, err = d.header(f.headers, raw[next-int(n):next:next]); err != nil {
				return err
			}
		case 0x48:
			f.source = n
		case 0x52:
			f.offset.add(raw[next-int(n) : next : next])
		case 0x58:
			f.tag = n
		case 0x62:
			f.rejected, f.refused = alias(raw[next-int(n):next:next]), true
		case 0x68:
			f.advance = n != 0
		}
		at = next
	}
	if f.headers != nil {
		f.headers = d.seal(f.headers)
	}
	return nil
}
