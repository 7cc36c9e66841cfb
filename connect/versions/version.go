package versions

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Compare is below 0 where version a comes before b, above 0 where it comes after, and 0 where they are one: 1.0 is 1.
func Compare(a, b string) int { return compare(parse(a), parse(b)) }

// kind is what a part of a version is, in the order in which parts that differ in it are sorted.
type kind int

const (
	text kind = iota
	list
	number
	nothing // there is no part
)

// part is one of a version's.
type part struct {
	kind   kind
	number string // without leading zeros: numbers have no bound
	text   string // in the form in which texts compare
	list   []*part
}

// qualifiers come in this order, and any other comes after them; the empty one is the release itself.
var qualifiers = []string{"alpha", "beta", "milestone", "rc", "snapshot", "", "sp"}

// synonyms are other words for qualifiers, and abbreviations those that stand for one where a digit follows.
var (
	synonyms      = map[string]string{"ga": "", "final": "", "release": "", "cr": "rc"}
	abbreviations = map[string]string{"a": "alpha", "b": "beta", "m": "milestone"}
)

var release = rank("")

// rank is a qualifier in a form that sorts.
func rank(qualifier string) string {
	if i := slices.Index(qualifiers, qualifier); i >= 0 {
		return strconv.Itoa(i)
	}
	return strconv.Itoa(len(qualifiers)) + "-" + qualifier
}

func newText(s string, beforeDigit bool) *part {
	if long, ok := abbreviations[s]; ok && beforeDigit {
		s = long
	}
	if other, ok := synonyms[s]; ok {
		s = other
	}
	return &part{kind: text, text: rank(s)}
}

func newNumber(digits string) *part {
	return &part{kind: number, number: strings.TrimLeft(digits, "0")}
}

// isNull reports whether a part says nothing, so that it can be left out at an end.
func (p *part) isNull() bool {
	switch p.kind {
	case number:
		return p.number == ""
	case text:
		return p.text == release
	}
	return len(p.list) == 0
}

// parser takes a version apart: at dots, and at dashes and between digits and letters, where a list of lower rank begins.
type parser struct {
	lists []*part // the open ones; the last is added to
}

func (p *parser) top() *part { return p.lists[len(p.lists)-1] }

func (p *parser) add(one *part) { p.top().list = append(p.top().list, one) }

func (p *parser) open() {
	inner := &part{kind: list}
	p.add(inner)
	p.lists = append(p.lists, inner)
}

// openUnlessEmpty begins a list for a text, which has a lower rank than a number in its place.
func (p *parser) openUnlessEmpty() {
	if len(p.top().list) > 0 {
		p.open()
	}
}

func (p *parser) addToken(isNumber bool, token string) {
	switch {
	case token == "":
		p.add(newNumber(""))
	case isNumber:
		p.add(newNumber(token))
	default:
		p.add(newText(token, false))
	}
}

func parse(version string) *part {
	version = strings.ToLower(version)
	p := &parser{lists: []*part{{kind: list}}}
	start, digits := 0, false
	for i, c := range version {
		isDigit := c >= '0' && c <= '9'
		switch {
		case c == '.' || c == '-':
			p.addToken(digits, version[start:i])
			start = i + 1
			if c == '-' {
				p.open()
			}
			continue
		case isDigit && !digits && i > start:
			p.openUnlessEmpty()
			p.add(newText(version[start:i], true))
			start = i
			p.open()
		case !isDigit && digits && i > start:
			p.addToken(true, version[start:i])
			start = i
			p.open()
		}
		digits = isDigit
	}
	if start < len(version) {
		if !digits {
			p.openUnlessEmpty()
		}
		p.addToken(digits, version[start:])
	}
	for _, l := range slices.Backward(p.lists) {
		l.trim()
	}
	return p.lists[0]
}

// trim leaves out what says nothing at the end, and before lists there.
func (p *part) trim() {
	for i, one := range slices.Backward(p.list) {
		if one.isNull() {
			p.list = slices.Delete(p.list, i, i+1)
		} else if one.kind != list {
			return
		}
	}
}

var missing = &part{kind: nothing}

func compare(a, b *part) int {
	switch {
	case a.kind == nothing && b.kind == nothing:
		return 0
	case a.kind == nothing:
		return -compare(b, a)
	case b.kind == nothing:
		return a.againstNothing()
	case a.kind != b.kind:
		return cmp.Compare(a.kind, b.kind)
	case a.kind == number:
		return cmp.Or(cmp.Compare(len(a.number), len(b.number)), strings.Compare(a.number, b.number))
	case a.kind == text:
		return strings.Compare(a.text, b.text)
	}
	for i := range max(len(a.list), len(b.list)) {
		x, y := missing, missing
		if i < len(a.list) {
			x = a.list[i]
		}
		if i < len(b.list) {
			y = b.list[i]
		}
		if c := compare(x, y); c != 0 {
			return c
		}
	}
	return 0
}

func (p *part) againstNothing() int {
	switch p.kind {
	case number:
		return min(1, utf8.RuneCountInString(p.number))
	case text:
		return strings.Compare(p.text, release)
	}
	for _, one := range p.list {
		if c := one.againstNothing(); c != 0 {
			return c
		}
	}
	return 0
}
