package converters

import (
	"encoding/binary"
	"errors"
	"unicode/utf8"
)

// toUTF8 finds the encoding of JSON by its first bytes, as Jackson does, and returns UTF-8 without a byte order mark: data itself
// where they are that.
func toUTF8(data []byte) ([]byte, error) {
	if len(data) < 2 || (data[0] != 0 && data[1] != 0 && data[0] < 0xef) {
		return data, nil
	}
	if len(data) >= 3 && data[0] == 0xef && data[1] == 0xbb && data[2] == 0xbf {
		return data[3:], nil
	}
	if len(data) >= 4 {
		if order, start, ok := utf32Order(data); ok {
			return fromUTF32(order, data[start:])
		}
	}
	switch first := binary.BigEndian.Uint16(data); {
	case first == 0xfeff || first == 0xfffe:
		return []byte(wide{order: binary.BigEndian, marked: true}.text(data)), nil
	case first&0xff00 == 0:
		return []byte(wide{order: binary.BigEndian}.text(data)), nil
	case first&0x00ff == 0:
		return []byte(wide{order: binary.LittleEndian}.text(data)), nil
	}
	return data, nil
}

// utf32Order looks for UTF-32; start is behind the mark, if there is one.
func utf32Order(data []byte) (order binary.ByteOrder, start int, ok bool) {
	switch first := binary.BigEndian.Uint32(data); {
	case first == 0x0000feff:
		return binary.BigEndian, 4, true
	case first == 0xfffe0000:
		return binary.LittleEndian, 4, true
	case first>>8 == 0:
		return binary.BigEndian, 0, true
	case first&0x00ffffff == 0:
		return binary.LittleEndian, 0, true
	}
	return nil, 0, false
}

func fromUTF32(order binary.ByteOrder, data []byte) ([]byte, error) {
	out := make([]byte, 0, len(data)/4)
	for ; len(data) >= 4; data = data[4:] {
		r := order.Uint32(data)
		if r > utf8.MaxRune {
			return nil, errors.New("invalid UTF-32")
		}
		out = utf8.AppendRune(out, rune(r))
	}
	return out, nil
}
