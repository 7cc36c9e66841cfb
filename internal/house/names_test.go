package house

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// rooms are what stands at the top of the repository, beside dot files.
var rooms = []string{"api", "cmd", "connect", "connectors", "examples", "internal", "plugins", "LICENSE", "Makefile", "README.md", "go.mod", "go.sum"}

// built is what make leaves there.
var built = []string{"bin", "dist"}

// namesOfNothing say of what they name only that somebody did not know where it belongs.
var namesOfNothing = []string{"pkg", "util", "utils", "common", "helper", "helpers", "manager", "managers"}

func root(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(out))
}

func TestTheTopOfTheRepositoryHasItsRoomsAndNoOthers(t *testing.T) {
	entries, err := os.ReadDir(root(t))
	require.NoError(t, err)
	for _, e := range entries {
		if name := e.Name(); !strings.HasPrefix(name, ".") && !slices.Contains(rooms, name) && !slices.Contains(built, name) {
			t.Errorf("%s: nothing new at the top: it belongs into one of %v", name, rooms)
		}
	}
}

func TestEverythingIsCalledByWhatItIs(t *testing.T) {
	top := root(t)
	require.NoError(t, filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != top && (strings.HasPrefix(name, ".") || slices.Contains(built, name)) {
			return fs.SkipDir
		}
		name = strings.TrimSuffix(strings.TrimSuffix(name, ".go"), "_test")
		if path != top && slices.Contains(namesOfNothing, name) {
			t.Errorf("%s: %q names nothing: call it by what it is", strings.TrimPrefix(path, top), name)
		}
		return nil
	}))
}
