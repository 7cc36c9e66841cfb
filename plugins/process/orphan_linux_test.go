package process

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The test's own program is the worker that is killed: by its first argument.
func init() {
	if len(os.Args) > 3 && os.Args[1] == "worker" {
		isolations = ways[os.Args[3]]
		work(os.Args[2])
		os.Exit(0)
	}
}

// work is a worker with one plugin, of which it says the number, the folder of its socket and the control group.
func work(how string) {
	p, err := Start(context.Background(), Launch{
		Plugin: how, Command: []string{os.Args[0], "plugin", how}, Limits: Limits{Memory: 1 << 30, CPUs: 1}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(p.PID(), p.child.sockets, p.child.bounds.dir)
	<-p.Done()
}

// there reports whether a process exists, a dead one that nobody has reaped aside.
func there(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}

// descendants are the processes below one.
func descendants(t *testing.T, pid int) []int {
	t.Helper()
	children := map[int][]int{}
	all, err := os.ReadDir("/proc")
	require.NoError(t, err)
	for _, d := range all {
		child, err := strconv.Atoi(d.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(filepath.Join("/proc", d.Name(), "stat"))
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		if fields := strings.Fields(rest); len(fields) > 1 {
			parent, err := strconv.Atoi(fields[1])
			require.NoError(t, err)
			children[parent] = append(children[parent], child)
		}
	}
	out := children[pid]
	for i := 0; i < len(out); i++ {
		out = append(out, children[out[i]]...)
	}
	return out
}

func relatives(t *testing.T, pid int) []int {
	t.Helper()
	var all []int
	require.Eventually(t, func() bool {
		all = descendants(t, pid)
		return len(all) >= 2
	}, 5*time.Second, time.Millisecond, "the plugin's own processes have not started")
	return append(all, pid)
}

func noneIsThere(t *testing.T, pids []int) {
	t.Helper()
	require.Eventually(t, func() bool {
		for _, pid := range pids {
			if there(pid) {
				return false
			}
		}
		return true
	}, time.Second, time.Millisecond, "a process is left of %v", pids)
}

// ways are the isolations that a test goes through: whichever is the best here, and what those get who may make no namespaces.
var ways = map[string][]isolation{"as it is": isolations, "with a keeper": {byKeeper}}

func TestWhatAPluginHasStartedEndsWithIt(t *testing.T) {
	for way, only := range ways {
		for name, end := range map[string]func(*Process){
			"killed":  func(p *Process) { p.Kill(nil) },
			"stopped": func(p *Process) { _ = p.Stop(t.Context()) },
			"crashed": func(p *Process) { _ = syscall.Kill(p.PID(), syscall.SIGKILL) },
		} {
			t.Run(way+" "+name, func(t *testing.T) {
				tidy(t)
				isolate(t, only)
				l, _ := launch(t, "family")
				p := started(t, l)
				all := relatives(t, p.PID())
				end(p)
				<-p.Done()
				noneIsThere(t, all)
			})
		}
	}
}

// isolate has processes of the test be kept in by these means alone.
func isolate(t *testing.T, only []isolation) {
	t.Helper()
	was := isolations
	isolations = only
	t.Cleanup(func() { isolations = was })
}

func TestAKeeperTellsHowItsPluginEnded(t *testing.T) {
	isolate(t, ways["with a keeper"])
	for how, want := range map[string]string{"exit": "exit status 3", "panic": "exit status 2"} {
		t.Run(how, func(t *testing.T) {
			tidy(t)
			l, _ := launch(t, how)
			p, err := Start(t.Context(), l)
			if err == nil {
				err = ended(t, p)
			}
			require.ErrorContains(t, err, want)
			require.ErrorContains(t, err, "last words")
		})
	}
	t.Run("a signal", func(t *testing.T) {
		tidy(t)
		l, _ := launch(t, "good")
		p := started(t, l)
		require.NoError(t, syscall.Kill(p.PID(), syscall.SIGTERM))
		require.Equal(t, "signal: terminated", ended(t, p).State)
	})
	t.Run("its own end", func(t *testing.T) {
		tidy(t)
		l, _ := launch(t, "devoted")
		p := started(t, l)
		require.NoError(t, p.child.hold.cmd.Process.Kill())
		require.ErrorContains(t, ended(t, p), keeperName+": signal: killed")
		noneIsThere(t, []int{p.PID()})
	})
	t.Run("no program", func(t *testing.T) {
		tidy(t)
		l, _ := launch(t, "good")
		l.Command[0] = filepath.Join(t.TempDir(), "noise")
		require.NoError(t, os.WriteFile(l.Command[0], []byte("\x7fELFnoise"), 0o700))
		_, err := Start(t.Context(), l)
		require.ErrorIs(t, err, ErrNotExecutable)
		require.ErrorContains(t, err, "is no program for")
	})
}

// A worker that is killed leaves no process within a second, whether it may make namespaces or not: its plugin dies with it, and reads nothing to do so.
func TestAKilledWorkerLeavesNoProcess(t *testing.T) {
	for _, k := range []struct {
		name, how string
		way       string
		uid       uint32
	}{
		{"as it is", "family", "as it is", 0}, {"as nobody", "family", "as it is", 65534}, {"with a keeper", "family", "with a keeper", 0},
		{"as nobody, with a keeper", "family", "with a keeper", 65534},
	} {
		t.Run(k.name, func(t *testing.T) {
			program := self(t)
			attributes := new(syscall.SysProcAttr)
			if k.uid != 0 {
				if os.Getuid() != 0 {
					t.Skip("only root can be somebody else")
				}
				program = forAll(t, program)
				attributes.Credential = &syscall.Credential{Uid: k.uid, Gid: k.uid}
			}
			worker := exec.Command(program, "worker", k.how, k.way)
			worker.SysProcAttr, worker.Dir = attributes, "/"
			out, err := worker.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, worker.Start())
			line, err := bufio.NewReader(out).ReadString('\n')
			require.NoError(t, err)
			var pid int
			var sockets string
			_, err = fmt.Sscan(line, &pid, &sockets)
			require.NoError(t, err, line)
			all := append(relatives(t, pid), descendants(t, worker.Process.Pid)...) // a keeper among them
			require.NoError(t, worker.Process.Kill())
			require.Error(t, worker.Wait())
			noneIsThere(t, all)
			require.NoError(t, os.RemoveAll(sockets)) // whoever starts next does that
		})
	}
}

// forAll is a copy of a program that every user may execute.
func forAll(t *testing.T, program string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "s")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o755))
	b, err := os.ReadFile(program)
	require.NoError(t, err)
	file := filepath.Join(dir, "worker")
	require.NoError(t, os.WriteFile(file, b, 0o755))
	return file
}

func TestAMemoryLimitHolds(t *testing.T) {
	l, _ := launch(t, "memory")
	l.Limits = Limits{Memory: 512 << 20}
	p := started(t, l)
	e := ended(t, p)
	require.Regexp(t, `out of memory|cannot allocate|failed to allocate|more memory than its limit`, e.Error())
}

func TestTheFileThatWasCheckedIsTheOneThatRuns(t *testing.T) {
	tidy(t)
	l, _ := launch(t, "good")
	dir := t.TempDir()
	program := filepath.Join(dir, "mine")
	b, err := os.ReadFile(l.Command[0])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(program, b, 0o755))
	l.Command[0] = program
	l.Checksum, err = Checksum(program)
	require.NoError(t, err)
	found, err := find(&l)
	require.NoError(t, err)
	defer found.close()
	require.NoError(t, os.Remove(program))
	cmd := &exec.Cmd{Args: []string{"mine", "plugin", "exit"}}
	found.pin(cmd, dir)
	require.Equal(t, "mine", filepath.Base(cmd.Path))
	text, err := cmd.CombinedOutput()
	require.ErrorContains(t, err, "exit status 3")
	require.Contains(t, string(text), "cannot find my glasses")
}
