package process

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAControlGroupIsToldTheLimits(t *testing.T) {
	all := Limits{Memory: 64 << 20, CPUs: 0.5}.controllers()
	require.Len(t, all, 2)
	require.Equal(t, "memory", all[0].name)
	require.Equal(t, map[string]string{"memory.max": "67108864", "memory.swap.max": "0", "memory.oom.group": "1"}, all[0].files)
	require.Equal(t, "cpu", all[1].name)
	require.Equal(t, map[string]string{"cpu.max": "50000 100000"}, all[1].files)
	require.Equal(t, map[string]string{"cpu.max": "1000 100000"}, Limits{CPUs: 1e-9}.controllers()[0].files, "the least that the kernel takes")
}

// Where a control group can be had, the process is in one; else the log says what that means.
func TestALimitIsHeldOrMissed(t *testing.T) {
	l, log := launch(t, "good")
	l.Limits = Limits{Memory: 512 << 20, CPUs: 0.5}
	p := started(t, l)
	if b := p.child.bounds; b.open != nil {
		most, err := os.ReadFile(filepath.Join(b.dir, "cpu.max"))
		require.NoError(t, err)
		require.Equal(t, "50000 100000\n", string(most))
		members, err := os.ReadFile(filepath.Join(b.dir, "cgroup.procs"))
		require.NoError(t, err)
		require.NotEmpty(t, members)
		return
	}
	require.Contains(t, log.String(), "the plugin's CPU limit is not enforced")
	require.Contains(t, log.String(), "the plugin's memory limit is one of its data segment")
}
