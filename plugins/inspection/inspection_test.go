package inspection

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins"
	"github.com/sluice-connect/sluice/plugins/manifest"
)

// The test's own program is the plugin, by its first argument.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "plugin" {
		how := os.Args[2]
		os.Args = os.Args[:1]
		plugins.Serve(plugins.Plugin{
			Name: "mine", Version: "1", Sources: []connect.SourceConnector{source(how)}, Sinks: []connect.SinkConnector{sink(how)},
		})
	}
	os.Exit(m.Run())
}

var url = connect.StringKey("url", "Where it is.").Must(connect.NonEmpty)

type source string

func (source) Spec() connect.Spec {
	return connect.NewSpec("org.me.MineSource", "1", url, connect.IntKey("n", "How many.").Default(3).Must(connect.AtLeast(1)))
}

func (s source) Open(ctx context.Context, rt connect.SourceContext) (connect.SourceTask, error) {
	switch s {
	case "crash":
		panicNow()
	case "hang":
		<-context.WithoutCancel(ctx).Done()
	case "mute":
		return nil, errors.New("")
	}
	return nil, &connect.ConfigError{Key: "url", Reason: "it is missing"}
}

// panicNow ends the process as a bug outside of a task's own goroutine does.
func panicNow() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		signal.Reset()
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL) // as the kernel would
		panic("the disk is on fire")
	}()
	<-done
}

type sink string

func (sink) Spec() connect.Spec { return connect.NewSpec("org.me.MineSink", "1", url) }
func (sink) Open(context.Context, connect.SinkContext) (connect.SinkTask, error) {
	return nil, &connect.ConfigError{Key: "url", Reason: "it is missing"}
}

func inspect(t *testing.T, how string, refresh bool, change func(*manifest.Manifest)) *Report {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	m := &manifest.Manifest{Dir: t.TempDir(), Name: "mine", Version: "1", Contract: 1, Command: []string{program, "plugin", how}}
	if change != nil {
		change(m)
	}
	return Inspect(t.Context(), m, refresh, slog.New(slog.DiscardHandler))
}

func problems(r *Report) map[string]string {
	out := map[string]string{}
	for _, f := range r.Findings {
		if f.Problem != "" {
			out[f.Look] = f.Problem
		}
	}
	return out
}

func TestAGoodPluginIsDescribedByItsProgramAndFoundGood(t *testing.T) {
	r := inspect(t, "good", true, nil)
	require.Empty(t, problems(r))
	require.Equal(t, "mine 1", r.Found.String())
	require.NotEmpty(t, r.Found.Checksum)
	require.Len(t, r.Found.Classes, 2)
	require.NoError(t, r.Found.Write())

	written, err := manifest.Read(r.Found.Dir)
	require.NoError(t, err)
	r = inspect(t, "good", false, func(m *manifest.Manifest) { *m = *written })
	require.Empty(t, problems(r))
	var looks []string
	for _, f := range r.Findings {
		looks = append(looks, f.Look)
	}
	require.Equal(t, []string{"checksum", "start", "describe", "definitions", "manifest", "keys", "tasks", "stop"}, looks)

	r = inspect(t, "good", false, func(m *manifest.Manifest) {
		*m = *written
		m.Version = "2"
		m.Classes = m.Classes[:1]
		m.Classes[0].Keys[0].Doc = "Elsewhere."
	})
	require.Len(t, problems(r), 1)
	require.Contains(t, problems(r)["manifest"], "the version is 2 there, and 1 in the program")
	require.Contains(t, problems(r)["manifest"], "org.me.MineSource is another in the program: its key url")
	require.Contains(t, problems(r)["manifest"], "org.me.MineSink is not in it")
}

func TestWhatBreaksAPluginIsNamed(t *testing.T) {
	for name, k := range map[string]struct {
		how, look, says string
		change          func(*manifest.Manifest)
	}{
		"missing":  {"good", "start", "there is no", func(m *manifest.Manifest) { m.Command = []string{"./absent"} }},
		"checksum": {"good", "checksum", "is not the file that plugin.json pins", func(m *manifest.Manifest) { m.Checksum = "sha256:00" }},
		"crash":    {"crash", "tasks", "org.me.MineSource without its configuration: ", nil},
		"mute":     {"mute", "tasks", "a fault needs a message", nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := inspect(t, k.how, k.how != "good", k.change)
			require.Contains(t, problems(r)[k.look], k.says)
			require.NotZero(t, r.Problems())
		})
	}
}
