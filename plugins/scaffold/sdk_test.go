package scaffold

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// checkout makes a folder that looks like a checkout of Sluice, with a program in it.
func checkout(t *testing.T) (dir, program string) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	program = filepath.Join(dir, "bin", "sluice")
	require.NoError(t, os.Mkdir(filepath.Dir(program), 0o755))
	require.NoError(t, os.WriteFile(program, nil, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module "+sluice+"\n"), 0o644))
	return dir, program
}

func TestTheSDKIsTheOneThatIsNamedOrElseTheFirstThatIsThere(t *testing.T) {
	one, program := checkout(t)
	two, _ := checkout(t)
	other := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(other, "go.mod"), []byte("module example.com/other\n"), 0o644))
	inside := filepath.Join(other, "sluice")
	require.NoError(t, os.Symlink(program, inside))
	for _, c := range []struct {
		given  string
		places []string
		want   string
	}{
		{two, []string{program}, two},
		{"", []string{other, program, two}, one},
		{"", []string{inside}, one}, // a link leads into the checkout
		{"", []string{"", "github.com/sluice-connect/sluice/main.go", filepath.Join(two, "gone", "main.go")}, two},
	} {
		got, err := SDK(c.given, c.places...)
		require.NoError(t, err)
		assert.Equal(t, c.want, got)
	}
	_, err := SDK(other, one)
	assert.ErrorIs(t, err, ErrNoSDK)
	assert.EqualError(t, err, "no checkout of Sluice in "+other+" (--sdk): there is no go.mod of github.com/sluice-connect/sluice")
	_, err = SDK("", other)
	assert.ErrorIs(t, err, ErrNoSDK)
	assert.ErrorContains(t, err, "name yours with --sdk DIR")
}
