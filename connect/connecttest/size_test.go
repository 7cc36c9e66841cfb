package connecttest

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAMinimalSourceAndItsTestStaySmall(t *testing.T) {
	for name, below := range map[string]int{"lines.go": 60, "lines_test.go": 40} {
		text, err := os.ReadFile(filepath.Join("..", "..", "examples", "lines", name))
		require.NoError(t, err)
		assert.Less(t, bytes.Count(text, []byte("\n")), below, name)
	}
}
