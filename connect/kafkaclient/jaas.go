package kafkaclient

import (
	"errors"
	"fmt"
	"strings"
)

// login is one entry of a JAAS configuration: a login module and its options. Its text must not be shown: options hold passwords.
type login struct {
	module  string // Java's class, without its package
	options map[string]string
}

// parseJAAS reads the value of sasl.jaas.config as Java's JaasConfig does: `module flag option=value ... ;`, values bare or in double
// quotes with backslash escapes, comments as in Java. Bare values may hold any character but white space, quotes, '=' and ';', which is more
// than Java allows. Errors hold nothing of the values.
func parseJAAS(text string) (login, error) {
	words, err := jaasWords(text)
	if err != nil {
		return login{}, err
	}
	if len(words) == 0 || words[len(words)-1] != (jaasWord{text: ";"}) {
		return login{}, errors.New("it must end with a semicolon")
	}
	words = words[:len(words)-1]
	if len(words) < 2 {
		return login{}, errors.New("it must begin with a login module and its flag, such as ...PlainLoginModule required")
	}
	switch flag := strings.ToLower(words[1].text); flag {
	case "required", "requisite", "sufficient", "optional":
	default:
		return login{}, errors.New("the word after the login module must be required, requisite, sufficient or optional")
	}
	l := login{module: words[0].text[strings.LastIndexByte(words[0].text, '.')+1:], options: map[string]string{}}
	for rest := words[2:]; len(rest) > 0; rest = rest[3:] {
		if rest[0] == (jaasWord{text: ";"}) {
			return login{}, errors.New("it must hold one login module, not several")
		}
		if len(rest) < 3 || rest[1] != (jaasWord{text: "="}) || rest[2] == (jaasWord{text: "="}) || rest[2] == (jaasWord{text: ";"}) {
			return login{}, fmt.Errorf("option %d has not the form name=value; put values with special characters in double quotes", len(l.options)+1)
		}
		l.options[rest[0].text] = rest[2].text
	}
	return l, nil
}

// jaasWord is a word, a quoted text, or one of the signs = and ;.
type jaasWord struct {
	text   string
	quoted bool
}

func jaasWords(s string) ([]jaasWord, error) {
	var words []jaasWord
	for {
		s = strings.TrimLeft(s, " \t\r\n\f")
		switch {
		case s == "":
			return words, nil
		case strings.HasPrefix(s, "//"):
			_, s, _ = strings.Cut(s, "\n")
		case strings.HasPrefix(s, "/*"):
			_, s, _ = strings.Cut(s, "*/")
		case s[0] == '=' || s[0] == ';':
			words, s = append(words, jaasWord{text: s[:1]}), s[1:]
		case s[0] == '"':
			text, rest, err := unquoteJAAS(s[1:])
			if err != nil {
				return nil, err
			}
			words, s = append(words, jaasWord{text: text, quoted: true}), rest
		default:
			end := strings.IndexAny(s, " \t\r\n\f=;\"")
			if end < 0 {
				end = len(s)
			}
			words, s = append(words, jaasWord{text: s[:end]}), s[end:]
		}
	}
}

// unquoteJAAS reads up to the closing quote, with the escapes of Java's StreamTokenizer: \n and its like, octal numbers, and the character
// itself.
func unquoteJAAS(s string) (text, rest string, err error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], nil
		case '\\':
			i++
			if i == len(s) {
				return "", "", errUnclosed
			}
			c, skipped := escapedJAAS(s[i:])
			b.WriteString(c)
			i += skipped
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", errUnclosed
}

var errUnclosed = errors.New("a value in double quotes does not end")

// escapedJAAS is the character that the text after a backslash stands for, and how many bytes beyond the first it takes.
func escapedJAAS(s string) (string, int) {
	const letters, signs = "abfnrtv", "\a\b\f\n\r\t\v"
	if i := strings.IndexByte(letters, s[0]); i >= 0 {
		return signs[i : i+1], 0
	}
	if s[0] < '0' || s[0] > '7' {
		return s[:1], 0
	}
	most := 2 // octal digits; three where the number stays below 256
	if s[0] <= '3' {
		most = 3
	}
	n, value := 0, 0
	for n < most && n < len(s) && s[n] >= '0' && s[n] <= '7' {
		value = value*8 + int(s[n]-'0')
		n++
	}
	return string(rune(value)), n - 1
}
