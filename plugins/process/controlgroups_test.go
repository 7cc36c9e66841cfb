//go:build linux && controlgroups

package process

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/plugins/contract"
)

// These tests are for a worker that may divide a control group, and fail elsewhere. TestSoakLimitsHoldInAVirtualMachine runs them in each of the places that
// a worker can be in.

// holdEnv names the controllers that can hold limits where the test runs; without it both can.
const holdEnv = "SLUICE_CONTROL_GROUPS_HOLD"

// stat is a number in a file of a control group that has many.
func stat(t *testing.T, dir, file, name string) int64 {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, file))
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		if key, value, _ := strings.Cut(strings.TrimSpace(line), " "); key == name {
			n, err := strconv.ParseInt(value, 10, 64)
			require.NoError(t, err)
			return n
		}
	}
	t.Fatalf("%s of %s says no %s:\n%s", file, dir, name, text)
	return 0
}

func answersPings(t *testing.T, p *Process) {
	t.Helper()
	_, err := contract.NewPluginClient(p.Conn()).Ping(t.Context(), &contract.PingRequest{})
	require.NoError(t, err)
}

func TestAControlGroupHoldsTheCPULimit(t *testing.T) {
	l, _ := launch(t, "busy")
	l.Limits = Limits{CPUs: 0.5}
	p := started(t, l)
	dir := p.child.bounds.dir
	used := func(window time.Duration) float64 {
		before, from := stat(t, dir, "cpu.stat", "usage_usec"), time.Now()
		<-time.After(window)
		return float64(stat(t, dir, "cpu.stat", "usage_usec")-before) / float64(time.Since(from).Microseconds())
	}
	bounded, throttled := used(3*time.Second), stat(t, dir, "cpu.stat", "nr_throttled")
	answersPings(t, p)
	require.NoError(t, set(dir, "cpu.max", "max"))
	free := used(time.Second)
	t.Logf("limit 0.5 processors: %.3f used, throttled in %d periods; without: %.3f used", bounded, throttled, free)
	require.Less(t, bounded, 0.55)
	require.Greater(t, bounded, 0.3, "where others want processors too it may be less than the limit")
	require.Positive(t, throttled)
	require.Greater(t, free, 1.5*bounded, "what it would take")
}

func TestAControlGroupHoldsTheMemoryLimit(t *testing.T) {
	const limit = 64 << 20
	for way, only := range ways {
		for _, how := range []string{"memory", "eating offspring"} {
			t.Run(how+" "+way, func(t *testing.T) {
				tidy(t)
				isolate(t, only)
				beside, _ := launch(t, "good")
				beside.Limits = Limits{Memory: limit}
				neighbour := started(t, beside)
				l, _ := launch(t, how)
				l.Limits = Limits{Memory: limit}
				p := started(t, l)
				require.Equal(t, int64(limit), p.child.bounds.held.Memory)
				e := ended(t, p)
				require.Equal(t, &OutOfMemory{Limit: limit}, e.Reason)
				require.ErrorContains(t, e, "plugin mine was killed: it needed more memory than its limit of 64 MiB: raise limits.memory in its plugin.json")
				require.NoDirExists(t, p.child.bounds.dir)
				answersPings(t, neighbour)
				require.Zero(t, stat(t, neighbour.child.bounds.dir, "memory.events", "oom_kill"))
			})
		}
	}
}

func TestAControlGroupGoesWithItsPlugin(t *testing.T) {
	for way, only := range ways {
		for name, end := range map[string]func(*Process){
			"killed":  func(p *Process) { p.Kill(nil) },
			"stopped": func(p *Process) { require.NoError(t, p.Stop(t.Context())) },
			"crashed": func(p *Process) { require.NoError(t, syscall.Kill(p.PID(), syscall.SIGKILL)) },
		} {
			t.Run(name+" "+way, func(t *testing.T) {
				tidy(t)
				isolate(t, only)
				l, _ := launch(t, "idle offspring")
				l.Limits = Limits{CPUs: 0.5}
				p := started(t, l)
				dir := p.child.bounds.dir
				require.Eventually(t, func() bool { return len(descendants(t, p.PID())) > 0 }, 10*time.Second, time.Millisecond)
				end(p)
				<-p.Done()
				require.NoDirExists(t, dir)
			})
		}
	}
}

// killable is a worker in a process of its own, and the control group of its plugin.
type killable struct {
	*exec.Cmd
	group string
}

func startKillable(t *testing.T, way string) *killable {
	t.Helper()
	w := &killable{Cmd: exec.Command(self(t), "worker", "good", way)}
	out, err := w.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, w.Start())
	t.Cleanup(w.kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	var pid int
	var sockets string
	_, err = fmt.Sscan(line, &pid, &sockets, &w.group)
	require.NoError(t, err, line)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(sockets)) }) // whoever starts next does that
	return w
}

func (w *killable) kill() {
	_ = w.Process.Kill() // or it was
	_ = w.Wait()
}

func TestTheControlGroupOfAKilledWorkerGoesWithTheNextStart(t *testing.T) {
	for way := range ways {
		t.Run(way, func(t *testing.T) {
			living, dead := startKillable(t, way), startKillable(t, way)
			dead.kill()
			require.Eventually(t, func() bool { return stat(t, dead.group, "cgroup.events", "populated") == 0 }, 5*time.Second, time.Millisecond)
			l, _ := launch(t, "good")
			l.Limits = Limits{CPUs: 0.5}
			p := started(t, l)
			require.NoDirExists(t, dead.group)
			require.DirExists(t, living.group)
			require.DirExists(t, p.child.bounds.dir)
			require.Equal(t, int64(1), stat(t, living.group, "cgroup.events", "populated"))
		})
	}
}

func TestWhatNoControlGroupHoldsIsTold(t *testing.T) {
	can, told := os.LookupEnv(holdEnv)
	for _, limits := range []Limits{{CPUs: 0.5}, {Memory: 512 << 20}, {CPUs: 0.5, Memory: 512 << 20}} {
		t.Run(fmt.Sprint(limits), func(t *testing.T) {
			l, log := launch(t, "good")
			l.Limits = limits
			p := started(t, l)
			want := limits
			if told && !strings.Contains(can, "cpu") {
				want.CPUs = 0
			}
			if told && !strings.Contains(can, "memory") {
				want.Memory = 0
			}
			b := p.child.bounds
			require.Equal(t, want, b.held, log.String())
			require.Equal(t, want != Limits{}, b.grouped())
			require.Equal(t, want.CPUs != limits.CPUs, strings.Contains(log.String(), "CPU limit is not enforced"), log.String())
			require.Equal(t, want.Memory != limits.Memory, strings.Contains(log.String(), "RLIMIT_DATA"), log.String())
			if log.String() != "" {
				t.Log(log.String())
			}
			if parent, err := groupParent(); err == nil && !b.grouped() {
				left, err := filepath.Glob(filepath.Join(parent, groupName+"*"))
				require.NoError(t, err)
				require.Empty(t, left, "a group that holds nothing is left")
			}
			answersPings(t, p)
		})
	}
}
