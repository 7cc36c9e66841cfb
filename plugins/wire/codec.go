package wire

import (
	"fmt"
	"strings"
	"unsafe"

	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // registers the codec that does for all else
	"google.golang.org/grpc/mem"
)

// Codec returns what codes the messages of a connection to a plugin, for grpc.ForceCodecV2 and grpc.ForceServerCodecV2: those of this package by hand, all
// others as gRPC does. It is safe for concurrent use.
func Codec() encoding.CodecV2 { return codec{encoding.GetCodecV2("proto")} }

type codec struct{ protobuf encoding.CodecV2 }

// Name implements encoding.CodecV2: it is protobuf for whoever listens.
func (codec) Name() string { return "proto" }

// Marshal implements encoding.CodecV2.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	if out, ok := v.(*Outgoing); ok {
		return out.marshal()
	}
	return c.protobuf.Marshal(v)
}

// Unmarshal implements encoding.CodecV2.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	frame, ok := v.(frame)
	if !ok {
		return c.protobuf.Unmarshal(data, v)
	}
	if err := frame.read(own(data)); err != nil {
		return fmt.Errorf("%s: %w", frame.name(), err)
	}
	return nil
}

// own copies a message out of gRPC's memory, which it reuses, into memory of its own, which records share for as long as they live. A builder's memory is not
// cleared first.
func own(data mem.BufferSlice) []byte {
	var b strings.Builder
	b.Grow(data.Len())
	for _, part := range data {
		b.Write(part.ReadOnlyData())
	}
	text := b.String()
	return unsafe.Slice(unsafe.StringData(text), len(text))
}
