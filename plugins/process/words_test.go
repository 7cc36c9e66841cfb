package process

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestLastWordsAreTheLastLines(t *testing.T) {
	var w words
	for i := range 10_000 {
		w.add(fmt.Sprintf("line %d, with an umlaut: ä", i), false)
	}
	require.LessOrEqual(t, len(w.String()), wordsKept)
	require.True(t, utf8.ValidString(w.String()))
	require.True(t, strings.HasPrefix(w.String(), "line "))
	require.True(t, strings.HasSuffix(w.String(), "line 9999, with an umlaut: ä"))
}

func TestAPanicIsNotDrownedByItsTrace(t *testing.T) {
	var w words
	w.add("listening", false)
	w.add("panic: no more ink", true)
	require.Equal(t, "listening\npanic: no more ink", w.String())
	for i := range 1000 {
		w.add(fmt.Sprintf("goroutine %d", i), false)
	}
	require.LessOrEqual(t, len(w.String()), wordsKept)
	require.True(t, strings.HasPrefix(w.String(), "panic: no more ink\ngoroutine 0\n"))
	require.True(t, strings.HasSuffix(w.String(), "goroutine 999"))
}
