// Package jaas reads logins as Java programs are configured with them: the value of sasl.jaas.config, and the file of java.security.auth.login.config.
// Errors hold nothing of the values.
package jaas

import (
	"errors"
	"fmt"
	"strings"
)

// Login is a login module and its options. Its text must not be shown: options hold passwords.
type Login struct {
	Class   string
	Options map[string]string
}

// Module is the class without its package.
func (l Login) Module() string { return l.Class[strings.LastIndexByte(l.Class, '.')+1:] }

// Parse reads the value of sasl.jaas.config as Java's JaasConfig does: `module flag option=value ... ;`, values bare or in double
// quotes with backslash escapes, comments as in Java. Bare values may hold any character but white space, quotes, '=' and ';', which is more
// than Java allows.
func Parse(text string) (Login, error) {
	words, err := split(text, "=;")
	if err != nil {
		return Login{}, err
	}
	l, rest, err := login(words)
	switch {
	case err != nil:
		return Login{}, err
	case len(rest) > 0:
		return Login{}, errors.New("it must hold one login module, not several")
	}
	return l, nil
}

// ParseFile reads a file of entries, `name { module flag option=value ... ; ... };`, each with its login modules in order.
func ParseFile(text string) (map[string][]Login, error) {
	words, err := split(text, "=;{}")
	if err != nil {
		return nil, err
	}
	entries := map[string][]Login{}
	for len(words) > 0 {
		name := words[0]
		if len(words) < 2 || name.sign() || words[1] != (word{text: "{"}) {
			return nil, fmt.Errorf("entry %d does not begin with its name and a brace: want name { module flag option=\"value\"; };", len(entries)+1)
		}
		if _, twice := entries[name.text]; twice {
			return nil, fmt.Errorf("there are two entries %s", name.text)
		}
		words, entries[name.text] = words[2:], nil
		for len(words) == 0 || words[0] != (word{text: "}"}) {
			l, rest, err := login(words)
			if err != nil {
				return nil, fmt.Errorf("entry %s, login module %d: %w", name.text, len(entries[name.text])+1, err)
			}
			words, entries[name.text] = rest, append(entries[name.text], l)
		}
		if len(words) < 2 || words[1] != (word{text: ";"}) {
			return nil, fmt.Errorf("entry %s must end with a brace and a semicolon", name.text)
		}
		words = words[2:]
	}
	return entries, nil
}

// login takes a login module with its options, up to the semicolon, off the words.
func login(words []word) (l Login, rest []word, err error) {
	end := 0
	for end < len(words) && words[end] != (word{text: ";"}) {
		end++
	}
	if end == len(words) {
		return Login{}, nil, errors.New("it must end with a semicolon")
	}
	words, rest = words[:end], words[end+1:]
	if len(words) < 2 {
		return Login{}, nil, errors.New("it must begin with a login module and its flag, such as ...PlainLoginModule required")
	}
	switch strings.ToLower(words[1].text) {
	case "required", "requisite", "sufficient", "optional":
	default:
		return Login{}, nil, errors.New("the word after the login module must be required, requisite, sufficient or optional")
	}
	l = Login{Class: words[0].text, Options: map[string]string{}}
	for options := words[2:]; len(options) > 0; options = options[3:] {
		if len(options) < 3 || options[1] != (word{text: "="}) || options[2].sign() {
			return Login{}, nil, fmt.Errorf("option %d has not the form name=value; put values with special characters in double quotes", len(l.Options)+1)
		}
		l.Options[options[0].text] = options[2].text
	}
	return l, rest, nil
}

// word is a word, a quoted text, or one of the signs.
type word struct {
	text   string
	quoted bool
}

func (w word) sign() bool { return !w.quoted && len(w.text) == 1 && strings.Contains("=;{}", w.text) }

// split makes words of a text in which signs stand for themselves.
func split(s, signs string) ([]word, error) {
	var words []word
	for {
		s = strings.TrimLeft(s, " \t\r\n\f")
		switch {
		case s == "":
			return words, nil
		case strings.HasPrefix(s, "//"):
			_, s, _ = strings.Cut(s, "\n")
		case strings.HasPrefix(s, "/*"):
			_, s, _ = strings.Cut(s, "*/")
		case strings.IndexByte(signs, s[0]) >= 0:
			words, s = append(words, word{text: s[:1]}), s[1:]
		case s[0] == '"':
			text, rest, err := unquote(s[1:])
			if err != nil {
				return nil, err
			}
			words, s = append(words, word{text: text, quoted: true}), rest
		default:
			end := strings.IndexAny(s, " \t\r\n\f\""+signs)
			if end < 0 {
				end = len(s)
			}
			words, s = append(words, word{text: s[:end]}), s[end:]
		}
	}
}

// unquote reads up to the closing quote, with the escapes of Java's StreamTokenizer: \n and its like, octal numbers, and the character
// itself.
func unquote(s string) (text, rest string, err error) {
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
			c, skipped := escaped(s[i:])
			b.WriteString(c)
			i += skipped
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", errUnclosed
}

var errUnclosed = errors.New("a value in double quotes does not end")

// escaped is the character that the text after a backslash stands for, and how many bytes beyond the first it takes.
func escaped(s string) (string, int) {
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
