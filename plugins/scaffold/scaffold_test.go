package scaffold

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/modfile"
)

// here is this checkout.
func here(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	sdk, err := SDK("", dir)
	require.NoError(t, err)
	return sdk
}

func TestAPluginIsShortAndNamesWhatItIs(t *testing.T) {
	for kind, sink := range map[string]bool{"source": false, "sink": true} {
		dir := filepath.Join(t.TempDir(), "new")
		w, err := New{Name: "github.com/acme/weather", Sink: sink, Dir: dir, SDK: here(t)}.Write()
		require.NoError(t, err)
		lines := map[string]int{}
		for _, f := range w.Files {
			text, err := os.ReadFile(filepath.Join(dir, f))
			require.NoError(t, err)
			lines[f] = strings.Count(string(text), "\n")
			assert.NotContains(t, string(text), "{{", f)
		}
		assert.Less(t, lines[kind+".go"], 60)
		assert.Less(t, lines[kind+"_test.go"], 40)
		assert.Contains(t, w.Files, "cmd/weather/main.go")

		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		require.NoError(t, err)
		mod, err := modfile.Parse("go.mod", text, nil)
		require.NoError(t, err)
		assert.Equal(t, "github.com/acme/weather", mod.Module.Mod.Path)
		require.NotEmpty(t, mod.Replace)
		assert.Equal(t, sluice, mod.Replace[0].Old.Path)
		assert.Equal(t, here(t), mod.Replace[0].New.Path)
	}
}

func TestNothingIsWrittenOver(t *testing.T) {
	dir := t.TempDir()
	mine := filepath.Join(dir, "source.go")
	require.NoError(t, os.WriteFile(mine, []byte("mine"), 0o644))
	_, err := New{Name: "weather", Dir: dir, SDK: here(t)}.Write()
	assert.EqualError(t, err, dir+" is there already and is not empty: choose another name, or another folder with --dir")
	text, err := os.ReadFile(mine)
	require.NoError(t, err)
	assert.Equal(t, "mine", string(text))

	empty := t.TempDir()
	_, err = New{Name: "weather", Dir: empty, SDK: here(t)}.Write()
	assert.NoError(t, err)
}

func TestReplacesOfTheSDKHoldForThePluginToo(t *testing.T) {
	sdk := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(sdk, "go.mod"), []byte("module "+sluice+"\n\ngo 1.26.8\n\nrequire example.com/a v1.0.0\n\nreplace example.com/a => ./a\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(sdk, "go.sum"), nil, 0o644))
	mod, _, err := goModule("example.com/weather", sdk)
	require.NoError(t, err)
	assert.Contains(t, string(mod), "replace example.com/a => "+filepath.Join(sdk, "a"))
	assert.Contains(t, string(mod), "require example.com/a v1.0.0 // indirect")
}

func TestWithoutGoThePluginIsWrittenAndTheAuthorIsTold(t *testing.T) {
	w, err := New{Name: "weather", Dir: filepath.Join(t.TempDir(), "weather"), SDK: here(t)}.Write()
	require.NoError(t, err)
	t.Setenv("PATH", t.TempDir())
	assert.EqualError(t, w.Tidy(t.Context()), "there is no go command in PATH: a plugin is built with Go, see https://go.dev/dl")
}
