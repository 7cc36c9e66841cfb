package pattern

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dlclark/regexp2/v2"
)

// Replacement is what takes a match's place, made by [Pattern.Replacement].
type Replacement struct {
	pattern *Pattern
	pieces  []piece
}

// piece is text and, behind it, a group of the match, -1 for none.
type piece struct {
	text  string
	group int
}

// Replacement reads the text that takes a match's place as Matcher.appendReplacement does: $1 and ${name} are groups, a backslash takes its meaning
// from what follows.
func (p *Pattern) Replacement(text string) (*Replacement, error) {
	r := &Replacement{pattern: p}
	var plain strings.Builder
	for at := 0; at < len(text); at++ {
		switch text[at] {
		case '\\':
			if at++; at == len(text) {
				return nil, errors.New("character to be escaped is missing")
			}
			plain.WriteByte(text[at])
		case '$':
			group, end, err := p.reference(text, at+1)
			if err != nil {
				return nil, err
			}
			r.pieces = append(r.pieces, piece{plain.String(), group})
			plain.Reset()
			at = end - 1
		default:
			plain.WriteByte(text[at])
		}
	}
	r.pieces = append(r.pieces, piece{plain.String(), -1})
	return r, nil
}

// reference reads what follows a dollar sign. A number takes more digits as long as there is such a group.
func (p *Pattern) reference(text string, at int) (group, end int, err error) {
	switch {
	case at == len(text):
		return 0, 0, errors.New("illegal group reference: group index is missing")
	case text[at] == '{':
		name, _, closed := strings.Cut(text[at+1:], "}")
		if !closed {
			return 0, 0, errors.New("named capturing group is missing trailing '}'")
		}
		group, known := p.names[name]
		if !known {
			return 0, 0, fmt.Errorf("no group with name {%s}", name)
		}
		return group, at + len(name) + 2, nil
	case !isDigit(rune(text[at])):
		return 0, 0, errors.New("illegal group reference")
	}
	if group = int(text[at] - '0'); group > p.groups {
		return 0, 0, fmt.Errorf("no group %d", group)
	}
	for at++; at < len(text) && isDigit(rune(text[at])); at++ {
		longer := group*10 + int(text[at]-'0')
		if longer > p.groups {
			break
		}
		group = longer
	}
	return group, at, nil
}

// First replaces the first match (Matcher.replaceFirst).
func (r *Replacement) First(text string) (string, error) {
	m, err := r.pattern.first.FindStringMatch(text)
	if err != nil {
		return "", fmt.Errorf("matching %q against %s: %w", text, r.pattern.expr, err)
	}
	if m == nil {
		return text, nil
	}
	start, length := m.ByteRange()
	var out strings.Builder
	out.WriteString(text[:start])
	for _, p := range r.pieces {
		out.WriteString(p.text)
		if p.group >= 0 {
			out.WriteString(group(m, p.group))
		}
	}
	out.WriteString(text[start+length:])
	return out.String(), nil
}

// group is a group's text, none for one that took no part.
func group(m *regexp2.Match, n int) string {
	if g := m.GroupByNumber(n); g != nil && len(g.Captures) > 0 {
		return g.String()
	}
	return ""
}
