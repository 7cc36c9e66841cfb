// Package plugins holds the plugins of examples/plugins to the contract.
package plugins

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/testbed"
	"github.com/sluice-connect/sluice/plugins/manifest"
)

// pythonPlugins are a copy of the Python plugins, with the code of the contract generated, and the Python that runs them.
func pythonPlugins(t *testing.T) (dir, python string) {
	t.Helper()
	requirements, err := os.ReadFile("python/requirements.txt")
	require.NoError(t, err)
	python = testbed.PythonWith(t, "python-plugins", requirements)
	dir = t.TempDir()
	programs, err := filepath.Glob("python/*.py")
	require.NoError(t, err)
	for _, path := range programs {
		if strings.HasPrefix(filepath.Base(path), "plugin_pb2") {
			continue // what a user has generated
		}
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, filepath.Base(path)), text, 0o644))
	}
	contract, err := filepath.Abs("../../plugins/contract")
	require.NoError(t, err)
	run(t, dir, python, "-m", "grpc_tools.protoc", "-I", contract, "--python_out=.", "--grpc_python_out=.", "plugin.proto")
	return dir, python
}

// run runs a program in a directory and returns what it says.
func run(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s %v: %s", program, args, output)
	return string(output)
}

func TestThePythonPluginsPassTheirOwnTests(t *testing.T) {
	dir, python := pythonPlugins(t)
	said := run(t, dir, python, "-m", "unittest")
	require.Regexp(t, `Ran [1-9][0-9]+ tests`, said)
	if runtime.GOOS == "linux" {
		require.NotContains(t, said, "skipped")
	}
}

func TestThePythonPluginsWriteTheirManifests(t *testing.T) {
	dir, python := pythonPlugins(t)
	for program, class := range map[string]string{"readings.py": "Readings", "jsonlines.py": "JsonLines", "rounded.py": "Rounded"} {
		m, err := manifest.Parse([]byte(run(t, dir, python, program, "--manifest")))
		require.NoError(t, err)
		require.Equal(t, []string{".venv/bin/python3", program}, m.Command)
		require.Len(t, m.Classes, 1)
		require.Equal(t, class, m.Classes[0].GetName())
	}
}

func TestThePythonPluginsAreShort(t *testing.T) {
	for _, name := range []string{"readings.py", "jsonlines.py", "rounded.py", "plugin.py"} {
		text, err := os.ReadFile(filepath.Join("python", name))
		require.NoError(t, err)
		require.Less(t, strings.Count(string(text), "\n"), 120, name)
	}
}
