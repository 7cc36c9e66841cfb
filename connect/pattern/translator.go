package pattern

import (
	"fmt"
	"math"
	"strings"
	"unicode"
)

// translator puts Java's syntax into regexp2's. What it writes is explicit, literals and classes as code points without any option, because the two
// disagree about what \d, a dot, a case or the number of a named group are. The methods follow java.util.regex.Pattern, its cursor included, so that
// errors name Java's places.
type translator struct {
	expr   string
	src    []rune
	at     int
	flags  flags
	groups int
	names  map[string]int
}

// flags are what (?idmsuxU) switch on.
type flags struct {
	fold, unixLines, multiline, dotAll, unicodeFold, comments, unicodeClass bool
}

// end is what peek returns behind the last character.
const end = rune(-1)

func newTranslator(expr string) *translator {
	return &translator{expr: expr, src: unquoted([]rune(expr)), names: map[string]int{}}
}

// unquoted puts a backslash before each character between \Q and \E that may mean something, as Java does before it reads an expression.
func unquoted(src []rune) []rune {
	var out []rune
	quoted := false
	for i := 0; i < len(src); i++ {
		c := src[i]
		switch {
		case !quoted && c == '\\' && i+1 < len(src):
			i++
			if quoted = src[i] == 'Q'; !quoted {
				out = append(out, c, src[i])
			}
		case quoted && c == '\\' && i+1 < len(src) && src[i+1] == 'E':
			i++
			quoted = false
		case quoted && c <= unicode.MaxASCII && !isLetter(c) && !isDigit(c):
			out = append(out, '\\', c)
		default:
			out = append(out, c)
		}
	}
	return out
}

func (t *translator) translate() (out string, err error) {
	defer func() {
		if thrown := recover(); thrown != nil {
			syntax, ours := thrown.(*SyntaxError)
			if !ours {
				panic(thrown)
			}
			err = syntax
		}
	}()
	out = t.alternatives()
	if t.peek() == ')' {
		t.fail("Unmatched closing ')'", t.at-1)
	}
	return out, nil
}

// fail ends the translation.
func (t *translator) fail(reason string, at int) {
	panic(&SyntaxError{Reason: reason, Expr: t.expr, At: at})
}

// raw is the character n places on, whatever it is.
func (t *translator) raw(n int) rune {
	if t.at+n < len(t.src) {
		return t.src[t.at+n]
	}
	return end
}

// peek is the next character that means something.
func (t *translator) peek() rune {
	for t.flags.comments {
		switch c := t.raw(0); {
		case c == '#':
			for c = t.raw(0); c != end && !isLineEnd(c, t.flags.unixLines); c = t.raw(0) {
				t.at++
			}
		case c == ' ' || c >= '\t' && c <= '\r':
			t.at++
		default:
			return c
		}
	}
	return t.raw(0)
}

func isLineEnd(c rune, unix bool) bool {
	return c == '\n' || !unix && (c == '\r' || c == 0x85 || c == 0x2028 || c == 0x2029)
}

func (t *translator) alternatives() string {
	var out strings.Builder
	for {
		out.WriteString(t.sequence())
		if t.peek() != '|' {
			return out.String()
		}
		t.at++
		out.WriteByte('|')
	}
}

func (t *translator) sequence() string {
	var out strings.Builder
	for {
		atom, more := t.atom()
		if !more {
			return out.String()
		}
		out.WriteString(t.quantified(atom))
	}
}

// atom reads what a quantifier may follow; more is false where a branch ends.
func (t *translator) atom() (out string, more bool) {
	c := t.peek()
	switch c {
	case end, '|', ')':
		return "", false
	case '(':
		if out, options := t.group(); !options {
			return out, true
		}
		return t.atom() // what a quantifier behind (?i) would apply to
	case '[':
		t.at++
		return t.class(true).String(), true
	case '\\':
		return t.escaped(), true
	case '^':
		t.at++
		return t.lineStart(), true
	case '$':
		t.at++
		return t.lineEnd(), true
	case '.':
		t.at++
		return t.dot().String(), true
	case '*', '+', '?':
		t.fail(fmt.Sprintf("Dangling meta character '%c'", c), t.at)
	case '{': // a repetition of nothing
		return "", true
	}
	t.at++
	return t.literal(c), true
}

// literal is one character, in both cases where they are the same.
func (t *translator) literal(c rune) string { return t.folded(single(c)).String() }

func (t *translator) dot() set {
	switch {
	case t.flags.dotAll:
		return everything
	case t.flags.unixLines:
		return single('\n').negated()
	}
	return lineEnds.negated()
}

const (
	beforeLastLineEnd     = `(?=(?:\r\n|[\n\r\u0085\u2028\u2029])?\z)(?!(?<=\r)\n)`
	beforeLastUnixLineEnd = `(?=\n?\z)`
)

func (t *translator) lineStart() string {
	switch {
	case !t.flags.multiline:
		return `\A`
	case t.flags.unixLines:
		return `(?:\A|(?<=\n)(?!\z))`
	}
	return `(?:\A|(?<=[\n\u0085\u2028\u2029]|\r(?!\n))(?!\z))`
}

func (t *translator) lineEnd() string {
	switch {
	case !t.flags.multiline && t.flags.unixLines:
		return beforeLastUnixLineEnd
	case !t.flags.multiline:
		return beforeLastLineEnd
	case t.flags.unixLines:
		return `(?=\n|\z)`
	}
	return `(?=[\r\u0085\u2028\u2029]|\z|(?<!\r)\n)`
}

// quantified reads the quantifiers behind an atom.
func (t *translator) quantified(atom string) string {
	low, high := 0, math.MaxInt32
	switch t.peek() {
	case '?':
		high = 1
	case '*':
	case '+':
		low = 1
	case '{':
		low, high = t.repetition()
	default:
		return atom
	}
	t.at++
	repeated := fmt.Sprintf("(?:%s){%d,%d}", atom, low, high)
	if high == math.MaxInt32 {
		repeated = fmt.Sprintf("(?:%s){%d,}", atom, low)
	}
	switch t.peek() {
	case '?':
		t.at++
		return repeated + "?"
	case '+':
		t.at++
		return "(?>" + repeated + ")"
	}
	return repeated
}

// repetition reads {n}, {n,} or {n,m} up to the closing brace.
func (t *translator) repetition() (low, high int) {
	if !isDigit(t.raw(1)) {
		t.fail("Illegal repetition", t.at+1)
	}
	t.at++
	low = t.count()
	high = low
	if t.raw(0) == ',' {
		t.at++
		high = math.MaxInt32
		if t.raw(0) != '}' {
			high = t.count()
		}
	}
	if t.raw(0) != '}' {
		t.fail("Unclosed counted closure", t.at)
	}
	if high < low {
		t.fail("Illegal repetition range", t.at)
	}
	return low, high
}

func (t *translator) count() (n int) {
	for ; isDigit(t.raw(0)); t.at++ {
		if n = n*10 + int(t.raw(0)-'0'); n > math.MaxInt32 {
			t.fail("Illegal repetition range", t.at)
		}
	}
	return n
}

func isDigit(c rune) bool { return c >= '0' && c <= '9' }

func isLetter(c rune) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
