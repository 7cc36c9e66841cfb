package process

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The folder is none of the system's: what a control group would be told is read there.
func TestAControlGroupIsToldTheLimits(t *testing.T) {
	parent := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(parent, "cgroup.subtree_control"), []byte("memory pids\n"), 0o600))
	b := &bounds{limits: Limits{Memory: 64 << 20, CPUs: 0.5}, log: slog.New(slog.DiscardHandler)}
	require.NoError(t, b.makeGroupIn(parent))
	defer func() { require.NoError(t, b.open.Close()) }()
	require.Equal(t, parent, filepath.Dir(b.dir))
	for file, want := range map[string]string{
		"memory.max": "67108864", "memory.swap.max": "0", "memory.oom.group": "1", "cpu.max": "50000 100000", "../cgroup.subtree_control": "+cpu",
	} {
		path := filepath.Join(b.dir, file)
		require.NoError(t, os.Chmod(path, 0o600))
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, want, string(text), file)
	}
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
