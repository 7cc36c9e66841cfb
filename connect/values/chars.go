package values

import (
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// Text is Java's new String(bytes, UTF_8): what is not UTF-8 becomes U+FFFD, one for each longest beginning of a character.
// Valid UTF-8 is shared, not copied: b must not be written to any more.
func Text(b []byte) string {
	if utf8.Valid(b) {
		return Valid(b)
	}
	out := make([]byte, 0, len(b)+16)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			n = malformed(b)
		}
		out = utf8.AppendRune(out, r)
		b = b[n:]
	}
	return string(out)
}

// Valid is [Text] for bytes that are known to be UTF-8.
func Valid(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// malformed is the length of what Java replaces by one U+FFFD at the start of b, which is not a character.
func malformed(b []byte) int {
	lead := b[0]
	if lead == 0xed && continued(b, 1) && continued(b, 2) { // a surrogate: no character, but of the form of one
		return 3
	}
	switch {
	case lead >= 0xe0 && lead <= 0xef:
		if !continued(b, 1) || (lead == 0xe0 && b[1] < 0xa0) {
			return 1
		}
		return 2
	case lead >= 0xf0 && lead <= 0xf4:
		if !continued(b, 1) || (lead == 0xf0 && b[1] < 0x90) || (lead == 0xf4 && b[1] > 0x8f) {
			return 1
		}
		if !continued(b, 2) {
			return 2
		}
		return 3
	}
	return 1
}

func continued(b []byte, i int) bool { return i < len(b) && b[i]&0xc0 == 0x80 }

// digitOf is the value of a decimal digit of any script (Character.digit for radix 10), or -1. Digits beyond U+FFFF are two
// chars in Java and no digits there.
func digitOf(r rune) int {
	if r < utf8.RuneSelf {
		if r >= '0' && r <= '9' {
			return int(r - '0')
		}
		return -1
	}
	for _, block := range unicode.Nd.R16 {
		if r < rune(block.Lo) {
			return -1
		}
		if r <= rune(block.Hi) {
			return int(r-rune(block.Lo)) % 10
		}
	}
	return -1
}

// ASCIIDigits is a text with the digits of all scripts in ASCII, which Java's number formats take for the same.
func ASCIIDigits(text string) string {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return strings.Map(func(r rune) rune {
				if n := digitOf(r); n >= 0 {
					return '0' + rune(n)
				}
				return r
			}, text)
		}
	}
	return text
}

// javaLength is String.length: of UTF-16 units.
func javaLength(text string) (units int) {
	for _, r := range text {
		units += utf16.RuneLen(r)
	}
	return units
}

// isBlank is Utils.isBlank, and trim is String.trim: both take everything up to U+0020 for white space.
func isBlank(s string) bool { return trim(s) == "" }

func trim(s string) string {
	for s != "" && s[0] <= ' ' {
		s = s[1:]
	}
	for s != "" && s[len(s)-1] <= ' ' {
		s = s[:len(s)-1]
	}
	return s
}
