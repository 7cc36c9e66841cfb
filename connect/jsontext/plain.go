package jsontext

import (
	"math/bits"
	"unicode/utf8"
)

// plain returns the position of the first byte from at on that does not stand in a string as it is: a quote, a backslash, a control character, or one of a
// character beyond ASCII. Eight bytes are looked at at once: the lowest byte whose highest bit is set in marks is the first such.
func plain[T string | []byte](text T, at int) int {
	const ones, highest = 0x0101010101010101, 0x8080808080808080
	for at+8 <= len(text) {
		b := text[at : at+8] // one load, for a string too
		w := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 | uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		marks := (w | (w - ' '*ones) | ((w ^ '"'*ones) - ones) | ((w ^ '\\'*ones) - ones)) & highest
		if marks != 0 {
			return at + bits.TrailingZeros64(marks)>>3
		}
		at += 8
	}
	for at < len(text) && text[at] >= ' ' && text[at] != '"' && text[at] != '\\' && text[at] < utf8.RuneSelf {
		at++
	}
	return at
}
