package converters

import (
	"encoding/binary"
	"errors"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// charset is an encoding of text other than UTF-8. What it does not know it replaces, as Java does: by ? when writing, by U+FFFD
// when reading.
type charset interface {
	append(dst []byte, text string) []byte
	text(data []byte) string
}

// charsetNamed finds an encoding by the name that Java knows it by, or one of its aliases; nil is UTF-8.
func charsetNamed(name string) (charset, error) {
	plain := plainName(name)
	switch plain {
	case "utf8":
		return nil, nil
	case "usascii", "ascii", "iso646us":
		return ascii{}, nil
	case "utf16":
		return wide{order: binary.BigEndian, marked: true}, nil
	case "utf16be":
		return wide{order: binary.BigEndian}, nil
	case "utf16le":
		return wide{order: binary.LittleEndian}, nil
	case "latin1", "l1":
		plain = "iso88591"
	}
	if number, ok := strings.CutPrefix(plain, "cp125"); ok {
		plain = "windows125" + number
	}
	for _, e := range charmap.All {
		if m, ok := e.(*charmap.Charmap); ok && plainName(m.String()) == plain {
			return table{m}, nil
		}
	}
	return nil, errors.New("unknown character set; use UTF-8, US-ASCII, UTF-16, ISO-8859-n or windows-125n")
}

// plainName leaves the letters and digits of a name, in lower case: ISO-8859-1, ISO8859_1 and ISO 8859-1 are one.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, strings.ToLower(name))
}

// table is a character set of one byte a character.
type table struct{ m *charmap.Charmap }

func (t table) append(dst []byte, text string) []byte {
	for _, r := range text {
		b, ok := t.m.EncodeRune(r)
		if !ok {
			b = '?'
		}
		dst = append(dst, b)
	}
	return dst
}

func (t table) text(data []byte) string {
	out := make([]byte, 0, 2*len(data))
	for _, b := range data {
		out = utf8.AppendRune(out, t.m.DecodeByte(b))
	}
	return string(out)
}

type ascii struct{}

func (ascii) append(dst []byte, text string) []byte {
	for _, r := range text {
		if r >= utf8.RuneSelf {
			r = '?'
		}
		dst = append(dst, byte(r))
	}
	return dst
}

func (ascii) text(data []byte) string {
	out := make([]byte, 0, len(data))
	for _, b := range data {
		if b < utf8.RuneSelf {
			out = append(out, b)
		} else {
			out = utf8.AppendRune(out, utf8.RuneError)
		}
	}
	return string(out)
}

// wide is UTF-16. With a mark, it is written before the text and decides the order of bytes when reading.
type wide struct {
	order  byteOrder
	marked bool
}

type byteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

func (w wide) append(dst []byte, text string) []byte {
	if w.marked && text != "" {
		dst = w.order.AppendUint16(dst, 0xfeff)
	}
	for _, r := range text {
		if high, low := utf16.EncodeRune(r); high != utf8.RuneError {
			dst = w.order.AppendUint16(dst, uint16(high))
			r = low
		}
		dst = w.order.AppendUint16(dst, uint16(r))
	}
	return dst
}

func (w wide) text(data []byte) string {
	order := w.order
	if w.marked && len(data) >= 2 {
		switch binary.BigEndian.Uint16(data) {
		case 0xfeff:
			data = data[2:]
		case 0xfffe:
			data, order = data[2:], binary.LittleEndian
		}
	}
	units := make([]uint16, 0, len(data)/2)
	for ; len(data) >= 2; data = data[2:] {
		units = append(units, order.Uint16(data))
	}
	text := string(utf16.Decode(units))
	if len(data) == 1 {
		text += string(utf8.RuneError)
	}
	return text
}
