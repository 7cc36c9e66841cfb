package process

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/plugins/contract"
)

// book is a log that a test reads.
type book struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *book) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func launch(t *testing.T, how string) (Launch, *book) {
	t.Helper()
	log := new(book)
	return Launch{
		Plugin: "mine", Command: []string{self(t), "plugin", how}, Log: slog.New(slog.NewTextHandler(log, nil)), Sockets: sockets(t),
		Env: []string{"GRANTED=yes"},
	}, log
}

func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	require.NoError(t, err)
	return path
}

// sockets is a folder with a short name, which must be empty at the end.
func sockets(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "s")
	require.NoError(t, err)
	t.Cleanup(func() {
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Empty(t, left, "a socket's folder is left")
		require.NoError(t, os.Remove(dir))
	})
	return dir
}

// tidy fails the test if goroutines or files are left at its end.
func tidy(t *testing.T) {
	t.Helper()
	goroutines, files := runtime.NumGoroutine(), openFiles(t)
	t.Cleanup(func() {
		deadline := time.Now().Add(5 * time.Second)
		for runtime.NumGoroutine() > goroutines || openFiles(t) > files {
			if time.Now().After(deadline) {
				stacks := make([]byte, 1<<20)
				t.Fatalf("goroutines or files are left:\n%s", stacks[:runtime.Stack(stacks, true)])
			}
			runtime.Gosched()
		}
	})
}

func openFiles(t *testing.T) int {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if os.IsNotExist(err) {
		return 0 // not Linux
	}
	require.NoError(t, err)
	return len(open)
}

func started(t *testing.T, l Launch) *Process {
	t.Helper()
	p, err := Start(t.Context(), l)
	require.NoError(t, err)
	t.Cleanup(func() {
		p.Kill(nil)
		<-p.Done()
	})
	return p
}

func ended(t *testing.T, p *Process) *Ended {
	t.Helper()
	select {
	case <-p.Done():
	case <-time.After(time.Minute):
		t.Fatal("the process has not ended")
	}
	var e *Ended
	require.ErrorAs(t, p.Err(), &e)
	return e
}

func TestAPluginStartsAnswersAndStops(t *testing.T) {
	tidy(t)
	l, _ := launch(t, "good")
	sum, err := Checksum(l.Command[0])
	require.NoError(t, err)
	l.Checksum = sum
	p := started(t, l)
	require.NoError(t, p.Err())
	_, err = contract.NewPluginClient(p.Conn()).Ping(t.Context(), &contract.PingRequest{})
	require.NoError(t, err)
	require.NoError(t, p.Stop(t.Context()))
	<-p.Done()
	require.NoError(t, p.Err())
	require.ErrorIs(t, syscall.Kill(p.PID(), 0), syscall.ESRCH)
}

func TestAStartThatFailsSaysWhyAndLeavesNothing(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "mine")
	text := filepath.Join(t.TempDir(), "text")
	require.NoError(t, os.WriteFile(text, []byte("no program"), 0o644))
	foreign := filepath.Join(t.TempDir(), "foreign")
	require.NoError(t, os.WriteFile(foreign, []byte("\x7fNOPE"), 0o755))
	lost := filepath.Join(t.TempDir(), "lost")
	require.NoError(t, os.WriteFile(lost, []byte("#!/no/such/python\n"), 0o755))
	for name, k := range map[string]struct {
		command []string
		how     string
		sum     string
		class   error
		says    []string
	}{
		"missing":        {command: []string{missing}, class: ErrMissing, says: []string{"there is no " + missing, "command of plugin.json"}},
		"not in PATH":    {command: []string{"no-such-program"}, class: ErrMissing, says: []string{"no program no-such-program in PATH"}},
		"no command":     {command: []string{""}, class: ErrMissing, says: []string{"there is no command"}},
		"not executable": {command: []string{text}, class: ErrNotExecutable, says: []string{"chmod +x " + text}},
		"foreign":        {command: []string{foreign}, class: ErrNotExecutable, says: []string{"is no program for " + runtime.GOOS + "/" + runtime.GOARCH}},
		"no interpreter": {command: []string{lost}, class: ErrMissing, says: []string{"its interpreter"}},
		"checksum":       {how: "good", sum: Algorithm + strings.Repeat("0", 64), class: ErrChecksum, says: []string{"plugin.json pinned " + Algorithm + "0000", "--write", "restart the worker"}},
		"garbage":        {how: "garbage", class: ErrHandshake, says: []string{`"Starting up, please wait ..."`, "print nothing before that"}},
		"long":           {how: "long", class: ErrHandshake, says: []string{"print nothing before that"}},
		"version":        {how: "version", class: ErrVersion, says: []string{"it speaks version 7 of the contract, and this Sluice version 1"}},
		"elsewhere":      {how: "elsewhere", class: ErrHandshake, says: []string{"it listens on unix /run/other.sock"}},
		"exit":           {how: "exit", class: ErrHandshake, says: []string{"exit status 3", "last words: cannot find my glasses"}},
		"closed":         {how: "closed", class: ErrHandshake, says: []string{"has closed its standard output"}},
		"nobody":         {how: "nobody", class: ErrHandshake, says: []string{"does not answer there"}},
	} {
		t.Run(name, func(t *testing.T) {
			tidy(t)
			l, _ := launch(t, k.how)
			if k.command != nil {
				l.Command = k.command
			}
			l.Checksum = k.sum
			p, err := Start(t.Context(), l)
			require.Nil(t, p)
			require.ErrorIs(t, err, k.class)
			require.ErrorContains(t, err, "plugin mine: ")
			for _, part := range k.says {
				require.ErrorContains(t, err, part)
			}
		})
	}
}

func TestAStartEndsWithItsContext(t *testing.T) {
	tidy(t)
	l, _ := launch(t, "silent")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := Start(ctx, l)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestAProcessThatSaysNothingIsGivenUp(t *testing.T) {
	tidy(t)
	l, _ := launch(t, "silent")
	began := time.Now()
	_, err := Start(t.Context(), l)
	require.ErrorIs(t, err, ErrSilent)
	require.ErrorContains(t, err, "within 15s it did not say where it listens")
	require.Less(t, time.Since(began), handshakeTimeout+3*time.Second)
}

func TestACrashLeavesItsLastWords(t *testing.T) {
	tidy(t)
	l, log := launch(t, "panic")
	p := started(t, l)
	e := ended(t, p)
	require.Equal(t, "exit status 2", e.State)
	require.NoError(t, e.Reason)
	require.Contains(t, e.Words, "panic: the disk is on fire")
	require.Contains(t, e.Error(), "plugin mine has ended by itself (exit status 2); its last words: ")
	require.Contains(t, log.String(), `level=ERROR msg="panic: the disk is on fire"`)
}

func TestAHungProcessIsKilled(t *testing.T) {
	tidy(t)
	l, _ := launch(t, "good")
	l.Ping = 50 * time.Millisecond
	p := started(t, l)
	require.NoError(t, syscall.Kill(p.PID(), syscall.SIGSTOP))
	e := ended(t, p)
	var hung *Hung
	require.ErrorAs(t, e, &hung)
	require.ErrorContains(t, e, "plugin mine was killed: it did not answer for 150ms")
	require.Equal(t, "signal: killed", e.State)
}

func TestAProcessThatDoesNotStopIsKilled(t *testing.T) {
	tidy(t)
	l, _ := launch(t, "stubborn")
	p := started(t, l)
	began := time.Now()
	require.NoError(t, p.Stop(t.Context()))
	require.GreaterOrEqual(t, time.Since(began), stopGrace)
	require.ErrorIs(t, syscall.Kill(p.PID(), 0), syscall.ESRCH)
}

func TestOnlyWhatIsGrantedIsInTheEnvironment(t *testing.T) {
	t.Setenv("SECRET_OF_THE_WORKER", "hush")
	t.Setenv("TZ", "Europe/Vienna")
	l, log := launch(t, "environment")
	p := started(t, l)
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "PLUGIN_UNIX_SOCKET_DIR") }, 5*time.Second, time.Millisecond)
	require.NoError(t, p.Stop(t.Context()))
	allowed := append([]string{"GRANTED", contract.Cookie, "PLUGIN_MIN_PORT", "PLUGIN_MAX_PORT", "PLUGIN_PROTOCOL_VERSIONS", "PLUGIN_UNIX_SOCKET_DIR"}, Basics...)
	var seen []string
	for line := range strings.Lines(p.child.words.String()) {
		name, _, _ := strings.Cut(line, "=")
		require.Contains(t, allowed, name)
		seen = append(seen, name)
	}
	require.Subset(t, seen, []string{"GRANTED", contract.Cookie, "TZ", "PATH"})
}

// What is printed comes as it is from a plugin that leaves its output alone, and through go-plugin from others.
func TestAFloodOfLinesIsCutAndCounted(t *testing.T) {
	for _, how := range []string{"flood", "printer"} {
		t.Run(how, func(t *testing.T) {
			tidy(t)
			l, log := launch(t, how)
			p := started(t, l)
			require.Eventually(t, func() bool { return strings.Contains(log.String(), "the plugin writes more lines than are logged") }, 15*time.Second,
				10*time.Millisecond)
			p.Kill(nil)
			e := ended(t, p)
			require.Contains(t, e.Words, "all work and no play")
			require.LessOrEqual(t, len(e.Words), wordsKept)
			require.Less(t, strings.Count(log.String(), "all work and no play \""), 16*linesPerSecond)
			dropped := 0
			for _, told := range regexp.MustCompile(`dropped=(\d+)`).FindAllStringSubmatch(log.String(), -1) {
				n, err := strconv.Atoi(told[1])
				require.NoError(t, err)
				dropped += n
			}
			require.NotZero(t, dropped)
			require.Less(t, dropped*len("all work and no play ")*20, 16*readPace, "what was read in a time that short")
		})
	}
}

func TestAPrivateFolderHoldsTheSocket(t *testing.T) {
	l, _ := launch(t, "good")
	p := started(t, l)
	is, err := os.Stat(p.child.sockets)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), is.Mode().Perm())
	p.Kill(nil)
	<-p.Done()
	_, err = os.Stat(p.child.sockets)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestManyAtOnce(t *testing.T) {
	tidy(t)
	var all sync.WaitGroup
	for range 8 {
		l, _ := launch(t, "good")
		all.Go(func() {
			p, err := Start(t.Context(), l)
			if err != nil {
				t.Error(err)
				return
			}
			if err := p.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}
