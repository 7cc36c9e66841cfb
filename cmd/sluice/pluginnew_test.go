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

// plugin runs a line of shell where there is nothing but the program and Go.
func plugin(t *testing.T, dir, line string, env ...string) string {
	t.Helper()
	program := testbed.SluiceBinary(t)
	cmd := exec.CommandContext(t.Context(), "sh", "-ec", line)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(program)+string(os.PathListSeparator)+os.Getenv("PATH"))
	cmd.Env = append(cmd.Env, env...)
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s: %s", line, output)
	return string(output)
}

// sdk is this checkout.
func sdk(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	require.NoError(t, err)
	return dir
}

func TestANewPluginPassesItsTests(t *testing.T) {
	testbed.Need(t)
	for _, name := range []string{"mysource", "mysink --sink"} {
		name := name
		t.Run(name, func(t *testing.T) {
			folder := name[:len("mysource")]
			if name != "mysource" {
				folder = "mysink"
			}
			dir := t.TempDir()
			said := plugin(t, dir, "sluice plugin new "+name+" && cd "+folder+" && go test ./...")
			assert.Contains(t, said, "Next: cd "+folder+" && go test ./...\n")
			assert.Contains(t, said, "ok  \texample.com/"+folder)
			assert.Empty(t, plugin(t, filepath.Join(dir, folder), "gofmt -l . && go vet ./... && go mod tidy -diff"))
		})
	}
}

func TestANewPluginNeedsNoModuleProxy(t *testing.T) {
	testbed.Need(t)
	dir := t.TempDir()
	// go mod tidy cannot work without a module cache of its own.
	said := plugin(t, dir, "GOMODCACHE="+t.TempDir()+" sluice plugin new mysource --sdk "+sdk(t), "GOPROXY=off", "GOFLAGS=")
	assert.Contains(t, said, "running go mod tidy: ")
	assert.Contains(t, said, "The plugin is complete all the same: go.mod lists more than it needs.")
	assert.Contains(t, plugin(t, filepath.Join(dir, "mysource"), "go test ./...", "GOPROXY=off", "GOFLAGS="), "ok  \texample.com/mysource")
}
