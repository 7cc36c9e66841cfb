package logging

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLevelsHaveLog4jsNamesInAnyCase(t *testing.T) {
	for _, name := range []string{"OFF", "FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE", "ALL"} {
		level, ok := ParseLevel(strings.ToLower(name))
		require.True(t, ok)
		require.Equal(t, name, level.String())
	}
	for _, name := range []string{"", "bad", "1"} {
		_, ok := ParseLevel(name)
		require.False(t, ok, name)
	}
}

func TestALevelIsSetForAllWhoseNamesBeginWithIt(t *testing.T) {
	l := NewLevels(Info)
	before := time.Now()
	require.Equal(t, []string{"com.acme"}, l.Set("com.acme", Debug))
	require.Empty(t, l.Set("com.acme.Nope", Debug), "it is so already, by the name above")
	s, known := l.Get("com.acme.Nope")
	require.True(t, known)
	require.Equal(t, Setting{Level: Debug}, s)
	require.Equal(t, []string{"com.acme", "com.acme.Nope"}, l.Set("com.ac", Off)[1:], "a text, not a name, is what counts")
	s, _ = l.Get("com.acme")
	require.Equal(t, Off, s.Level)
	require.WithinRange(t, s.Modified, before, time.Now())

	_, known = l.Get("com.acme.Other")
	require.False(t, known)
	s, known = l.Get("ROOT")
	require.True(t, known)
	require.Equal(t, Setting{Level: Info}, s)
	changed := l.Set("Root", Error)
	require.Contains(t, changed, "root")
	require.Contains(t, changed, "com.acme")
	require.Contains(t, changed, runtimeClasses+"WorkerSourceTask")
	require.IsNonDecreasing(t, changed)
	require.Empty(t, l.Set("root", Error))
	for name, s := range l.All() {
		require.Equal(t, Error, s.Level, name)
	}
	require.Equal(t, []string{runtimeClasses + "WorkerSinkTask", runtimeClasses + "WorkerSourceTask"}, l.Set(runtimeClasses+"WorkerS", Trace)[1:])
}

func TestALineIsMeasuredByTheLevelOfWhoWritesIt(t *testing.T) {
	var out bytes.Buffer
	l := NewLevels(Warn)
	log := slog.New(l.Handler(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.Level(All), ReplaceAttr: Names})))
	written := func() string {
		defer out.Reset()
		return out.String()
	}
	log.Info("quiet")
	log.With("connector", "c").WithGroup("g").Warn("loud", "level", slog.LevelInfo)
	text := written()
	require.NotContains(t, text, "quiet")
	require.Contains(t, text, "level=WARN msg=loud connector=c g.level=INFO")

	l.Set("org.apache", Debug) // this test's lines are root's
	log.Debug("quiet")
	require.Empty(t, written())
	l.Set("root", Trace)
	log.Log(t.Context(), slog.LevelDebug-4, "loud")
	require.Contains(t, written(), "level=TRACE")
	l.Set("root", Off)
	log.Error("quiet")
	require.Empty(t, written())

	l.Set("root", Info)
	named := slog.New(l.Naming(slog.NewTextHandler(&out, nil))).With("connector", "c")
	named.Info("loud")
	require.Contains(t, written(), "msg=loud connector=c logger=root\n")
	named.Debug("quiet")
	require.Empty(t, written())
}

func TestPlacesOfTheProgramHaveLoggers(t *testing.T) {
	for at, want := range map[[2]string]string{
		{"connect/worker", "sourcetask"}:  runtimeClasses + "WorkerSourceTask",
		{"connect/worker", "sinktask"}:    runtimeClasses + "WorkerSinkTask",
		{"connect/worker", "task"}:        runtimeClasses + "Worker",
		{"connect/stores", "configstore"}: "org.apache.kafka.connect.storage.KafkaConfigBackingStore",
		{"main", "node"}:                  runtimeClasses + "Connect",
		{"example.com/other", "x"}:        Root,
	} {
		assert.Equal(t, want, loggerAt(at[0], at[1]), at)
	}
}

func TestEachPlaceNamedHereIsInTheTree(t *testing.T) {
	for _, c := range components {
		if c.pkg == "main" || c.pkg == "net/http" {
			continue
		}
		require.DirExists(t, filepath.Join("../..", c.pkg))
		for _, file := range c.files {
			text, err := os.ReadFile(filepath.Join("../..", c.pkg, file+".go"))
			require.NoError(t, err)
			require.NotEmpty(t, text)
		}
	}
}
