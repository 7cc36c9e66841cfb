//go:build unix

package testbed

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shell is a process that runs a script of the shell.
func shell(script string) Command {
	return Command{Name: "script", Path: "/bin/sh", Args: []string{"-c", script}}
}

// saying makes the command ready once its log, of which the last run is only a part, holds the word.
func saying(t *testing.T, c Command, word string) Command {
	if c.Log == "" {
		c.Log = filepath.Join(t.TempDir(), "log")
	}
	c.Ready = func(context.Context) error {
		text, err := os.ReadFile(c.Log)
		if err == nil && !strings.Contains(string(text), word) {
			err = errors.New("it has not said " + word)
		}
		return err
	}
	return c
}

// alive tells whether a process is there, be it only a zombie that nobody has reaped.
func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func TestStartWaitsUntilTheProcessIsReady(t *testing.T) {
	p := Start(t, saying(t, shell("sleep 0.1; echo up; exec sleep 300"), "up"))

	assert.True(t, p.Running())
	assert.Contains(t, p.Log(), "up")
}

func TestAProcessThatEndsBeforeItIsReadyFailsTheTestWithTheEndOfItsLog(t *testing.T) {
	tr := try(t, func(tb testing.TB) {
		Start(tb, saying(t, shell("echo no license; exit 7"), "up"))
	})

	assert.Contains(t, tr.fatal, "script: waiting until it is ready: exit code 7")
	assert.Contains(t, tr.fatal, "no license")
}

func TestTheEndOfALogIsItsLastLines(t *testing.T) {
	p := Launch(t, shell("seq 1 100000"))
	require.Zero(t, p.Wait(10*time.Second))

	lines := strings.Split(p.child.logTail(), "\n")
	assert.Len(t, lines, tailLines)
	assert.Equal(t, "100000", lines[tailLines-1])
}

func TestAKilledProcessIsGoneAndReaped(t *testing.T) {
	p := Start(t, shell("exec sleep 300"))

	p.Kill()

	assert.False(t, p.Running())
	assert.False(t, alive(p.PID()))
	p.Kill() // of what is gone is fine
	assert.Equal(t, -1, p.Wait(time.Second), "a signal ended it")
}

func TestTerminateReturnsTheExitCodeOfAnOrderlyEnd(t *testing.T) {
	p := Start(t, saying(t, shell("trap 'exit 3' TERM; echo up; while :; do sleep 0.05; done"), "up"))

	assert.Equal(t, 3, p.Terminate())
}

func TestTerminateEndsAFrozenProcess(t *testing.T) {
	p := Start(t, saying(t, shell("trap 'exit 3' TERM; echo up; while :; do sleep 0.05; done"), "up"))
	p.Freeze()

	assert.Equal(t, 3, p.Terminate())
}

func TestAProcessThatIgnoresSIGTERMIsKilledAndTheCallerTold(t *testing.T) {
	p := Start(t, saying(t, shell("trap '' TERM; echo up; while :; do sleep 0.05; done"), "up"))

	err := p.child.terminate(200 * time.Millisecond)

	require.ErrorContains(t, err, "did not end within 200ms of SIGTERM")
	assert.False(t, p.Running())
}

func TestAFrozenProcessDoesNothingUntilItIsThawed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ticks")
	p := Start(t, shell("while :; do echo tick >>"+file+"; sleep 0.01; done"))
	size := func() int64 {
		info, err := os.Stat(file)
		if err != nil {
			return 0
		}
		return info.Size()
	}
	growsBeyond := func(n int64) func(context.Context) error {
		return func(context.Context) error {
			if size() <= n {
				return fmt.Errorf("%d bytes", size())
			}
			return nil
		}
	}
	Await(t, 10*time.Second, "the first ticks", growsBeyond(0))

	p.Freeze()
	frozen := size()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	require.Error(t, poll(ctx, growsBeyond(frozen)), "it went on although frozen")

	p.Thaw()
	Await(t, 10*time.Second, "more ticks", growsBeyond(frozen))
}

func inState(pid int, state string) error {
	text, err := exec.Command("ps", "-o", "stat=", "-p", fmt.Sprint(pid)).Output()
	if err == nil && !strings.HasPrefix(string(text), state) {
		err = fmt.Errorf("its state is %s", text)
	}
	return err
}

func TestARestartedProcessFindsWhatItLeftBehindAndKeepsItsLog(t *testing.T) {
	c := shell("echo run >>runs; wc -l <runs; exec sleep 300")
	c.Dir = t.TempDir()
	p := Start(t, saying(t, c, "1"))
	first := p.PID()
	p.Kill()

	p.child.command = saying(t, p.child.command, "2")
	p.Restart()

	assert.NotEqual(t, first, p.PID())
	assert.Equal(t, []string{"1", "2"}, strings.Fields(p.Log()))
}

func TestAProcessEndsWithItsTest(t *testing.T) {
	var pid int
	t.Run("inner", func(t *testing.T) {
		pid = Start(t, shell("exec sleep 300")).PID()
		require.True(t, alive(pid))
	})
	assert.False(t, alive(pid))
}

func TestAChildDiesWhenTheTestProcessIsKilled(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs Linux: only it ends children with their parent")
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), orphanEnv+"=1")
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	var pid int
	_, err = fmt.Sscan(line, &pid)
	require.NoError(t, err, line)
	require.True(t, alive(pid))

	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait() // tells that it was killed

	Await(t, 10*time.Second, "the child to die", func(context.Context) error {
		// Where nobody reaps orphans it stays a zombie.
		if alive(pid) && inState(pid, "Z") != nil {
			return fmt.Errorf("process %d lives", pid)
		}
		return nil
	})
}

func TestUsageSeesMemoryAndCPUTimeOfAChild(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs Linux: only it has /proc")
	}
	p := Start(t, shell("while :; do :; done"))

	Await(t, 10*time.Second, "some CPU time", func(context.Context) error {
		if cpu := p.Usage().CPU; cpu < 50*time.Millisecond {
			return fmt.Errorf("it used %v", cpu)
		}
		return nil
	})
	usage := p.Usage()
	assert.Greater(t, usage.Resident, int64(100<<10))
	assert.Less(t, usage.Resident, int64(100<<20))
	assert.GreaterOrEqual(t, usage.Peak, usage.Resident)
}

func TestCPUTimeIsReadBehindANameWithSpacesAndParentheses(t *testing.T) {
	cpu, err := cpuTime("42 (a) b (c) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 7 8 20 0 1 0 5 6 7")
	require.NoError(t, err)
	assert.Equal(t, 3*time.Second, cpu)
}

func TestAwaitFailsWithTheLastReason(t *testing.T) {
	tr := try(t, func(tb testing.TB) {
		Await(tb, 100*time.Millisecond, "godot", func(context.Context) error { return errors.New("not in sight") })
	})
	assert.Contains(t, tr.fatal, "waiting 100ms for godot")
	assert.Contains(t, tr.fatal, "not in sight")
}

func TestPortsAreBelowTheOutgoingRangeAndGivenOnce(t *testing.T) {
	seen := map[int]bool{}
	for range 50 {
		port := FreePort(t)
		assert.Less(t, port, 32768)
		assert.False(t, seen[port], "port %d was given twice", port)
		seen[port] = true
	}
}
