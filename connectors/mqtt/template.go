package mqtt

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// template is text with ${variables}, compiled once. M is what the variables are read from.
type template[M any] struct {
	parts []part[M]
}

// part is a literal, or a variable with what stands in for it where it is missing.
type part[M any] struct {
	literal  string
	variable variable[M]
	name     string
	fallback string
	hasFall  bool
}

// variable reads one value; its error is errMissing where there is none, which is when a default stands in.
type variable[M any] func(m M) (string, error)

var errMissing = errors.New("missing")

// present turns a look-up into what a variable returns.
func present(value string, ok bool) (string, error) {
	if !ok {
		return "", errMissing
	}
	return value, nil
}

// compile parses text. resolve knows the variables by their names. `${name:-text}` has a default.
func compile[M any](text string, resolve func(name string) (variable[M], error)) (template[M], error) {
	var t template[M]
	for text != "" {
		at := strings.Index(text, "${")
		if at < 0 {
			t.parts = append(t.parts, part[M]{literal: text})
			break
		}
		if at > 0 {
			t.parts = append(t.parts, part[M]{literal: text[:at]})
		}
		end := strings.IndexByte(text[at:], '}')
		if end < 0 {
			return template[M]{}, fmt.Errorf("%q has no closing brace", text[at:])
		}
		var p part[M]
		p.name, p.fallback, p.hasFall = cutDefault(text[at+2 : at+end])
		var err error
		if p.variable, err = resolve(p.name); err != nil {
			return template[M]{}, err
		}
		t.parts = append(t.parts, p)
		text = text[at+end+1:]
	}
	return t, nil
}

// cutDefault separates `name:-text`; a `:-` within brackets belongs to the name, as in topic[1:-1].
func cutDefault(text string) (name, fallback string, ok bool) {
	index := strings.IndexByte(text, ']') + 1
	name, fallback, ok = strings.Cut(text[index:], ":-")
	return text[:index] + name, fallback, ok
}

// constant reports whether the template has no variables, and its text.
func (t template[M]) constant() (string, bool) {
	switch {
	case len(t.parts) == 0:
		return "", true
	case len(t.parts) == 1 && t.parts[0].variable == nil:
		return t.parts[0].literal, true
	}
	return "", false
}

// uses reports whether all variables have names that accept returns true for.
func (t template[M]) uses(accept func(name string) bool) bool {
	for _, p := range t.parts {
		if p.variable != nil && !accept(p.name) {
			return false
		}
	}
	return true
}

// render fills in the variables. A template of a single variable costs no allocation.
func (t template[M]) render(m M) (string, error) {
	if len(t.parts) == 1 {
		return t.parts[0].render(m)
	}
	var b strings.Builder
	for i := range t.parts {
		s, err := t.parts[i].render(m)
		if err != nil {
			return "", err
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

func (p *part[M]) render(m M) (string, error) {
	if p.variable == nil {
		return p.literal, nil
	}
	s, err := p.variable(m)
	switch {
	case !errors.Is(err, errMissing):
		return s, err
	case p.hasFall:
		return p.fallback, nil
	}
	return "", fmt.Errorf("there is no ${%s}: give a default as ${%s:-text}", p.name, p.name)
}

// levels reads the index of `topic[n]` or `topic[a:b]`: from the end where negative, b excluded.
type levels struct {
	from, to int
	slice    bool
}

// parseLevels reads what stands in the brackets.
func parseLevels(index string) (levels, error) {
	from, to, slice := strings.Cut(index, ":")
	l := levels{slice: slice}
	var err error
	if l.from, err = strconv.Atoi(from); err != nil {
		return levels{}, fmt.Errorf("%q is not a topic level: write ${topic[0]}, ${topic[-1]} or ${topic[1:3]}", index)
	}
	if slice {
		if l.to, err = strconv.Atoi(to); err != nil {
			return levels{}, fmt.Errorf("%q is not a range of topic levels: write ${topic[1:3]}", index)
		}
	}
	return l, nil
}

// of cuts the levels out of a topic without allocating.
func (l levels) of(topic string) (string, bool) {
	n := strings.Count(topic, "/") + 1
	from, to := l.from, l.from+1
	if l.from < 0 {
		from, to = n+l.from, n+l.from+1
	}
	if l.slice {
		if to = l.to; to < 0 {
			to += n
		}
	}
	if from < 0 || to > n || from >= to {
		return "", false
	}
	start := levelStart(topic, from)
	rest := topic[start:]
	end := levelStart(rest, to-from)
	if end > len(rest) {
		return rest, true
	}
	return rest[:end-1], true
}

// levelStart is where level n of topic begins; len(topic)+1 for the one after the last.
func levelStart(topic string, n int) int {
	at := 0
	for ; n > 0; n-- {
		next := strings.IndexByte(topic[at:], '/')
		if next < 0 {
			return len(topic) + 1
		}
		at += next + 1
	}
	return at
}
