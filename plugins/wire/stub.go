package wire

import (
	"errors"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/contract"
	"google.golang.org/grpc/encoding"
)

var errStub = errors.New("not there yet")

// Codec is for grpc.ForceServerCodecV2 and grpc.ForceCodecV2.
func Codec() encoding.CodecV2 { return encoding.GetCodecV2("proto") }

// Outgoing is an encoded message for SendMsg, once.
type Outgoing struct{}

// FromSource is what the host's RecvMsg fills on a Source stream: Batch, else Message.
type FromSource struct {
	Batch   []byte
	Message *contract.FromSource
}

// ToSource is what the plugin's RecvMsg fills on a Source stream: Receipts (for Ledger.Expand), else Message.
type ToSource struct {
	Receipts []byte
	Message  *contract.ToSource
}

// ToSink is what the plugin's RecvMsg fills on a Sink stream: Put, else Message.
type ToSink struct {
	Put     []byte
	Message *contract.ToSink
}

// SourceEncoder is the plugin's side of one Source stream. Not safe for concurrent use.
type SourceEncoder struct {
	// Ledger, where the task wants receipts, keeps what was sent. nil: none.
	Ledger *Ledger
}

// Encode returns b as messages to be sent in turn: one, and more where b is too large for one message or has too many schemas. The fault is in the last.
// The error is of class connect.ErrData and nothing was encoded: a record that the contract cannot carry.
func (e *SourceEncoder) Encode(b *connect.Batch, fault *contract.Fault) ([]*Outgoing, error) {
	return nil, errStub
}

// SourceDecoder is the host's side of one Source stream. Receipts and Number may be called beside Decode.
type SourceDecoder struct{}

// NewSourceDecoder interns through intern (connect.SourceContext.PartitionOf).
func NewSourceDecoder(intern func(attrs ...connect.Attr) *connect.Partition) *SourceDecoder {
	return nil
}

// Decode appends the batch's records to b; they alias batch.
func (d *SourceDecoder) Decode(batch []byte, b *connect.Batch) (fault *contract.Fault, err error) {
	return nil, errStub
}

// Number is the number of a partition in the stream; 0 for nil and for one that the stream does not know.
func (d *SourceDecoder) Number(p *connect.Partition) uint32 { return 0 }

// Receipts returns ToSource{receipts}.
func (d *SourceDecoder) Receipts(done []connect.Receipt) *Outgoing { return nil }

// Count returns the number of records of a batch.
func Count(batch []byte) (records int) { return 0 }

// Ledger keeps what a source task has sent until its receipts come. Safe for concurrent use.
type Ledger struct{}

// Expand returns the receipts that a Receipts message stands for, in a slice that is good until the next call.
func (l *Ledger) Expand(receipts []byte) ([]connect.Receipt, error) { return nil, errStub }

// PutEncoder is the host's side of one Sink stream. Not safe for concurrent use.
type PutEncoder struct{}

// Encode returns ToSink{put} with the first n of the records: all of them, or fewer (but one at least) where they are too large for one message or have too
// many schemas; the caller puts the rest under numbers of their own.
func (e *PutEncoder) Encode(number uint64, records []connect.SinkRecord) (out *Outgoing, n int, err error) {
	return nil, 0, errStub
}

// PutDecoder is the plugin's side of one Sink stream.
type PutDecoder struct{}

// Decode returns the records in one fresh slice; strings and bytes alias put.
func (d *PutDecoder) Decode(put []byte) (number uint64, records []connect.SinkRecord, err error) {
	return 0, nil, errStub
}

// Schemas are what goes ahead of a message that refers to schemas.
type Schemas struct {
	Forget bool
	New    []*contract.Schema
}

// Sender numbers the schemas of one direction of a stream, for messages that are not hot. The zero Sender is ready.
type Sender struct{}

// Record returns r as the contract has it, with the schemas that go into the same message.
func (s *Sender) Record(r *connect.Record) (*contract.SourceRecord, Schemas, error) {
	return nil, Schemas{}, errStub
}

// SinkRecord is Record for sinks (Report).
func (s *Sender) SinkRecord(r *connect.SinkRecord) (*contract.SinkRecord, Schemas, error) {
	return nil, Schemas{}, errStub
}

// Value returns the number of the schema, and v.
func (s *Sender) Value(schema *connect.Schema, v connect.Value) (uint32, *contract.Value, Schemas, error) {
	return 0, nil, Schemas{}, errStub
}

// Receiver is the other end of a Sender. The zero Receiver is ready.
type Receiver struct{}

// Learn takes a message's schemas in, before its values are read.
func (r *Receiver) Learn(forget bool, schemas []*contract.Schema) error { return errStub }

// Record fills out.
func (r *Receiver) Record(in *contract.SourceRecord, out *connect.Record) error { return errStub }

// SinkRecord fills out.
func (r *Receiver) SinkRecord(in *contract.SinkRecord, out *connect.SinkRecord) error { return errStub }

// Value returns the schema of a number and a value under it.
func (r *Receiver) Value(number uint32, v *contract.Value) (*connect.Schema, connect.Value, error) {
	return nil, connect.Value{}, errStub
}

// ToValue is for values without schemas: configuration values.
func ToValue(v connect.Value) (*contract.Value, error) { return nil, errStub }

// FromValue is the reverse of ToValue.
func FromValue(v *contract.Value) (connect.Value, error) { return connect.Value{}, errStub }

// ToAttrs and FromAttrs carry the members of a source partition.
func ToAttrs(attrs []connect.Attr) ([]*contract.Attr, error)   { return nil, errStub }
func FromAttrs(attrs []*contract.Attr) ([]connect.Attr, error) { return nil, errStub }

// ToOffset gives nil for the zero Offset.
func ToOffset(o connect.Offset) (*contract.Offset, error)   { return nil, errStub }
func FromOffset(o *contract.Offset) (connect.Offset, error) { return connect.Offset{}, errStub }

// ToFault gives nil for nil.
func ToFault(err error) *contract.Fault { return nil }
func FromFault(f *contract.Fault) error { return nil }

// ToSpec and FromSpec carry what a class says of itself. Checks and recommenders do not cross: ToSpec leaves them nil.
func ToSpec(class *contract.Class) connect.Spec  { return connect.Spec{} }
func FromSpec(spec connect.Spec) *contract.Class { return nil }
