package registry

import (
	"encoding/binary"
	"fmt"

	"github.com/sluice-connect/sluice/connect"
)

// HeaderSize is the length of what stands in front of every message: a zero byte and the schema's id, big endian.
const HeaderSize = 5

// AppendHeader appends the front of a message whose schema has this id.
func AppendHeader(dst []byte, id int32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, 0), uint32(id))
}

// CutHeader takes a message apart. Its error is of class [connect.ErrData].
func CutHeader(data []byte) (id int32, payload []byte, err error) {
	switch {
	case len(data) < HeaderSize:
		return 0, nil, fmt.Errorf("%w: a message of %d bytes cannot begin with the id of a schema: it was not written through a schema registry",
			connect.ErrData, len(data))
	case data[0] != 0:
		return 0, nil, fmt.Errorf("%w: unknown magic byte %d: the message was not written through a schema registry", connect.ErrData, data[0])
	}
	return int32(binary.BigEndian.Uint32(data[1:])), data[HeaderSize:], nil
}

// maxIndexes bounds how deep a message type may be nested in its file.
const maxIndexes = 64

// AppendIndexes appends where a protobuf message type stands in its file: its position, and behind it that of each message within. The first message
// of the file is a single zero byte (io.confluent.kafka.schemaregistry.protobuf.MessageIndexes).
func AppendIndexes(dst []byte, indexes []int) []byte {
	if len(indexes) == 1 && indexes[0] == 0 {
		return append(dst, 0)
	}
	dst = binary.AppendVarint(dst, int64(len(indexes)))
	for _, i := range indexes {
		dst = binary.AppendVarint(dst, int64(i))
	}
	return dst
}

// CutIndexes takes the indexes from the front of a protobuf message. They are put into room.
func CutIndexes(room []int, data []byte) (indexes []int, rest []byte, err error) {
	broken := func() ([]int, []byte, error) {
		return nil, nil, fmt.Errorf("%w: the indexes of the message type are broken", connect.ErrData)
	}
	count, n := binary.Varint(data)
	if n <= 0 || count < 0 || count > maxIndexes {
		return broken()
	}
	data = data[n:]
	if count == 0 {
		return append(room[:0], 0), data, nil
	}
	indexes = room[:0]
	for range count {
		i, n := binary.Varint(data)
		if n <= 0 || i < 0 || i > 1<<20 {
			return broken()
		}
		indexes, data = append(indexes, int(i)), data[n:]
	}
	return indexes, data, nil
}
