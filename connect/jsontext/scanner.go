package jsontext

import (
	"errors"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/sluice-connect/sluice/connect/values"
)

// Scanner pulls JSON from bytes as Jackson reads it for Kafka Connect: numbers may have leading zeros, what follows the first value
// is not looked at, nesting ends at 1000. The data are UTF-8 (see toUTF8).
type Scanner struct {
	Data  []byte
	At    int
	Depth int
}

// Jackson's StreamReadConstraints.
const (
	maxDepth        = 1000
	maxNumberLength = 1000
)

// ErrSyntax is the class of errors about text that is no JSON.
var ErrSyntax = errors.New("invalid JSON")

// Fail is an error of class [ErrSyntax] that names the place.
func (s *Scanner) Fail(what string) error {
	return fmt.Errorf("%w: %s at byte %d", ErrSyntax, what, s.At)
}

// Peek skips white space and returns the first byte of what follows, 0 at the end.
func (s *Scanner) Peek() byte {
	if s.At < len(s.Data) && s.Data[s.At] > ' ' {
		return s.Data[s.At]
	}
	return s.skipBlanks()
}

func (s *Scanner) skipBlanks() byte {
	for s.At < len(s.Data) {
		switch c := s.Data[s.At]; c {
		case ' ', '\t', '\n', '\r':
			s.At++
		default:
			return c
		}
	}
	return 0
}

// Take steps behind a text and tells whether it is what follows.
func (s *Scanner) Take(text string) bool {
	if rest := s.Data[s.At:]; len(rest) < len(text) || string(rest[:len(text)]) != text {
		return false
	}
	s.At += len(text)
	return true
}

// Open steps into an object or a list, whose bracket Peek has seen, and tells whether it has members.
func (s *Scanner) Open(closing byte) (members bool, err error) {
	s.At++
	if s.Depth++; s.Depth > maxDepth {
		return false, s.Fail("more than 1000 levels")
	}
	if s.Peek() == closing {
		s.At++
		s.Depth--
		return false, nil
	}
	return true, nil
}

// Next steps behind a member and tells whether there is another.
func (s *Scanner) Next(closing byte) (more bool, err error) {
	switch s.Peek() {
	case ',':
		s.At++
		return true, nil
	case closing:
		s.At++
		s.Depth--
		return false, nil
	}
	return false, s.Fail("neither comma nor end")
}

// Name reads the name of a member and the colon behind it.
func (s *Scanner) Name() (string, error) {
	if s.Peek() != '"' {
		return "", s.Fail("no member name")
	}
	name, err := s.Text()
	if err != nil {
		return "", err
	}
	if s.Peek() != ':' {
		return "", s.Fail("no colon")
	}
	s.At++
	return name, nil
}

// Text reads a string whose quote Peek has seen. It shares the data where nothing is escaped.
func (s *Scanner) Text() (string, error) {
	start := s.At + 1
	s.At = Plain(s.Data, start)
	if s.At < len(s.Data) && s.Data[s.At] == '"' {
		s.At++
		return values.Valid(s.Data[start : s.At-1]), nil
	}
	return s.text(start)
}

// text goes on with a string at the first byte that is not plain.
func (s *Scanner) text(start int) (string, error) {
	for s.At < len(s.Data) {
		switch c := s.Data[s.At]; {
		case c == '"':
			raw := s.Data[start:s.At]
			if !utf8.Valid(raw) {
				return "", s.Fail("invalid UTF-8 in a string")
			}
			s.At++
			return values.Valid(raw), nil
		case c == '\\':
			return s.escaped(start)
		case c < ' ':
			return "", s.Fail("control character in a string")
		}
		s.At = Plain(s.Data, s.At+1)
	}
	return "", s.Fail("string without end")
}

// escaped goes on with a string at its first escape.
func (s *Scanner) escaped(start int) (string, error) {
	out := append(make([]byte, 0, 2*(s.At-start)+16), s.Data[start:s.At]...)
	for s.At < len(s.Data) {
		c := s.Data[s.At]
		switch {
		case c == '"':
			s.At++
			if !utf8.Valid(out) {
				return "", s.Fail("invalid UTF-8 in a string")
			}
			return values.Valid(out), nil
		case c == '\\':
			r, err := s.escape()
			if err != nil {
				return "", err
			}
			out = utf8.AppendRune(out, r)
			continue
		case c < ' ':
			return "", s.Fail("control character in a string")
		}
		out = append(out, c)
		s.At++
	}
	return "", s.Fail("string without end")
}

// escape reads one character behind a backslash. Half a surrogate pair, which Java can hold and Go cannot, becomes U+FFFD.
func (s *Scanner) escape() (rune, error) {
	if s.At+1 >= len(s.Data) {
		return 0, s.Fail("string without end")
	}
	c := s.Data[s.At+1]
	if c == 'u' {
		return s.unicode()
	}
	s.At += 2
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
	return 0, s.Fail("unknown escape in a string")
}

func (s *Scanner) unicode() (rune, error) {
	r, ok := s.hex4(s.At)
	if !ok {
		return 0, s.Fail("unknown escape in a string")
	}
	s.At += 6
	if !utf16.IsSurrogate(r) {
		return r, nil
	}
	if low, ok := s.hex4(s.At); ok {
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			s.At += 6
			return pair, nil
		}
	}
	return utf8.RuneError, nil
}

// hex4 reads \uXXXX at a position without moving.
func (s *Scanner) hex4(at int) (r rune, ok bool) {
	if at+6 > len(s.Data) || s.Data[at] != '\\' || s.Data[at+1] != 'u' {
		return 0, false
	}
	for _, c := range s.Data[at+2 : at+6] {
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

// Word reads true, false or null.
func (s *Scanner) Word(want string) error {
	if len(s.Data)-s.At < len(want) || string(s.Data[s.At:s.At+len(want)]) != want {
		return s.Fail("unknown word")
	}
	s.At += len(want)
	if s.At < len(s.Data) && isIdentifier(s.Data[s.At]) {
		return s.Fail("unknown word")
	}
	return nil
}

func isIdentifier(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '$' || c >= utf8.RuneSelf
}

// Skip reads a value of any kind and forgets it.
func (s *Scanner) Skip() error {
	switch c := s.Peek(); c {
	case '{', '[':
		return s.skipMembers(c, c+2) // in ASCII the closing bracket is two behind the opening one
	case '"':
		_, err := s.Text()
		return err
	case 't':
		return s.Word("true")
	case 'f':
		return s.Word("false")
	case 'n':
		return s.Word("null")
	}
	_, err := s.Number()
	return err
}

func (s *Scanner) skipMembers(opening, closing byte) error {
	more, err := s.Open(closing)
	for more && err == nil {
		if opening == '{' {
			if _, err = s.Name(); err != nil {
				return err
			}
		}
		if err = s.Skip(); err != nil {
			return err
		}
		more, err = s.Next(closing)
	}
	return err
}

// EndRoot checks what follows the root value directly: after a number only white space may.
func (s *Scanner) EndRoot(first byte) error {
	if s.At < len(s.Data) && (first == '-' || first >= '0' && first <= '9') {
		switch s.Data[s.At] {
		case ' ', '\t', '\n', '\r':
		default:
			return s.Fail("a number with something behind it")
		}
	}
	return nil
}
