package worker

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/metrics"
	"github.com/sluice-connect/sluice/connect/restart"
	"github.com/sluice-connect/sluice/connect/stores"
)

// recoveryBed is a unit of scripted lives in a bubble of synctest. A life runs until it is stopped; fail has it fail, as often as a test likes.
type recoveryBed struct {
	t       *testing.T
	unit    *unit[connect.Config]
	metrics *Metrics
	began   time.Time

	mu    sync.Mutex
	lives []oversight
	said  []said
}

var often = connect.Config{"sluice.restart.policy": "on-failure", "sluice.restart.initial.delay.ms": "1000", "sluice.restart.max.delay.ms": "4000",
	"sluice.restart.max.attempts": "4", "sluice.restart.reset.after.ms": "60000"}

func recovering(t *testing.T, config connect.Config, test func(b *recoveryBed)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &recoveryBed{t: t, metrics: newMetrics(metrics.Sampling{}), began: time.Now()}
		u := &unit[connect.Config]{log: slog.New(slog.DiscardHandler), grace: 5 * time.Second, gone: func() {}, metrics: b.metrics.restarts("c", "0")}
		u.policy = func(c connect.Config) restart.Policy {
			p, err := restart.Parse(c, nil)
			assert.NoError(t, err)
			return p
		}
		u.say = func(state State, trace, _ string) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.said = append(b.said, said{state, trace})
		}
		u.start = b.start
		b.unit = u
		u.launch(wanted[connect.Config]{spec: config, revision: revision{spec: 1}, wish: wish{target: stores.Started}})
		test(b)
		b.change(func(w *wanted[connect.Config]) { w.remove = true })
		<-u.ended
	})
}

func (b *recoveryBed) start(_ connect.Config, target TargetState, tell oversight) *life {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lives = append(b.lives, tell)
	if target == stores.Started {
		b.said = append(b.said, said{Running, ""})
	}
	done := make(chan struct{})
	return &life{target: func(TargetState) {}, kill: func() {}, done: done, stop: func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		close(done)
	}}
}

func (b *recoveryBed) change(how func(*wanted[connect.Config])) {
	b.unit.set(how)
	synctest.Wait()
}

func (b *recoveryBed) retarget(to TargetState) {
	b.change(func(w *wanted[connect.Config]) { w.wish.target = to })
}

// fail has the newest life fail.
func (b *recoveryBed) fail(cause string) {
	synctest.Wait()
	b.mu.Lock()
	tell := b.lives[len(b.lives)-1]
	b.mu.Unlock()
	tell.failed(cause, "1")
	synctest.Wait()
}

func (b *recoveryBed) pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// begun is how many lives there have been.
func (b *recoveryBed) begun() int {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.lives)
}

// shows requires the last thing that was said.
func (b *recoveryBed) shows(state State, trace string) {
	b.t.Helper()
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	require.Equal(b.t, said{state, trace}, b.said[len(b.said)-1])
}

// metric is the value of the unit's counter or gauge, -1 where it has none.
func (b *recoveryBed) metric(name string) float64 {
	b.t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(b.metrics)
	families, err := registry.Gather()
	require.NoError(b.t, err)
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue() + f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	return -1
}

// in is a time as traces have it.
func (b *recoveryBed) in(d time.Duration) string {
	return time.Now().Add(d).UTC().Format(time.RFC3339)
}

func TestWhatHasFailedStaysSoUnlessRestartsAreAskedFor(t *testing.T) {
	t.Parallel()
	recovering(t, nil, func(b *recoveryBed) {
		b.fail("boom")
		b.shows(Failed, "boom")
		b.pass(24 * time.Hour)
		b.shows(Failed, "boom")
		require.Equal(t, 1, b.begun())
		require.EqualValues(t, -1, b.metric("sluice_restart_attempts_total"))
		require.EqualValues(t, -1, b.metric("sluice_restart_next_timestamp_seconds"))
	})
}

func TestWhatHasFailedIsRestartedLaterAndLaterUntilItsAttemptsRunOut(t *testing.T) {
	t.Parallel()
	recovering(t, often, func(b *recoveryBed) {
		for i, wait := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 4 * time.Second} {
			b.fail("boom")
			due := time.Now().Add(wait)
			b.shows(Failed, "FAILED, next restart at "+b.in(wait)+" (attempt "+string(rune('1'+i))+" of 4): boom")
			require.EqualValues(t, due.UnixMilli(), b.metric("sluice_restart_next_timestamp_seconds")*1000)
			b.pass(wait - time.Millisecond)
			require.Equal(t, i+1, b.begun())
			b.pass(time.Millisecond)
			require.Equal(t, i+2, b.begun())
			b.shows(Running, "")
			require.EqualValues(t, i+1, b.metric("sluice_restart_attempts_total"))
			require.Zero(t, b.metric("sluice_restart_next_timestamp_seconds"))
		}
		require.Contains(t, b.said, said{Restarting, ""})
		b.fail("boom")
		b.shows(Failed, "FAILED, restarted 4 times in vain (sluice.restart.max.attempts): boom")
		b.pass(24 * time.Hour)
		require.Equal(t, 5, b.begun())
	})
}

func TestWhatHasLivedLongEnoughBeginsWithItsFirstAttempt(t *testing.T) {
	t.Parallel()
	recovering(t, often, func(b *recoveryBed) {
		b.fail("boom")
		b.pass(time.Second)
		b.pass(time.Minute)
		b.fail("again")
		b.shows(Failed, "FAILED, next restart at "+b.in(time.Second)+" (attempt 1 of 4): again")
	})
}

func TestAPauseOrAStopEndsTheWaitingAndResumingBeginsAnew(t *testing.T) {
	t.Parallel()
	for _, target := range []TargetState{stores.Paused, stores.Stopped} {
		recovering(t, often, func(b *recoveryBed) {
			b.fail("one")
			b.pass(time.Second)
			b.fail("boom")
			b.retarget(target)
			b.shows(Failed, "boom")
			require.Zero(t, b.metric("sluice_restart_next_timestamp_seconds"))
			b.pass(time.Hour)
			require.Equal(t, 2, b.begun())
			b.retarget(stores.Started)
			b.shows(Failed, "FAILED, next restart at "+b.in(time.Second)+" (attempt 1 of 4): boom")
			b.pass(time.Second)
			require.Equal(t, 3, b.begun())
			b.shows(Running, "")
		})
	}
}

func TestWhatFailsWhileItIsPausedIsRestartedWhenItIsResumed(t *testing.T) {
	t.Parallel()
	recovering(t, often, func(b *recoveryBed) {
		b.retarget(stores.Paused)
		b.fail("boom")
		b.shows(Failed, "boom")
		b.pass(time.Hour)
		require.Equal(t, 1, b.begun())
		b.retarget(stores.Started)
		b.pass(time.Second)
		require.Equal(t, 2, b.begun())
	})
}

func TestARestartByHandOrAnotherConfigurationDoesNotWaitAndForgetsTheAttempts(t *testing.T) {
	t.Parallel()
	for name, how := range map[string]func(*wanted[connect.Config]){
		"a restart":             func(w *wanted[connect.Config]) { w.revision.restarts++ },
		"another configuration": func(w *wanted[connect.Config]) { w.revision.spec++ },
	} {
		t.Run(name, func(t *testing.T) {
			recovering(t, often, func(b *recoveryBed) {
				b.fail("boom")
				b.pass(time.Second)
				b.fail("boom")
				b.change(how)
				require.Equal(t, 3, b.begun())
				b.pass(time.Hour)
				require.Equal(t, 3, b.begun(), "the restart that was due is not due any more")
				b.fail("boom")
				b.shows(Failed, "FAILED, next restart at "+b.in(time.Second)+" (attempt 1 of 4): boom")
			})
		})
	}
}

func TestAnotherConfigurationBringsItsOwnPolicy(t *testing.T) {
	t.Parallel()
	recovering(t, often, func(b *recoveryBed) {
		b.fail("boom")
		b.change(func(w *wanted[connect.Config]) {
			w.revision.spec, w.spec = 2, connect.Config{"sluice.restart.policy": "none"}
		})
		b.fail("boom")
		b.shows(Failed, "boom")
		b.pass(time.Hour)
		require.Equal(t, 2, b.begun())
	})
}

func TestWhatIsRemovedWhileItWaitsIsNotRestarted(t *testing.T) {
	t.Parallel()
	recovering(t, often, func(b *recoveryBed) {
		b.fail("boom")
		b.change(func(w *wanted[connect.Config]) { w.remove = true })
		<-b.unit.ended
		b.pass(time.Hour)
		require.Equal(t, 1, b.begun())
	})
}

func TestALifeThatWasReplacedIsNotHeard(t *testing.T) {
	t.Parallel()
	recovering(t, often, func(b *recoveryBed) {
		b.begun()
		old := b.lives[0]
		b.change(func(w *wanted[connect.Config]) { w.revision.restarts++ })
		before := slices.Clone(b.said)
		old.failed("too late", "1")
		old.expires(time.Second, func(context.Context) (bool, time.Duration, error) { panic("not to be asked") })
		b.pass(time.Hour)
		require.Equal(t, before, b.said)
	})
}

func TestValuesThatHaveChangedAreAnotherLifeAndTheSameAreNot(t *testing.T) {
	t.Parallel()
	recovering(t, nil, func(b *recoveryBed) {
		type answer struct {
			changed bool
			holds   time.Duration
			err     error
		}
		var looks []time.Duration
		answers := []answer{{holds: 2 * time.Second}, {err: errors.New("away")}, {changed: true}}
		look := func(context.Context) (bool, time.Duration, error) {
			looks = append(looks, time.Since(b.began))
			a := answers[0]
			answers = answers[1:]
			return a.changed, a.holds, a.err
		}
		b.begun()
		b.lives[0].expires(time.Second, look)
		b.pass(time.Second)
		require.Equal(t, 1, b.begun())
		b.pass(4 * time.Second)
		require.Equal(t, 2, b.begun())
		require.Equal(t, []time.Duration{time.Second, 3 * time.Second, 5 * time.Second}, looks)
		b.pass(time.Hour)
		require.Len(t, looks, 3, "the new life says for itself how long its values hold")
	})
}

func TestValuesAreLookedAtAlsoWhenTheLifeHasFailed(t *testing.T) {
	t.Parallel()
	recovering(t, nil, func(b *recoveryBed) {
		b.begun()
		b.lives[0].expires(time.Second, func(context.Context) (bool, time.Duration, error) { return true, 0, nil })
		b.fail("wrong password")
		b.pass(time.Second)
		require.Equal(t, 2, b.begun())
		b.shows(Running, "")
	})
}

func TestAProviderThatHangsIsAskedOnceAndHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	recovering(t, often, func(b *recoveryBed) {
		asked := 0
		release := make(chan struct{})
		b.begun()
		b.lives[0].expires(time.Second, func(context.Context) (bool, time.Duration, error) {
			asked++
			<-release
			return true, 0, nil
		})
		b.pass(time.Hour)
		require.Equal(t, 1, asked)
		b.fail("boom")
		b.pass(time.Second)
		require.Equal(t, 2, b.begun())
		close(release)
		b.pass(time.Hour)
		require.Equal(t, 2, b.begun(), "it answers for a life that is over")
	})
}
