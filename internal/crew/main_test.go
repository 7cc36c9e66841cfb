package crew

import (
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
