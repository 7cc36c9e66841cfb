package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// runSluice runs a command line, and says what it wrote and its exit code.
func runSluice(t *testing.T, args ...string) (out string, code int, err error) {
	t.Helper()
	var b bytes.Buffer
	cmd := root()
	cmd.SetArgs(args)
	cmd.SetOut(&b)
	err = cmd.ExecuteContext(t.Context())
	coded := new(exitError)
	switch {
	case errors.As(err, &coded):
		code = coded.code
	case err != nil:
		code = exitUsage
	}
	return b.String(), code, err
}

func TestPluginsAreListedWithoutRunning(t *testing.T) {
	root := t.TempDir()
	absent(t, filepath.Join(root, "mine-1.9"), "1.9")
	absent(t, filepath.Join(root, "mine-1.10"), "1.10")
	out, code, err := runSluice(t, "plugin", "list", root)
	require.NoError(t, err)
	require.Zero(t, code)
	require.Contains(t, out, "PLUGIN  VERSION  TYPE             CLASS")
	require.Contains(t, out, "mine    1.9      source           org.me.MineSourceConnector  no      "+filepath.Join(root, "mine-1.9"))
	require.Contains(t, out, "mine    1.10     config provider  org.me.VaultConfigProvider")

	t.Setenv("CONNECT_PLUGIN_PATH", root)
	out, _, err = runSluice(t, "plugin", "list", "-o", "json")
	require.NoError(t, err)
	var list struct {
		Plugins []struct {
			Name, Version string
			Classes       []struct{ Type, Class string }
		}
		Problems []string
	}
	require.NoError(t, json.Unmarshal([]byte(out), &list))
	require.Len(t, list.Plugins, 2)
	require.Equal(t, "SOURCE", list.Plugins[0].Classes[0].Type)
	require.Empty(t, list.Problems)
}

func TestABrokenPluginIsListedWithWhatIsWrong(t *testing.T) {
	root := t.TempDir()
	absent(t, filepath.Join(root, "mine"), "1")
	require.NoError(t, os.Mkdir(filepath.Join(root, "broken"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "broken", "plugin.json"), []byte(`{"nmae": "x"}`), 0o644))
	out, code, _ := runSluice(t, "plugin", "list", root)
	require.Equal(t, exitBroken, code)
	require.Contains(t, out, "org.me.MineSourceConnector")
	require.Contains(t, out, "broken: "+filepath.Join(root, "broken", "plugin.json")+": nmae: there is no such field")
}

func TestWhoSaysNoFolderIsToldHow(t *testing.T) {
	_, code, err := runSluice(t, "plugin", "list")
	require.Equal(t, exitUsage, code)
	require.ErrorContains(t, err, "--worker")
	_, code, err = runSluice(t, "plugin", "check")
	require.Equal(t, exitUsage, code)
	require.ErrorContains(t, err, "which plugin?")
	_, code, err = runSluice(t, "plugin", "check", t.TempDir())
	require.Equal(t, exitUsage, code)
	require.ErrorContains(t, err, "has no plugin.json: have it written with --write")
	t.Setenv("CONNECT_PLUGIN_PATH", t.TempDir())
	_, code, err = runSluice(t, "plugin", "check", "nobody")
	require.Equal(t, exitUsage, code)
	require.ErrorContains(t, err, "neither a folder nobody nor a plugin of that name")
}

func TestAPluginWhoseProgramIsMissingIsBroken(t *testing.T) {
	root := t.TempDir()
	absent(t, filepath.Join(root, "mine"), "1")
	for _, which := range [][]string{{filepath.Join(root, "mine")}, {"mine"}} {
		t.Setenv("CONNECT_PLUGIN_PATH", root)
		out, code, _ := runSluice(t, append([]string{"plugin", "check"}, which...)...)
		require.Equal(t, exitBroken, code)
		require.Contains(t, out, "BROKEN  start")
		require.Contains(t, out, "there is no "+filepath.Join(root, "mine", "mine"))
	}
}
