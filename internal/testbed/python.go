package testbed

import (
	"fmt"
	"path/filepath"
	"testing"
)

// PythonWith is a Python that has what a list of requirements names, in a virtual environment of the cache that is called by name. The first call on a
// machine fetches them.
func PythonWith(t testing.TB, name string, requirements []byte) string {
	t.Helper()
	Need(t, Python)
	dir, err := fetchPython(t.Context(), name, requirements)
	if err != nil {
		giveUp(t, fmt.Sprintf("Python packages of %s (%v)", name, err), "let pip reach its index")
	}
	return filepath.Join(dir, "bin", "python3")
}
