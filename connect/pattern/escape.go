package pattern

import (
	"fmt"
	"unicode"
)

const unsupported = "Illegal/unsupported escape sequence"

// escaped reads what begins with a backslash outside of classes.
func (t *translator) escaped() string {
	t.at++
	c := t.raw(0)
	if c == 'X' || c == 'N' || c == 'b' && t.raw(1) == '{' {
		t.lacking(`\`+string(c), "write the characters themselves")
	}
	switch c {
	case 'A', 'B', 'G', 'b', 'z':
		t.at++
		return `\` + string(c)
	case 'Z':
		t.at++
		if t.flags.unixLines {
			return beforeLastUnixLineEnd
		}
		return beforeLastLineEnd
	case 'R':
		t.at++
		return `(?:\r\n|[\n\x0B\f\r\u0085\u2028\u2029])`
	case 'k':
		return t.namedReference()
	}
	if c >= '1' && c <= '9' {
		return t.reference()
	}
	if s, ok := t.predefined(); ok {
		return s.String()
	}
	return t.literal(t.character())
}

// lacking ends the translation at a construct that Java has and this does not.
func (t *translator) lacking(construct, instead string) {
	t.fail(construct+" is not understood here: "+instead, t.at)
}

// reference reads the number of a group before; more digits belong to it as long as there is such a group. One to a group that is not there never
// matches.
func (t *translator) reference() string {
	n := int(t.raw(0) - '0')
	for t.at++; isDigit(t.raw(0)); t.at++ {
		longer := n*10 + int(t.raw(0)-'0')
		if longer > t.groups {
			break
		}
		n = longer
	}
	return t.backTo(n)
}

func (t *translator) namedReference() string {
	t.at++
	if t.raw(0) != '<' {
		t.fail(`\k is not followed by '<' for named capturing group`, t.at)
	}
	t.at++
	if !isLetter(t.raw(0)) {
		t.fail("capturing group name does not start with a Latin letter", t.at)
	}
	name := t.name()
	n, known := t.names[name]
	if !known {
		t.fail(fmt.Sprintf("named capturing group <%s> does not exist", name), t.at-1)
	}
	return t.backTo(n)
}

func (t *translator) backTo(group int) string {
	switch {
	case group > t.groups:
		return `(?!)`
	case t.flags.fold:
		return fmt.Sprintf(`(?i:\%d)`, group)
	}
	return fmt.Sprintf(`(?:\%d)`, group)
}

// predefined reads \d, \w, \p{Lu} and their like; ok is false for a single character.
func (t *translator) predefined() (s set, ok bool) {
	c := t.raw(0)
	switch unicode.ToLower(c) {
	case 'd':
		s = t.either(digits, categories("Nd"))
	case 'w':
		s = t.either(words, categories("L", "M", "Nd", "Pc").union(property("Alphabetic")))
	case 's':
		s = t.either(spaces, of(unicode.White_Space))
	case 'h':
		s = horizontal
	case 'v':
		s = vertical
	case 'p':
		return t.family(c == 'P'), true
	default:
		return nil, false
	}
	t.at++
	if unicode.IsUpper(c) {
		s = s.negated()
	}
	return s, true
}

func (t *translator) either(ascii, full set) set {
	if t.flags.unicodeClass {
		return full
	}
	return ascii
}

// controls are letters that stand for a character that cannot be seen.
var controls = map[rune]rune{'a': 7, 'e': 0x1b, 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// character reads an escape that is one character.
func (t *translator) character() rune {
	c := t.raw(0)
	if c == end {
		t.fail("Unexpected internal error", t.at)
	}
	t.at++
	if control, ok := controls[c]; ok {
		return control
	}
	switch c {
	case '0':
		return t.octal()
	case 'x':
		return t.hexadecimal()
	case 'u':
		if n, ok := t.hexDigits(4); ok {
			return n
		}
		t.fail("Illegal Unicode escape sequence", t.at)
	case 'c':
		if t.raw(0) == end {
			t.fail("Illegal control escape sequence", t.at-1)
		}
		t.at++
		return t.raw(-1) ^ 64
	}
	if isLetter(c) {
		t.fail(unsupported, t.at-1)
	}
	return c
}

func (t *translator) octal() (n rune) {
	first := t.raw(0)
	for i := 0; i < 3 && t.raw(0) >= '0' && t.raw(0) <= '7' && (i < 2 || first <= '3'); i++ {
		n = n*8 + t.raw(0) - '0'
		t.at++
	}
	if first < '0' || first > '7' {
		t.fail("Illegal octal escape sequence", t.at)
	}
	return n
}

func (t *translator) hexadecimal() rune {
	if t.raw(0) != '{' {
		if n, ok := t.hexDigits(2); ok {
			return n
		}
		t.fail("Illegal hexadecimal escape sequence", t.at)
	}
	t.at++
	n, some := rune(0), false
	for d := hexDigit(t.raw(0)); d >= 0; d = hexDigit(t.raw(0)) {
		if n, some = n<<4+d, true; n > unicode.MaxRune {
			t.fail("Hexadecimal codepoint is too big", t.at)
		}
		t.at++
	}
	if !some {
		t.fail("Illegal hexadecimal escape sequence", t.at-1)
	}
	if t.raw(0) != '}' {
		t.fail("Unclosed hexadecimal escape sequence", t.at)
	}
	t.at++
	return n
}

func (t *translator) hexDigits(count int) (n rune, ok bool) {
	for range count {
		d := hexDigit(t.raw(0))
		if d < 0 {
			return 0, false
		}
		n = n<<4 + d
		t.at++
	}
	return n, true
}

func hexDigit(c rune) rune {
	switch {
	case isDigit(c):
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return -1
}
