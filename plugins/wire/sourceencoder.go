package wire

import (
	"google.golang.org/protobuf/proto"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/contract"
)

// SourceEncoder is the plugin's side of one Source stream: it knows which schemas and source partitions the host has been told of. The zero SourceEncoder is
// ready. It is not safe for concurrent use.
type SourceEncoder struct {
	// Ledger keeps what is encoded until its receipts come, for a task that wants them; nil for others.
	Ledger *Ledger

	encoder
	partitions []sentPartition // by Index
	numbered   uint32
	newcomers  []byte // partitions that are first mentioned in the message, as fields
}

type sentPartition struct {
	partition *connect.Partition
	number    uint32
}

var sourceTags = tags{keySchema: 0x20, key: 0x2a, valueSchema: 0x30, value: 0x3a, header: 0x42}

// Encode returns what b holds as messages FromSource{batch}, to be sent in turn: mostly one, more where b is too large for one or has too many schemas. The
// fault, if any, is in the last. They share nothing with b. A record that the contract cannot carry, because it nests too deep or has a recursive
// schema, goes as a rejected one ([connect.SourceRecord.Reject]) with the reason.
func (e *SourceEncoder) Encode(b *connect.Batch, fault *contract.Fault) []*Outgoing {
	records, ends := b.Records(), b.TransactionEnds()
	var out []*Outgoing
	for from := 0; ; {
		e.schemas.begin(0x12)
		body := bodies.take()
		buf, n := e.records(*body, records[from:])
		for len(ends) > 0 && ends[0].Records <= from+n {
			buf = appendEnd(buf, ends[0].Records-from, ends[0].Abort)
			ends = ends[1:]
		}
		from += n
		last := from == len(records)
		if last && fault != nil {
			buf = appendMessage(buf, 0x32, fault)
		}
		*body = buf
		out = append(out, e.message(body))
		if last {
			break
		}
	}
	if e.Ledger != nil {
		e.Ledger.sent(e, records)
	}
	return out
}

// records appends as many records as fit into one message.
func (e *SourceEncoder) records(buf []byte, records []connect.SourceRecord) ([]byte, int) {
	for i := 0; i < len(records); {
		if len(buf) >= splitBytes || i == maxRecords {
			return buf, i
		}
		r, before := &records[i], len(buf)
		buf = e.sourceRecord(buf, r, r.Rejected())
		if e.failed() {
			buf = buf[:before]
			switch cause := e.err; {
			case cause == nil && i > 0:
				return buf, i // the next message has room for its schemas
			case cause == nil && !e.schemas.forgot:
				e.schemas.forget()
				continue
			case cause == nil:
				cause = errSchemas
				e.schemas.full = false
				fallthrough
			default:
				e.err = nil
				buf = e.refused(buf, r, cause)
				e.err = nil
			}
		}
		i++
	}
	return buf, len(records)
}

func (e *SourceEncoder) sourceRecord(buf []byte, r *connect.SourceRecord, rejected error) []byte {
	buf, start := e.open(append(buf, 0x22), ofRecord)
	buf = e.place(buf, r, rejected)
	buf = e.record(buf, &r.Record, &sourceTags)
	return e.shut(buf, start, ofRecord)
}

// refused appends a record without its data.
func (e *SourceEncoder) refused(buf []byte, r *connect.SourceRecord, cause error) []byte {
	buf, start := e.open(append(buf, 0x22), ofRecord)
	return e.shut(e.place(buf, r, cause), start, ofRecord)
}

// place appends what says where a record goes and where it comes from.
func (e *SourceEncoder) place(buf []byte, r *connect.SourceRecord, rejected error) []byte {
	if r.Topic != "" {
		buf = appendText(buf, 0x0a, label(r.Topic, &e.topic))
	}
	if r.Partition != connect.NoPartition {
		buf = appendVarint(append(buf, 0x10), uint64(int64(r.Partition)))
	}
	if r.Timestamp != connect.NoTimestamp {
		buf = appendVarint(append(buf, 0x18), zigzag(r.Timestamp))
	}
	if n := e.number(r.Source); n != 0 {
		buf = appendVarint(append(buf, 0x48), uint64(n))
	}
	buf = e.offset(buf, 0x52, &r.Offset)
	if r.Tag != 0 {
		buf = appendVarint(append(buf, 0x58), r.Tag)
	}
	if rejected != nil {
		buf = appendText(buf, 0x62, valid(rejected.Error()))
	}
	if r.Advances() {
		buf = append(buf, 0x68, 1)
	}
	return buf
}

// number is that of a source partition, which the host learns with the message if it has none yet; 0 for none.
func (e *SourceEncoder) number(p *connect.Partition) uint32 {
	if p == nil {
		return 0
	}
	if i := p.Index(); i < len(e.partitions) && e.partitions[i].partition == p {
		return e.partitions[i].number
	}
	return e.introduce(p)
}

func (e *SourceEncoder) introduce(p *connect.Partition) uint32 {
	for len(e.partitions) <= p.Index() {
		e.partitions = append(e.partitions, sentPartition{})
	}
	var start int
	e.newcomers, start = e.open(append(e.newcomers, 0x1a), ofPartition)
	for _, a := range p.Attrs() {
		e.newcomers = e.attr(e.newcomers, &a)
	}
	e.newcomers = e.shut(e.newcomers, start, ofPartition)
	e.numbered++
	e.partitions[p.Index()] = sentPartition{p, e.numbered}
	return e.numbered
}

// message puts the head in front of a body.
func (e *SourceEncoder) message(body *[]byte) *Outgoing {
	head := e.schemas.head(nil, 0x08)
	head = append(head, e.newcomers...)
	e.newcomers = e.newcomers[:0]
	return &Outgoing{head: framed(0x12, head, len(*body)), body: body}
}

// framed is the head of a message that is the field tag of another, in front of which it comes, and behind which size bytes follow.
func framed(tag byte, head []byte, size int) []byte {
	size += len(head)
	frame := appendVarint(append(make([]byte, 0, 12+len(head)), tag), uint64(size))
	return append(frame, head...)
}

func appendEnd(buf []byte, records int, abort bool) []byte {
	end := appendVarint([]byte{0x08}, uint64(records))
	if abort {
		end = append(end, 0x10, 1)
	}
	return appendText(buf, 0x2a, alias(end))
}

// appendMessage appends a field that is a message, by the generated code.
func appendMessage(buf []byte, tag byte, m proto.Message) []byte {
	buf = appendVarint(append(buf, tag), uint64(proto.Size(m)))
	buf, _ = proto.MarshalOptions{}.MarshalAppend(buf, m)
	return buf
}
