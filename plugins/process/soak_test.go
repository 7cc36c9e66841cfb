//go:build linux && soak

package process

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/testbed"
)

// Whether control groups hold what they are told can be seen only where there are some that may be divided, which this machine need not have.
func TestSoakLimitsHoldInAVirtualMachine(t *testing.T) {
	program := filepath.Join(t.TempDir(), "tests")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-tags", "controlgroups", "-ldflags", "-s -w", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	output, err := build.CombinedOutput()
	require.NoError(t, err, "%s", output)
	require.Contains(t, testbed.Boot(t, program, 10*time.Minute), "\nlimits hold in all places\r\n")
}
