package converters

import (
	"errors"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/sluice-connect/sluice/connect/values"
)

// scanner pulls JSON from bytes as Jackson reads it for Kafka Connect: numbers may have leading zeros, what follows the first value
// is not looked at, nesting ends at 1000. The data are UTF-8 (see toUTF8).
type scanner struct {
	data  []byte
	at    int
	depth int
}

// Jackson's StreamReadConstraints.
const (
	maxDepth        = 1000
	maxNumberLength = 1000
)

var errSyntax = errors.New("invalid JSON")

func (s *scanner) fail(what string) error {
	return fmt.Errorf("%w: %s at byte %d", errSyntax, what, s.at)
}

// peek skips white space and returns the first byte of what follows, 0 at the end.
func (s *scanner) peek() byte {
	for s.at < len(s.data) {
		switch c := s.data[s.at]; c {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return c
		}
	}
	return 0
}

// open steps into an object or a list, whose bracket peek has seen, and tells whether it has members.
func (s *scanner) open(closing byte) (members bool, err error) {
	s.at++
	if s.depth++; s.depth > maxDepth {
		return false, s.fail("more than 1000 levels")
	}
	if s.peek() == closing {
		s.at++
		s.depth--
		return false, nil
	}
	return true, nil
}

// next steps behind a member and tells whether there is another.
func (s *scanner) next(closing byte) (more bool, err error) {
	switch s.peek() {
	case ',':
		s.at++
		return true, nil
	case closing:
		s.at++
		s.depth--
		return false, nil
	}
	return false, s.fail("neither comma nor end")
}

// name reads the name of a member and the colon behind it.
func (s *scanner) name() (string, error) {
	if s.peek() != '"' {
		return "", s.fail("no member name")
	}
	name, err := s.text()
	if err != nil {
		return "", err
	}
	if s.peek() != ':' {
		return "", s.fail("no colon")
	}
	s.at++
	return name, nil
}

// text reads a string whose quote peek has seen. It shares the data where nothing is escaped.
func (s *scanner) text() (string, error) {
	s.at++
	start := s.at
	high := false
	for s.at < len(s.data) {
		c := s.data[s.at]
		switch {
		case c == '"':
			raw := s.data[start:s.at]
			if high && !utf8.Valid(raw) {
				return "", s.fail("invalid UTF-8 in a string")
			}
			s.at++
			return values.Text(raw), nil
		case c == '\\':
			return s.escaped(start)
		case c < ' ':
			return "", s.fail("control character in a string")
		case c >= utf8.RuneSelf:
			high = true
		}
		s.at++
	}
	return "", s.fail("string without end")
}

// escaped goes on with a string at its first escape.
func (s *scanner) escaped(start int) (string, error) {
	out := append(make([]byte, 0, 2*(s.at-start)+16), s.data[start:s.at]...)
	for s.at < len(s.data) {
		c := s.data[s.at]
		switch {
		case c == '"':
			s.at++
			if !utf8.Valid(out) {
				return "", s.fail("invalid UTF-8 in a string")
			}
			return values.Text(out), nil
		case c == '\\':
			r, err := s.escape()
			if err != nil {
				return "", err
			}
			out = utf8.AppendRune(out, r)
			continue
		case c < ' ':
			return "", s.fail("control character in a string")
		}
		out = append(out, c)
		s.at++
	}
	return "", s.fail("string without end")
}

// escape reads one character behind a backslash. Half a surrogate pair, which Java can hold and Go cannot, becomes U+FFFD.
func (s *scanner) escape() (rune, error) {
	if s.at+1 >= len(s.data) {
		return 0, s.fail("string without end")
	}
	c := s.data[s.at+1]
	if c == 'u' {
		return s.unicode()
	}
	s.at += 2
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	}
	return 0, s.fail("unknown escape in a string")
}

func (s *scanner) unicode() (rune, error) {
	r, ok := s.hex4(s.at)
	if !ok {
		return 0, s.fail("unknown escape in a string")
	}
	s.at += 6
	if !utf16.IsSurrogate(r) {
		return r, nil
	}
	if low, ok := s.hex4(s.at); ok {
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			s.at += 6
			return pair, nil
		}
	}
	return utf8.RuneError, nil
}

// hex4 reads \uXXXX at a position without moving.
func (s *scanner) hex4(at int) (r rune, ok bool) {
	if at+6 > len(s.data) || s.data[at] != '\\' || s.data[at+1] != 'u' {
		return 0, false
	}
	for _, c := range s.data[at+2 : at+6] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// word reads true, false or null.
func (s *scanner) word(want string) error {
	if len(s.data)-s.at < len(want) || string(s.data[s.at:s.at+len(want)]) != want {
		return s.fail("unknown word")
	}
	s.at += len(want)
	if s.at < len(s.data) && isIdentifier(s.data[s.at]) {
		return s.fail("unknown word")
	}
	return nil
}

func isIdentifier(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '$' || c >= utf8.RuneSelf
}

// skip reads a value of any kind and forgets it.
func (s *scanner) skip() error {
	switch c := s.peek(); c {
	case '{', '[':
		return s.skipMembers(c, c+2) // in ASCII the closing bracket is two behind the opening one
	case '"':
		_, err := s.text()
		return err
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	}
	_, err := s.number()
	return err
}

func (s *scanner) skipMembers(opening, closing byte) error {
	more, err := s.open(closing)
	for more && err == nil {
		if opening == '{' {
			if _, err = s.name(); err != nil {
				return err
			}
		}
		if err = s.skip(); err != nil {
			return err
		}
		more, err = s.next(closing)
	}
	return err
}

// endRoot checks what follows the root value directly: after a number only white space may.
func (s *scanner) endRoot(first byte) error {
	if s.at < len(s.data) && (first == '-' || first >= '0' && first <= '9') {
		switch s.data[s.at] {
		case ' ', '\t', '\n', '\r':
		default:
			return s.fail("a number with something behind it")
		}
	}
	return nil
}
