// Package golden reads the golden data: what Kafka Connect's own classes answered, in the notation of schemas, values and
// bytes that all those files share. It serves tests only.
package golden

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Dir is the folder of the golden files: that of the environment variable SLUICE_GOLDEN if set, else the testdata of the
// package under test.
func Dir() string {
	if dir := os.Getenv("SLUICE_GOLDEN"); dir != "" {
		return dir
	}
	return "testdata"
}

// Load reads the cases of a golden file. A file without cases fails the test: a green run must have compared something.
func Load[Case any](t testing.TB, file string) []Case {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(Dir(), file))
	require.NoError(t, err, "reading golden cases")
	var doc struct {
		Cases []Case `json:"cases"`
	}
	require.NoError(t, json.Unmarshal(raw, &doc), "parsing golden cases of %s", file)
	require.NotEmpty(t, doc.Cases, "%s has no cases", file)
	return doc.Cases
}
