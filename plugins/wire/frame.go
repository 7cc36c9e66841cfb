package wire

import (
	"google.golang.org/protobuf/proto"

	"github.com/sluice-connect/sluice/plugins/contract"
)

// FromSource is what the host's RecvMsg fills on a Source stream: Batch, for [SourceDecoder.Decode] and [Count], or else Message. Batch has memory of its own.
type FromSource struct {
	Batch   []byte
	Message *contract.FromSource
}

// ToSource is what the plugin's RecvMsg fills on a Source stream: Receipts, for [Ledger.Expand], or else Message.
type ToSource struct {
	Receipts []byte
	Message  *contract.ToSource
}

// ToSink is what the plugin's RecvMsg fills on a Sink stream: Put, for [PutDecoder.Decode], or else Message.
type ToSink struct {
	Put     []byte
	Message *contract.ToSink
}

// The highest numbers of what these messages may be.
var (
	lastFromSource = lastMember(&contract.FromSource{})
	lastToSource   = lastMember(&contract.ToSource{})
	lastToSink     = lastMember(&contract.ToSink{})
)

func lastMember(m proto.Message) (last uint64) {
	members := m.ProtoReflect().Descriptor().Oneofs().Get(0).Fields()
	for i := range members.Len() {
		last = max(last, uint64(members.Get(i).Number()))
	}
	return last
}

// frame is a message with a oneof of which one member is left as it came.
type frame interface {
	read(raw []byte) error
	name() string
}

func (f *FromSource) name() string { return "FromSource" }
func (f *ToSource) name() string   { return "ToSource" }
func (f *ToSink) name() string     { return "ToSink" }

func (f *FromSource) read(raw []byte) (err error) {
	f.Message = nil
	if f.Batch, err = hot(raw, 2, lastFromSource); err == nil && f.Batch == nil {
		f.Message = new(contract.FromSource)
		err = proto.Unmarshal(raw, f.Message)
	}
	return err
}

func (f *ToSource) read(raw []byte) (err error) {
	f.Message = nil
	if f.Receipts, err = hot(raw, 3, lastToSource); err == nil && f.Receipts == nil {
		f.Message = new(contract.ToSource)
		err = proto.Unmarshal(raw, f.Message)
	}
	return err
}

func (f *ToSink) read(raw []byte) (err error) {
	f.Message = nil
	if f.Put, err = hot(raw, 4, lastToSink); err == nil && f.Put == nil {
		f.Message = new(contract.ToSink)
		err = proto.Unmarshal(raw, f.Message)
	}
	return err
}

// hot returns the member number of a oneof whose members are 1 to last, all of them messages; nil where the message is another, as the last one counts.
func hot(raw []byte, number, last uint64) ([]byte, error) {
	var found parts
	c := over(raw)
	for c.next() {
		switch member := c.tag >> 3; {
		case c.tag == number<<3|2:
			found.add(c.bytes)
		case member <= last && c.tag&7 == 2:
			found = parts{}
		}
	}
	return found.raw, c.err
}
