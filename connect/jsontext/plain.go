package jsontext

import (
	"math/bits"
	"unicode/utf8"
)

// Plain returns the position of the first byte from at on that does not stand in a string as it is: a quote, a backslash, a control character, or one of a
// character beyond ASCII. Eight bytes are looked at at once.
func Plain[T string | []byte](text T, at int) int {
	for ; at+8 <= len(text); at += 8 {
		if m := marks(word(text[at : at+8])); m != 0 {
			return at + bits.TrailingZeros64(m)>>3
		}
	}
	if rest := len(text) - at; len(text) >= 8 { // the last word, without what has been seen: the zeros behind it end a string too
		return at + bits.TrailingZeros64(marks(word(text[len(text)-8:])>>(64-8*rest)))>>3
	}
	for at < len(text) && text[at] >= ' ' && text[at] != '"' && text[at] != '\\' && text[at] < utf8.RuneSelf {
		at++
	}
	return at
}

// word is eight bytes, the first of them the lowest; it is one load, for a string too.
func word[T string | []byte](b T) uint64 {
	_ = b[7]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 | uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// marks sets the highest bit of the first byte that is not plain, and of none below it.
func marks(w uint64) uint64 {
	const ones, highest = 0x0101010101010101, 0x8080808080808080
	return (w | (w - ' '*ones) | ((w ^ '"'*ones) - ones) | ((w ^ '\\'*ones) - ones)) & highest
}
