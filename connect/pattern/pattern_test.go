package pattern

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What java.util.regex of JDK 17 answered.

func TestAnExpressionMatchesWhatItMatchesInJava(t *testing.T) {
	for _, c := range []struct {
		expr, text string
		want       bool
	}{
		{"topic-\\d", "topic-1", true}, {"topic", "topic-1", false}, {"a|ab", "ab", true}, {"(?i)TOPIC-.*", "topic-a", true},
		{"(?=topic).*", "topic-a", true}, {"(.)\\1*", "aaaa", true}, {"a++ab", "aaab", false}, {"(?>a|ab)c", "abc", false},
		{"[a-z&&[^b]]+", "acd", true}, {"[a-z&&[^b]]+", "abc", false}, {"[a[b-d]1]+", "a1d", true}, {"[^a-c&&[b-d]]", "d", true},
		{"\\Qa.b\\E", "a.b", true}, {"\\Qa.b\\E", "axb", false}, {"\\d", "\u0661", false}, {"(?U)\\d", "\u0661", true}, {"(?i)é", "É", false},
		{"(?iu)é", "É", true}, {"\\p{Alpha}\\p{Punct}", "a-", true}, {"\\p{IsLatin}\\p{Lu}", "éA", true}, {"a{2}{3}", "aa", true},
		{".", "\n", false}, {"(?s).", "\n", true}, {"a$", "a\n", false}, {"(?x) a b # c", "ab", true}, {"(?<n>a)\\k<n>", "aa", true},
		{"(?<n>a)(b)\\2", "abb", true}, {"\\9", "", false}, {"(a)(?i)B", "ab", true}, {"(a(?i)b)c", "aBC", false}, {"[]a]", "]", true},
	} {
		p, err := Compile(c.expr)
		require.NoError(t, err, c.expr)
		got, err := p.Matches(c.text)
		require.NoError(t, err)
		assert.Equal(t, c.want, got, "%s on %q", c.expr, c.text)
	}
}

func TestTheFirstMatchIsReplacedAsInJava(t *testing.T) {
	for _, c := range [][4]string{
		{"(.*)-(.*)", "$2_$1", "topic-a", "a_topic"}, {"a*", "b", "aaa", "b"}, {"a|ab", "x", "ab", "xb"}, {"(?<last>.)$", "<${last}>", "ab", "a<b>"},
		{"(t)(o)?(z)?.*", "$1$2$3", "topic", "to"}, {".*", "\\$x", "a", "$x"}, {"(.*)", "$0$0", "ä", "ää"}, {"(.)(.)", "$11", "ab", "a1"}, {"x", "y", "ab", "ab"},
	} {
		p, err := Compile(c[0])
		require.NoError(t, err)
		r, err := p.Replacement(c[1])
		require.NoError(t, err, c[1])
		got, err := r.First(c[2])
		require.NoError(t, err)
		assert.Equal(t, c[3], got, "%s by %s in %s", c[0], c[1], c[2])
	}
	p, err := Compile("(a)")
	require.NoError(t, err)
	for _, text := range []string{"$", "$x", "$2", "${n}", "${n", "\\"} {
		_, err := p.Replacement(text)
		assert.Error(t, err, text)
	}
}

func TestAnExpressionThatIsNoneIsRefusedInJavasWords(t *testing.T) {
	for expr, want := range map[string]string{
		"[":        "Unclosed character class near index 0\n[\n^",
		"(abc":     "Unclosed group near index 4\n(abc",
		"*a":       "Dangling meta character '*' near index 0\n*a\n^",
		")":        "Unmatched closing ')'\n)",
		"{a":       "Illegal repetition near index 1\n{a\n ^",
		"a{2,1}":   "Illegal repetition range near index 5\na{2,1}\n     ^",
		"\\y":      "Illegal/unsupported escape sequence near index 1\n\\y\n ^",
		"[z-a]":    "Illegal character range near index 3\n[z-a]\n   ^",
		"\\p{Foo}": "Unknown character property name {Foo} near index 6\n\\p{Foo}\n      ^",
		"(?z)":     "Unknown inline modifier near index 2\n(?z)\n  ^",
		"\\k<x>":   "named capturing group <x> does not exist near index 4\n\\k<x>\n    ^",
	} {
		_, err := Compile(expr)
		var syntax *SyntaxError
		require.ErrorAs(t, err, &syntax, expr)
		assert.EqualError(t, err, want)
	}
}

func TestWhatJavaHasAndThisDoesNotIsRefusedByItsName(t *testing.T) {
	for expr, want := range map[string]string{
		`a\X`: `\X is not understood here: write the characters themselves near index 2`, `\N{DIGIT ONE}`: `\N is not`, `\b{g}`: `\b is not`,
		`\p{InGreek}`:     "the block {InGreek} is not understood here: write its range, such as [\\u0370-\\u03FF], or a script, such as {IsGreek} near index 11",
		`[\P{blk=Greek}]`: "the block {blk=Greek} is not", `\p{block=Greek}`: "the block {block=Greek} is not",
	} {
		_, err := Compile(expr)
		var syntax *SyntaxError
		require.ErrorAs(t, err, &syntax, expr)
		assert.ErrorContains(t, err, want)
	}
}

func TestAnExpressionThatBacktracksForEverEndsInAnError(t *testing.T) {
	p, err := Compile("(a|aa)+b|(a+)+c")
	require.NoError(t, err)
	p.whole.MatchTimeout = 50 * time.Millisecond
	_, err = p.Matches("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	require.Error(t, err)
}

func FuzzCompile(f *testing.F) {
	for _, expr := range []string{"(?<n>a)\\k<n>", "[a-z&&[^b]]++", "\\Q\\E\\p{L}{2,3}?", "(?i-s:x)", "[\\"} {
		f.Add(expr)
	}
	f.Fuzz(func(t *testing.T, expr string) {
		if p, err := Compile(expr); err == nil {
			require.Equal(t, expr, p.String())
		}
	})
}
