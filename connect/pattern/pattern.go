// Package pattern is Java's regular expressions (java.util.regex of JDK 17), which Kafka Connect's manifests have for topics. They are read by
// Java's rules, with Java's complaints, put into the words of the regexp2 library, and run there: it backtracks as Java does, so that look-around,
// back references and possessive quantifiers mean the same.
//
// What Java has and this does not: \X, \N{name}, \b{g} and blocks (\p{InGreek}), which are refused by their names; and its refusal of look-behind without a
// bound.
package pattern

import (
	"fmt"
	"time"

	"github.com/dlclark/regexp2/v2"
)

// Pattern is a compiled expression. It is safe for concurrent use.
type Pattern struct {
	expr   string
	whole  *regexp2.Regexp
	first  *regexp2.Regexp
	groups int
	names  map[string]int
}

// patience bounds one match: an expression that backtracks for ever must not hold a task up for ever.
const patience = 10 * time.Second

// Compile reads an expression. Its error is a [*SyntaxError].
func Compile(expr string) (*Pattern, error) {
	t := newTranslator(expr)
	translated, err := t.translate()
	if err != nil {
		return nil, err
	}
	p := &Pattern{expr: expr, groups: t.groups, names: t.names}
	if p.whole, err = run(`\A(?:` + translated + `)\z`); err == nil {
		p.first, err = run(translated)
	}
	if err != nil {
		return nil, &SyntaxError{Reason: fmt.Sprintf("This expression is beyond what is understood here (%v)", err), Expr: expr, At: -1}
	}
	return p, nil
}

func run(translated string) (*regexp2.Regexp, error) {
	r, err := regexp2.Compile(translated)
	if err == nil {
		r.MatchTimeout = patience
	}
	return r, err
}

// Matches reports whether the expression matches the whole text (Matcher.matches). Its error says that it took too long.
func (p *Pattern) Matches(text string) (bool, error) {
	met, err := p.whole.MatchString(text)
	if err != nil {
		return false, fmt.Errorf("matching %q against %s: %w", text, p.expr, err)
	}
	return met, nil
}

// String returns the expression.
func (p *Pattern) String() string { return p.expr }
