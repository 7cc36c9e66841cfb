package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/testbed"
)

// shell runs lines of shell, and returns what they say.
func shell(t *testing.T, dir, lines string, env ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-ec", lines)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s: %s", lines, output)
	return string(output)
}

// withProgram puts the program into the test's PATH.
func withProgram(t *testing.T) {
	t.Helper()
	testbed.Need(t)
	t.Setenv("PATH", filepath.Dir(testbed.SluiceBinary(t))+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// sdk is this checkout.
func sdk(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	require.NoError(t, err)
	return dir
}

func TestANewPluginPassesItsTests(t *testing.T) {
	withProgram(t)
	for name, flag := range map[string]string{"mysource": "", "mysink": " --sink"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			said := shell(t, dir, "sluice plugin new "+name+flag+" && cd "+name+" && go test ./...")
			assert.Contains(t, said, "Next: cd "+name+" && go test ./...\n")
			assert.Contains(t, said, "ok  \texample.com/"+name)
			assert.Empty(t, shell(t, filepath.Join(dir, name), "gofmt -l . && go vet ./... && go mod tidy -diff"))
		})
	}
}

func TestANewPluginNeedsNoModuleProxy(t *testing.T) {
	withProgram(t)
	dir := t.TempDir()
	// go mod tidy cannot work without a module cache of its own.
	said := shell(t, dir, "GOMODCACHE="+t.TempDir()+" sluice plugin new mysource --sdk "+sdk(t), "GOPROXY=off", "GOFLAGS=")
	assert.Contains(t, said, "running go mod tidy: ")
	assert.Contains(t, said, "The plugin is complete all the same: go.mod lists more than it needs.")
	assert.Contains(t, shell(t, filepath.Join(dir, "mysource"), "go test ./...", "GOPROXY=off", "GOFLAGS="), "ok  \texample.com/mysource")
}
