package file

import (
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// read cuts all lines out of r, and returns the sum of their sizes and what is left without an end.
func read(t testing.TB, r io.Reader) (got []string, size int, rest string) {
	t.Helper()
	var l lines
	for {
		line, n, ok := l.next()
		if ok {
			got = append(got, line)
			size += n
			continue
		}
		n, err := l.fill(r)
		if n == 0 && err == io.EOF {
			return got, size, string(l.buf)
		}
		if err != io.EOF {
			require.NoError(t, err)
		}
	}
}

func TestLinesEndAsInJava(t *testing.T) {
	tests := map[string]struct {
		text string
		want []string
		rest string
	}{
		"newlines":                      {"a\nb\n", []string{"a", "b"}, ""},
		"a line without its end waits":  {"a\nb", []string{"a"}, "b"},
		"returns and newlines":          {"a\r\nb\r\n", []string{"a", "b"}, ""},
		"lone returns":                  {"a\rb\rc\n", []string{"a", "b", "c"}, ""},
		"a return at the end waits":     {"a\nb\r", []string{"a"}, "b\r"},
		"empty lines":                   {"\n\r\n\r\r\n", []string{"", "", "", ""}, ""},
		"bytes that are not UTF-8 stay": {"\xff\xfe\n", []string{"\xff\xfe"}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(test.text), iotest.OneByteReader(strings.NewReader(test.text))} {
				got, size, rest := read(t, r)
				assert.Equal(t, test.want, got)
				assert.Equal(t, test.rest, rest)
				assert.Equal(t, len(test.text)-len(test.rest), size)
			}
		})
	}
}

// slowly is the plain reading of the rule, for comparison.
func slowly(text string) (lines []string, rest string) {
	start := 0
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\n':
			lines, start = append(lines, text[start:i]), i+1
		case text[i] == '\r' && i+1 == len(text):
			return lines, text[start:]
		case text[i] == '\r':
			lines = append(lines, text[start:i])
			if text[i+1] == '\n' {
				i++
			}
			start = i + 1
		}
	}
	return lines, text[start:]
}

func TestHoweverReadsAreCutTheLinesAreTheSame(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		text := make([]byte, random.IntN(40))
		for i := range text {
			text[i] = "ab\r\n"[random.IntN(4)]
		}
		want, wantRest := slowly(string(text))
		got, size, rest := read(t, iotest.HalfReader(strings.NewReader(string(text))))
		require.Equal(t, want, got, "%q", text)
		require.Equal(t, wantRest, rest, "%q", text)
		require.Equal(t, len(text)-len(rest), size)
	}
}

func TestALineLongerThanAChunkIsOneLine(t *testing.T) {
	long := strings.Repeat("x", 3*chunkBytes)
	got, _, _ := read(t, strings.NewReader("a\n"+long+"\nb\n"))
	assert.Equal(t, []string{"a", long, "b"}, got)
}

func TestALineWithoutEndIsRefusedBeforeItTakesAllMemory(t *testing.T) {
	var l lines
	var err error
	for err == nil {
		_, err = l.fill(endless{})
	}
	require.ErrorIs(t, err, errLineTooLong)
	assert.LessOrEqual(t, cap(l.buf), 2*maxLine)
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
