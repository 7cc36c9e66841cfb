package herder

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// causes are what hinders a worker, asked as REST asks.
func causes(t *testing.T, h *Herder) (all []Cause) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	r := h.Readiness(ctx)
	require.Equal(t, r.Ready, len(r.Hindrances) == 0)
	require.NotNil(t, r.Hindrances, "an empty list, not null")
	for _, hindrance := range r.Hindrances {
		all = append(all, hindrance.Cause)
	}
	return all
}

func TestAWorkerThatCannotWorkIsNotReadyAndSaysWhy(t *testing.T) {
	atDesk(t, slog.New(slog.DiscardHandler), func(t *testing.T, d *desk) {
		require.Empty(t, causes(t, d.Herder))
		at := time.Now()
		d.post.move(Standing{Generation: 5, Lost: at, Behind: at})
		require.Equal(t, []Cause{LostGroup, CatchingUp}, causes(t, d.Herder))
		r := d.Readiness(t.Context())
		require.True(t, r.Hindrances[0].Since.Equal(at))
		health, err := d.Health(t.Context())
		require.NoError(t, err)
		require.Equal(t, Health{State: Healthy}, health, "that is all that Java's /health looks at")
		d.post.move(Standing{Generation: 6})
		require.Empty(t, causes(t, d.Herder))
	})
}

func TestAHerderThatDoesNotAnswerIsStuck(t *testing.T) {
	atDesk(t, slog.New(slog.DiscardHandler), func(t *testing.T, d *desk) {
		release := make(chan struct{})
		go func() { _ = d.mind.Do(context.Background(), func() { <-release }) }()
		synctest.Wait()
		require.Equal(t, []Cause{Stuck}, causes(t, d.Herder))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		health, err := d.Health(ctx)
		require.NoError(t, err)
		require.Equal(t, Unhealthy, health.State)
		require.Regexp(t, `^The last operation the worker completed was ensuring membership in the cluster, which began at \S+Z and completed at \S+Z\.$`, health.Stage)
		close(release)
		require.Empty(t, causes(t, d.Herder))
	})
}

func TestWritingThatDoesNotEndIsStuck(t *testing.T) {
	atDesk(t, slog.New(slog.DiscardHandler), func(t *testing.T, d *desk) {
		release := make(chan struct{})
		done := make(chan error, 1)
		go func() {
			done <- d.scribe.now(context.Background(), func(context.Context) error { <-release; return nil })
		}()
		time.Sleep(stuckAfter)
		require.Empty(t, causes(t, d.Herder))
		time.Sleep(time.Second)
		require.Equal(t, []Cause{Stuck}, causes(t, d.Herder))
		close(release)
		require.NoError(t, <-done)
		synctest.Wait()
		require.Empty(t, causes(t, d.Herder))
	})
}

func TestAWorkerIsNotReadyBeforeItsStartAndAfterItsEnd(t *testing.T) {
	atDesk(t, slog.New(slog.DiscardHandler), func(t *testing.T, d *desk) {
		other := New(d.Options)
		require.Equal(t, []Cause{IsStarting}, causes(t, other))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		health, err := other.Health(ctx)
		require.NoError(t, err)
		require.Equal(t, Starting, health.State)
		require.Contains(t, health.Stage, "The worker is currently awaiting startup, which began at ")
		other.end()
		d.Retire()
		require.Equal(t, []Cause{ShuttingDown}, causes(t, d.Herder))
		_, err = d.Health(t.Context())
		require.NoError(t, err, "it answers as long as it is there")
	})
}

func TestALogLevelForAllWorkersComesBackFromTheConfigTopic(t *testing.T) {
	atDesk(t, slog.New(slog.DiscardHandler), func(t *testing.T, d *desk) {
		var heard []string
		d.Logs = func(namespace, level string) { heard = append(heard, namespace+" "+level) }
		require.NoError(t, d.SetLoggerLevel(t.Context(), "org.apache", "Debug"))
		synctest.Wait()
		require.Equal(t, []string{"org.apache Debug"}, heard)
	})
}
