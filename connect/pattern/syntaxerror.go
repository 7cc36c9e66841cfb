package pattern

import (
	"fmt"
	"strings"
)

// SyntaxError says what is wrong with an expression, in Java's words (java.util.regex.PatternSyntaxException).
type SyntaxError struct {
	Reason string
	Expr   string
	At     int // the place in characters, -1 for none
}

// Error shows the expression, with a mark under the place.
func (e *SyntaxError) Error() string {
	if e.At < 0 {
		return e.Reason + "\n" + e.Expr
	}
	text := fmt.Sprintf("%s near index %d\n%s", e.Reason, e.At, e.Expr)
	if e.At < len([]rune(e.Expr)) {
		text += "\n" + strings.Repeat(" ", e.At) + "^"
	}
	return text
}
