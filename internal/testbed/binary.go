package testbed

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// sluicePackage is the program under test.
const sluicePackage = "github.com/sluice-connect/sluice/cmd/sluice"

// SluiceBinary is the path of the sluice program, built once for this process without the race detector: for tests that
// run it as a child and kill it. The environment variable SLUICE_TEST_BINARY names one that is built already.
func SluiceBinary(t testing.TB) string {
	t.Helper()
	if path := os.Getenv(BinaryEnv); path != "" {
		return path
	}
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.binary == "" {
		if err := shared.ready(); err != nil {
			t.Fatal(err)
		}
		path, err := BuildSluice(t.Context(), shared.dir)
		if err != nil {
			t.Fatal(err)
		}
		shared.binary = path
	}
	return shared.binary
}

// BuildSluice builds the sluice program into dir and returns its path.
func BuildSluice(ctx context.Context, dir string) (string, error) {
	return build(ctx, sluicePackage, filepath.Join(dir, "sluice"))
}

// build runs the go command, which finds this module from wherever inside it the test runs.
func build(ctx context.Context, pkg, path string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", path, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", pkg, err, strings.TrimSpace(string(output)))
	}
	return path, nil
}
