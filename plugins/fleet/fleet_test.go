package fleet

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins"
	"github.com/sluice-connect/sluice/plugins/contract"
	"github.com/sluice-connect/sluice/plugins/manifest"
	"github.com/sluice-connect/sluice/plugins/process"
	"github.com/sluice-connect/sluice/plugins/remote"
)

// The test's own program is the plugin.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "plugin" {
		os.Args = os.Args[:1]
		plugins.Serve(plugins.Of(nothing{}))
	}
	os.Exit(m.Run())
}

// nothing is a source that is never opened.
type nothing struct{}

func (nothing) Spec() connect.Spec { return connect.NewSpec("org.me.Nothing", "1") }
func (nothing) Open(context.Context, connect.SourceContext) (connect.SourceTask, error) {
	return nil, connect.ErrUnsupported
}

func crew(t *testing.T, sharing Sharing) (*Fleet, *Crew) {
	t.Helper()
	t.Setenv("TMPDIR", shortDir(t))
	program, err := os.Executable()
	require.NoError(t, err)
	f := New(Options{Log: slog.New(slog.DiscardHandler), Sharing: func(string) Sharing { return sharing }})
	t.Cleanup(func() { require.NoError(t, f.Close(context.Background())) })
	return f, f.Crew(&manifest.Manifest{Dir: t.TempDir(), Name: "nothing", Version: "1", Command: []string{program, "plugin"}})
}

// shortDir is a folder with a short name, which must be empty at the end.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "f")
	require.NoError(t, err)
	t.Cleanup(func() {
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Empty(t, left)
		require.NoError(t, os.Remove(dir))
	})
	return dir
}

func pid(t *testing.T, p remote.Process) int {
	t.Helper()
	is, ok := p.(*hand)
	require.True(t, ok)
	return is.PID()
}

func isThere(p int) bool { return syscall.Kill(p, 0) == nil }

func task(t *testing.T, c *Crew, connector string, n int) (number int, release func()) {
	t.Helper()
	p, release, err := c.Task(t.Context(), connector, n)
	require.NoError(t, err)
	require.NoError(t, p.Err())
	_, err = contract.NewPluginClient(p.Conn()).Ping(t.Context(), &contract.PingRequest{})
	require.NoError(t, err)
	return pid(t, p), release
}

func TestTheTasksOfAConnectorShareAProcessUntilTheLastGivesItBack(t *testing.T) {
	_, c := crew(t, PerConnector)
	first, releaseFirst := task(t, c, "a", 0)
	second, releaseSecond := task(t, c, "a", 1)
	other, releaseOther := task(t, c, "b", 0)
	require.Equal(t, first, second)
	require.NotEqual(t, first, other)
	releaseFirst()
	releaseFirst() // again is no harm
	releaseOther()
	require.Eventually(t, func() bool { return !isThere(other) }, 10*time.Second, time.Millisecond)
	require.True(t, isThere(first))
	releaseSecond()
	require.Eventually(t, func() bool { return !isThere(first) }, 10*time.Second, time.Millisecond)
	again, release := task(t, c, "a", 0)
	defer release()
	require.NotEqual(t, first, again)
}

func TestATaskCanHaveAProcessOfItsOwn(t *testing.T) {
	_, c := crew(t, PerTask)
	first, releaseFirst := task(t, c, "a", 0)
	second, releaseSecond := task(t, c, "a", 1)
	require.NotEqual(t, first, second)
	releaseFirst()
	releaseSecond()
}

func TestADeadProcessIsReplacedAtTheNextNeed(t *testing.T) {
	_, c := crew(t, PerConnector)
	p, err := c.Control(t.Context())
	require.NoError(t, err)
	same, err := c.Control(t.Context())
	require.NoError(t, err)
	require.Equal(t, pid(t, p), pid(t, same))
	require.NoError(t, syscall.Kill(pid(t, p), syscall.SIGKILL))
	<-p.Done()
	next, err := c.Control(t.Context())
	require.NoError(t, err)
	require.NotEqual(t, pid(t, p), pid(t, next))

	dead, releaseDead := task(t, c, "a", 0)
	require.NoError(t, syscall.Kill(dead, syscall.SIGKILL))
	require.Eventually(t, func() bool { return !isThere(dead) }, 10*time.Second, time.Millisecond)
	var fresh int
	var release func()
	require.Eventually(t, func() bool { // as soon as the end is known
		p, r, err := c.Task(t.Context(), "a", 1)
		if err != nil || p.Err() != nil || pid(t, p) == dead {
			return false
		}
		fresh, release = pid(t, p), r
		return true
	}, 10*time.Second, 10*time.Millisecond)
	releaseDead() // whoever had the dead one does not end the new one
	require.True(t, isThere(fresh))
	release()
}

func TestNothingIsLeftOfAFleetThatIsClosed(t *testing.T) {
	f, c := crew(t, PerTask)
	var pids []int
	p, err := c.Control(t.Context())
	require.NoError(t, err)
	pids = append(pids, pid(t, p))
	for n := range 3 {
		one, _ := task(t, c, "a", n) // never given back
		pids = append(pids, one)
	}
	require.NoError(t, f.Close(t.Context()))
	for _, one := range pids {
		require.False(t, isThere(one))
	}
	_, err = c.Control(t.Context())
	require.ErrorIs(t, err, ErrClosed)
	_, _, err = c.Task(t.Context(), "a", 0)
	require.ErrorIs(t, err, ErrClosed)
}

func TestAStartThatFailedIsTriedAnewByTheNext(t *testing.T) {
	_, c := crew(t, PerConnector)
	program := c.plugin.Command
	c.plugin.Command = []string{"./absent"}
	_, err := c.Control(t.Context())
	require.ErrorIs(t, err, process.ErrMissing)
	c.plugin.Command = program
	_, err = c.Control(t.Context())
	require.NoError(t, err)
}

func TestManyAskAtOnce(t *testing.T) {
	_, c := crew(t, PerConnector)
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() {
			p, release, err := c.Task(t.Context(), "a", n)
			if err != nil {
				t.Error(err)
				return
			}
			_, err = contract.NewPluginClient(p.Conn()).Ping(t.Context(), &contract.PingRequest{})
			if err != nil {
				t.Error(err)
			}
			release()
		})
	}
	all.Wait()
}

func TestAWaitEndsWithItsContext(t *testing.T) {
	_, c := crew(t, PerConnector)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := c.Task(ctx, "a", 0)
	require.ErrorIs(t, err, context.Canceled)
}

func TestWhatAKilledWorkerHasLeftIsRemovedByTheNext(t *testing.T) {
	dir := shortDir(t)
	t.Setenv("TMPDIR", dir)
	left := filepath.Join(dir, "sluice-plugins-1")
	require.NoError(t, os.Mkdir(left, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(left, lockName), nil, 0o600))
	unborn := filepath.Join(dir, "sluice-plugins-2") // its worker has not locked it yet
	require.NoError(t, os.Mkdir(unborn, 0o700))
	log := slog.New(slog.DiscardHandler)
	living := newSockets(log)
	folder, err := living.folder()
	require.NoError(t, err)
	next := newSockets(log)
	_, err = next.folder()
	require.NoError(t, err)
	require.NoDirExists(t, left)
	require.DirExists(t, unborn)
	require.DirExists(t, folder)
	require.NoError(t, living.close())
	require.NoError(t, next.close())
	require.NoError(t, os.Remove(unborn))
}
