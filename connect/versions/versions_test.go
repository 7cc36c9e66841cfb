package versions

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// vectors are lines that testdata/Versions.java has made with Maven's classes.
func vectors(t *testing.T, what string) (lines [][]string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "vectors.txt"))
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		if fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t"); fields[0] == what {
			require.Len(t, fields, 4)
			lines = append(lines, fields[1:])
		}
	}
	require.NotEmpty(t, lines)
	return lines
}

func TestVersionsCompareAsMavenHasIt(t *testing.T) {
	sign := map[int]string{-1: "-1", 0: "0", 1: "1"}
	for _, v := range vectors(t, "compare") {
		require.Equal(t, v[2], sign[Compare(v[0], v[1])], "%q against %q", v[0], v[1])
		require.Equal(t, Compare(v[0], v[1]), -Compare(v[1], v[0]), "%q against %q", v[0], v[1])
	}
}

func TestRangesAreReadAsMavenReadsThem(t *testing.T) {
	for _, v := range vectors(t, "range") {
		if v[0] == Latest {
			continue // Kafka's own
		}
		r, err := ParseRange(v[0])
		if v[2] == "" {
			require.EqualError(t, err, v[1], v[0])
			continue
		}
		require.NoError(t, err, v[0])
		require.Equal(t, v[1], r.String(), v[0])
		var has strings.Builder
		for _, version := range []string{"0.9", "1", "1.0", "1.5", "2", "2.5", "3", "6"} {
			if r.Has(version) {
				has.WriteByte('1')
			} else {
				has.WriteByte('0')
			}
		}
		require.Equal(t, v[2], has.String(), v[0])
	}
}

func TestLatestIsAnyVersion(t *testing.T) {
	r, err := ParseRange(Latest)
	require.NoError(t, err)
	require.True(t, r.Any())
	require.True(t, r.Has("1"))
	require.True(t, Range{}.Any())
}
