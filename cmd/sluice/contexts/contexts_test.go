package contexts

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestContextsAreThereAgain(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	path, err := Path()
	require.NoError(t, err)
	f, err := Load(path)
	require.NoError(t, err, "a file that is not there is empty")
	f.Current = "prod"
	f.Contexts["prod"] = Context{Server: "https://connect:8083", User: "ops", BootstrapServers: "kafka:9092"}
	require.NoError(t, f.Save(path))
	again, err := Load(path)
	require.NoError(t, err)
	assert.Equal(t, f, again)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Len(t, entries, 1, "nothing half-written is left")
}

func TestWrongContextsAreNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(path, []byte("contexts:\n  prod:\n    sever: http://x\n"), 0o600))
	_, err := Load(path)
	assert.ErrorContains(t, err, "sever")
	assert.ErrorContains(t, err, path)

	_, err = (&File{Contexts: map[string]Context{"b": {}, "a": {}}}).Context("c")
	assert.EqualError(t, err, "there is no context c: there are a, b")
	_, err = (&File{}).Context("c")
	assert.ErrorContains(t, err, "sluice context set c --server URL")
}
