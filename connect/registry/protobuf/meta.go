package protobuf

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// metaOf reads the parameters of the option confluent.field_meta, number 1088, from its bytes: the extension need not be known here.
func metaOf(fd protoreflect.FieldDescriptor) map[string]string {
	raw, err := proto.Marshal(fd.Options())
	if err != nil {
		return nil
	}
	out := map[string]string{}
	eachBytes(raw, 1088, func(meta []byte) {
		eachBytes(meta, 2, func(entry []byte) {
			var key, value string
			eachBytes(entry, 1, func(b []byte) { key = string(b) })
			eachBytes(entry, 2, func(b []byte) { value = string(b) })
			out[key] = value
		})
	})
	return out
}

// eachBytes calls found with each field of a number that has a length.
func eachBytes(message []byte, number protowire.Number, found func([]byte)) {
	for len(message) > 0 {
		n, typ, size := protowire.ConsumeTag(message)
		if size < 0 {
			return
		}
		message = message[size:]
		if n == number && typ == protowire.BytesType {
			b, size := protowire.ConsumeBytes(message)
			if size < 0 {
				return
			}
			found(b)
			message = message[size:]
			continue
		}
		if size = protowire.ConsumeFieldValue(n, typ, message); size < 0 {
			return
		}
		message = message[size:]
	}
}
