package ledger

import (
	"os"
	"strconv"
	"testing"

	"github.com/sluice-connect/sluice/internal/testbed"
)

func TestMain(m *testing.M) { testbed.Main(m) }

// needsProcesses skips a test that runs programs under go test -short.
func needsProcesses(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("runs programs: not with -short")
	}
}

// needsSoak skips a test that takes long unless SLUICE_SOAK=1.
func needsSoak(t *testing.T) {
	t.Helper()
	needsProcesses(t)
	if soak, err := strconv.ParseBool(os.Getenv("SLUICE_SOAK")); err != nil || !soak {
		t.Skip("takes long: only with SLUICE_SOAK=1")
	}
}
