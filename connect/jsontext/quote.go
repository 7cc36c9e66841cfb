package jsontext

import (
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

const upperHex = "0123456789ABCDEF"

// AppendString quotes s as Jackson does: characters beyond U+FFFF as a pair of escapes, all others as they are.
func AppendString(dst []byte, s string) []byte {
	if quoted, ok := appendPlain(dst, s); ok {
		return quoted
	}
	dst = append(dst, '"')
	start := 0
	for i := Plain(s, 0); i < len(s); i = Plain(s, i) {
		c := s[i]
		if c < utf8.RuneSelf {
			dst = appendEscape(append(dst, s[start:i]...), c)
			i++
			start = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r > 0xffff || (r == utf8.RuneError && n == 1) {
			dst = appendRune(append(dst, s[start:i]...), r)
			start = i + n
		}
		i += n
	}
	return append(append(dst, s[start:]...), '"')
}

// appendPlain quotes s while it looks for what does not stand as it is, eight bytes at once; ok is false where there is such a thing, and where s is short or
// dst has no room for it.
func appendPlain(dst []byte, s string) (quoted []byte, ok bool) {
	start, size := len(dst)+1, len(s)
	if size < 8 || cap(dst) <= start+size {
		return nil, false
	}
	quoted = dst[:start+size+1]
	quoted[start-1] = '"'
	out := quoted[start:]
	var special uint64
	for at := 0; at+8 <= size; at += 8 {
		w := word(s[at:])
		special |= marks(w)
		binary.LittleEndian.PutUint64(out[at:], w)
	}
	last := word(s[size-8:])
	binary.LittleEndian.PutUint64(out[size-8:], last)
	out[size] = '"'
	return quoted, special|marks(last) == 0
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	return appendUnit(dst, rune(c))
}

// appendRune writes what is not copied as it is: a pair of escapes, or U+FFFD for what is not UTF-8.
func appendRune(dst []byte, r rune) []byte {
	if r <= 0xffff {
		return utf8.AppendRune(dst, r)
	}
	high, low := utf16.EncodeRune(r)
	return appendUnit(appendUnit(dst, high), low)
}

func appendUnit(dst []byte, u rune) []byte {
	return append(dst, '\\', 'u', upperHex[u>>12&15], upperHex[u>>8&15], upperHex[u>>4&15], upperHex[u&15])
}
