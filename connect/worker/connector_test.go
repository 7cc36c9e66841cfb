package worker

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/stores"
)

// splitScript is a connector that divides and watches as a test says. Its tasks are never run.
type splitScript struct {
	sinkScript
	split func(ctx context.Context, cfg connect.Config, maxTasks int) ([]connect.Config, error)
	watch func(ctx context.Context, cfg connect.Config, split func()) error
}

func (s *splitScript) Spec() connect.Spec {
	return connect.NewSpec("test.SplitScriptConnector", "9", connect.PasswordKey("password", "").Optional())
}

func (s *splitScript) Split(ctx context.Context, cfg connect.Config, maxTasks int) ([]connect.Config, error) {
	return s.split(ctx, cfg, maxTasks)
}

func (s *splitScript) Watch(ctx context.Context, cfg connect.Config, split func()) error {
	if s.watch == nil {
		return nil
	}
	return s.watch(ctx, cfg, split)
}

// splitScriptBed is a worker with connectors only, in a bubble of synctest: time passes at once when all of them wait.
type splitScriptBed struct {
	t        *testing.T
	worker   *Worker
	statuses sinkScriptStatuses

	mu    sync.Mutex
	plans map[string][][]connect.Config
}

// splitScripted runs a test with a connector that does what the script says, and one that always divides its work at once.
func splitScripted(t *testing.T, script *splitScript, test func(t *testing.T, b *splitScriptBed), change ...setting) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		classes, err := catalog.New(nil, []connect.SinkConnector{script, &sinkScript{}})
		require.NoError(t, err)
		b := &splitScriptBed{t: t, plans: map[string][][]connect.Config{}}
		settings := &Settings{GracefulShutdown: 5 * time.Second, Properties: map[string]string{
			"key.converter": "StringConverter", "value.converter": "StringConverter",
		}}
		for _, c := range change {
			c(settings)
		}
		b.worker = New(settings, classes, nil, &b.statuses, b.plan, nil, slog.New(slog.DiscardHandler))
		test(t, b)
		b.worker.Close(t.Context())
	})
}

func (b *splitScriptBed) plan(_ context.Context, connector string, tasks []connect.Config) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.plans[connector] = append(b.plans[connector], tasks)
}

// apply makes the scripted connector "c" run towards a target, beside "other", and lets it come to rest.
func (b *splitScriptBed) apply(target TargetState, more ...string) {
	config := connect.Config{"connector.class": "test.SplitScriptConnector", "name": "c", "topics": "t", "tasks.max": "3"}
	for i := 0; i < len(more); i += 2 {
		config[more[i]] = more[i+1]
	}
	other := connect.Config{"connector.class": "test.SinkScriptConnector", "name": "other", "topics": "t,u", "tasks.max": "2"}
	b.worker.Apply(Assignment{Connectors: []ConnectorSpec{
		{Name: "c", Config: config, Target: target}, {Name: "other", Config: other, Target: stores.Started},
	}})
	synctest.Wait()
}

// planned are the plans of "c" so far.
func (b *splitScriptBed) planned() [][]connect.Config {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.plans["c"])
}

// shows checks the status of "c" at rest, and that the other connector does not care.
func (b *splitScriptBed) shows(state State, trace ...string) {
	b.t.Helper()
	synctest.Wait()
	require.NoError(b.t, b.statuses.last("c").fits(state, trace...))
	require.Equal(b.t, []sinkScriptStatus{{Running, "", "3"}}, b.statuses.all("other"))
}

// pass lets time pass.
func (b *splitScriptBed) pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// oneSplitTask is a division into one task, of which the configuration says what.
func oneSplitTask(what string) []connect.Config { return []connect.Config{{"what": what}} }

func TestAConnectorDividesItsWorkIntoAtMostTasksMaxTasks(t *testing.T) {
	t.Parallel()
	script := &splitScript{split: func(_ context.Context, cfg connect.Config, maxTasks int) ([]connect.Config, error) {
		return []connect.Config{{"max": strings.Repeat("i", maxTasks), "of": cfg["name"]}, {}}, nil
	}}
	splitScripted(t, script, func(t *testing.T, b *splitScriptBed) {
		b.apply(stores.Started)
		b.shows(Running)
		require.Equal(t, "9", b.statuses.last("c").version)
		require.Equal(t, [][]connect.Config{{
			{"max": "iii", "of": "c", "task.class": "test.SplitScriptConnector", "topics": "t"},
			{"task.class": "test.SplitScriptConnector", "topics": "t"},
		}}, b.planned())
		full := connect.Config{"connector.class": "test.SinkScriptConnector", "name": "other", "topics": "t,u", "tasks.max": "2",
			"task.class": "test.SinkScriptConnector"}
		require.Equal(t, [][]connect.Config{{full, full}}, b.plans["other"], "a sink that does not divide has tasks.max tasks alike")
	})
}

func TestAConnectorDividesItsWorkAgainWhenItIsAskedToRunOnceMore(t *testing.T) {
	t.Parallel()
	script := &splitScript{split: func(context.Context, connect.Config, int) ([]connect.Config, error) { return oneSplitTask("it"), nil }}
	splitScripted(t, script, func(t *testing.T, b *splitScriptBed) {
		config := connect.Config{"connector.class": "test.SplitScriptConnector", "name": "c", "topics": "t", "tasks.max": "3"}
		for wishes, plans := range []int{1, 2, 3} {
			for range 2 { // nothing new the second time
				b.worker.Apply(Assignment{Connectors: []ConnectorSpec{{Name: "c", Config: config, Target: stores.Started, Wishes: int64(wishes)}}})
				require.Len(t, b.planned(), plans)
			}
		}
		require.NoError(t, b.statuses.last("c").fits(Running))
	})
}

func TestAConnectorMayReturnTheConfigurationItWasGiven(t *testing.T) {
	t.Parallel()
	script := &splitScript{split: func(_ context.Context, cfg connect.Config, _ int) ([]connect.Config, error) {
		cfg["mine"] = "1"
		return []connect.Config{cfg, cfg, nil}, nil
	}}
	splitScripted(t, script, func(t *testing.T, b *splitScriptBed) {
		given := connect.Config{"connector.class": "test.SplitScriptConnector", "name": "c", "topics": "t", "tasks.max": "3"}
		b.worker.Apply(Assignment{Connectors: []ConnectorSpec{{Name: "c", Config: given, Target: stores.Started}}})
		tasks := b.planned()[0]
		require.Len(t, tasks, 3)
		require.Equal(t, "1", tasks[1]["mine"])
		require.Equal(t, connect.Config{"task.class": "test.SplitScriptConnector", "topics": "t"}, tasks[2])
		require.Len(t, given, 4, "the herder's own copy stays as it is")
		tasks[0]["x"] = "y"
		require.NotContains(t, tasks[1], "x", "tasks share nothing")
	})
}

func TestAConnectorWhoseErrorRepeatsItsPasswordDoesNotShowIt(t *testing.T) {
	t.Parallel()
	script := &splitScript{split: func(_ context.Context, cfg connect.Config, _ int) ([]connect.Config, error) {
		return nil, errors.New("no login with " + cfg["password"])
	}}
	splitScripted(t, script, func(t *testing.T, b *splitScriptBed) {
		b.apply(stores.Started, "password", "wr0ng-secret")
		b.shows(Failed, "no login with [hidden]")
	})
}

func TestAConnectorThatDividesIntoTooManyTasksFailsUnlessThatIsAllowed(t *testing.T) {
	t.Parallel()
	script := &splitScript{split: func(context.Context, connect.Config, int) ([]connect.Config, error) {
		return make([]connect.Config, 4), nil
	}}
	splitScripted(t, script, func(t *testing.T, b *splitScriptBed) {
		b.apply(stores.Started)
		b.shows(Failed, "4 task configs, which is greater than 3", "raise tasks.max, or set tasks.max.enforce=false")
		require.Empty(t, b.planned())
	})
	splitScripted(t, script, func(t *testing.T, b *splitScriptBed) {
		b.apply(stores.Started, "tasks.max.enforce", "false")
		b.shows(Running)
		require.Len(t, b.planned()[0], 4)
	})
}

func TestAConnectorWhoseSplitFailsShowsWhyUntilItIsRestarted(t *testing.T) {
	t.Parallel()
	var fail func() error
	script := &splitScript{split: func(context.Context, connect.Config, int) ([]connect.Config, error) {
		return oneSplitTask("a"), fail()
	}}
	for name, test := range map[string]struct {
		fail  func() error
		trace []string
	}{
		"an error": {func() error { return errSinkScript }, []string{"the system says no"}},
		"a panic":  {func() error { panic("boom") }, []string{"panic in Split: boom", "connector_test.go"}},
	} {
		t.Run(name, func(t *testing.T) {
			fail = test.fail
			splitScripted(t, script, func(t *testing.T, b *splitScriptBed) {
				b.apply(stores.Started)
				b.shows(Failed, test.trace...)
				b.apply(stores.Paused)
				b.apply(stores.Started)
				b.shows(Failed, test.trace...)
				require.Empty(t, b.planned())
				fail = func() error { return nil }
				require.True(t, b.worker.RestartConnector("c"))
				b.shows(Running)
				require.Len(t, b.planned(), 1)
			})
		})
	}
}

func TestASplitThatAsksForAnotherTryIsRepeatedAndTheStatusSaysWhy(t *testing.T) {
	t.Parallel()
	var tries atomic.Int32
	script := &splitScript{split: func(context.Context, connect.Config, int) ([]connect.Config, error) {
		if tries.Add(1) < 4 {
			return nil, connect.Retry(errSinkScript, 0)
		}
		return oneSplitTask("a"), nil
	}}
	splitScripted(t, script, func(t *testing.T, b *splitScriptBed) {
		b.apply(stores.Started)
		b.shows(Running, "retrying: the system says no (since 2000-01-01T00:00:00Z, next try within 30s)")
		b.pass(time.Second)
		require.EqualValues(t, 2, tries.Load())
		b.pass(2 * time.Second)
		require.EqualValues(t, 3, tries.Load())
		b.shows(Running, "retrying: the system says no (since 2000-01-01T00:00:00Z")
		require.Empty(t, b.planned())
		b.pass(4 * time.Second)
		b.shows(Running)
		require.Len(t, b.planned(), 1)
	})
}

func TestAConnectorThatIsPausedWhileItRetriesIsPausedAtOnce(t *testing.T) {
	t.Parallel()
	var tries atomic.Int32
	script := &splitScript{split: func(context.Context, connect.Config, int) ([]connect.Config, error) {
		tries.Add(1)
		return nil, connect.Retry(errSinkScript, time.Minute)
	}}
	splitScripted(t, script, func(t *testing.T, b *splitScriptBed) {
		b.apply(stores.Started)
		b.apply(stores.Paused)
		b.shows(Paused)
		b.pass(time.Hour)
		require.EqualValues(t, 1, tries.Load())
		b.apply(stores.Started)
		b.shows(Running, "retrying: ")
		require.EqualValues(t, 2, tries.Load())
		b.apply(stores.Stopped)
		b.shows(Stopped)
	})
}

func TestASplitThatHangsSaysSoAndHoldsUpNobody(t *testing.T) {
	t.Parallel()
	t.Run("until its deadline when it heeds that", func(t *testing.T) {
		script := &splitScript{split: func(ctx context.Context, _ connect.Config, _ int) ([]connect.Config, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		splitScripted(t, script, func(t *testing.T, b *splitScriptBed) {
			b.apply(stores.Started)
			b.shows(Running)
			b.pass(time.Minute)
			b.shows(Failed, "dividing the work took longer than 1m0s: context deadline exceeded")
		})
	})
	t.Run("and runs again when it returns late after all", func(t *testing.T) {
		release := make(chan struct{})
		script := &splitScript{}
		splitScripted(t, script, func(t *testing.T, b *splitScriptBed) {
			release = make(chan struct{})
			script.split = func(context.Context, connect.Config, int) ([]connect.Config, error) {
				<-release
				return oneSplitTask("a"), nil
			}
			b.apply(stores.Started)
			b.pass(time.Minute)
			b.shows(Failed, "Split has not returned for 1m0s: restart the connector if it hangs")
			close(release)
			b.shows(Running)
			require.Len(t, b.planned(), 1)
		})
	})
	t.Run("and is abandoned when the connector stops", func(t *testing.T) {
		script := &splitScript{}
		splitScripted(t, script, func(t *testing.T, b *splitScriptBed) {
			release := make(chan struct{})
			script.split = func(context.Context, connect.Config, int) ([]connect.Config, error) {
				<-release
				return oneSplitTask("a"), nil
			}
			b.apply(stores.Started)
			b.worker.Apply(Assignment{})
			began := time.Now()
			require.NoError(t, b.worker.Released(t.Context()))
			require.Equal(t, 5*time.Second, time.Since(began))
			said := b.statuses.all("c")
			b.pass(time.Hour)
			close(release)
			require.Empty(t, b.planned(), "what comes too late is not planned")
			require.Equal(t, said, b.statuses.all("c"), "nor said")
		})
	})
}

func TestAConnectorThatNoticesAChangeIsDividedAnew(t *testing.T) {
	t.Parallel()
	changes, watching, tasks := make(chan struct{}), 0, "a"
	script := &splitScript{
		split: func(context.Context, connect.Config, int) ([]connect.Config, error) { return oneSplitTask(tasks), nil },
	}
	splitScripted(t, script, func(t *testing.T, b *splitScriptBed) {
		changes = make(chan struct{})
		script.watch = func(ctx context.Context, cfg connect.Config, split func()) error {
			watching++
			defer func() { watching-- }()
			for {
				select {
				case <-changes:
					split()
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
		b.apply(stores.Started)
		require.Len(t, b.planned(), 1)
		require.Equal(t, 1, watching)
		tasks = "b"
		changes <- struct{}{}
		require.Len(t, b.planned(), 2)
		require.Equal(t, "b", b.planned()[1][0]["what"])
		changes <- struct{}{}
		require.Len(t, b.planned(), 3, "the herder compares, not the worker")
		require.Equal(t, b.planned()[1], b.planned()[2])
		b.shows(Running)

		b.apply(stores.Paused)
		b.shows(Paused)
		require.Zero(t, watching, "a connector that is paused watches nothing")
		b.apply(stores.Started)
		b.shows(Running)
		require.Len(t, b.planned(), 4)
		require.Equal(t, 1, watching)
		b.apply(stores.Stopped)
		b.shows(Stopped)
		require.Zero(t, watching)
		b.worker.Apply(Assignment{})
		require.NoError(t, b.worker.Released(t.Context()))
		require.NoError(t, b.statuses.last("c").fits(Unassigned))
	})
}

func TestAWatchThatFailsFailsTheConnectorAndOneThatEndsDoesNot(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		watch func() error
		state State
		trace []string
	}{
		"an error": {func() error { return errSinkScript }, Failed, []string{"watching the source's system: the system says no"}},
		"a panic":  {func() error { panic("boom") }, Failed, []string{"panic in Watch: boom"}},
		"nil":      {func() error { return nil }, Running, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			script := &splitScript{
				split: func(context.Context, connect.Config, int) ([]connect.Config, error) { return oneSplitTask("a"), nil },
				watch: func(context.Context, connect.Config, func()) error { return test.watch() },
			}
			splitScripted(t, script, func(t *testing.T, b *splitScriptBed) {
				b.apply(stores.Started)
				b.shows(test.state, test.trace...)
				require.Len(t, b.planned(), 1)
			})
		})
	}
}

func TestAWatchThatDoesNotEndHidesNothingOfTheConnector(t *testing.T) {
	t.Parallel()
	script := &splitScript{}
	splitScripted(t, script, func(t *testing.T, b *splitScriptBed) {
		release := make(chan struct{})
		script.split = func(context.Context, connect.Config, int) ([]connect.Config, error) { return oneSplitTask("a"), nil }
		script.watch = func(_ context.Context, _ connect.Config, split func()) error {
			<-release
			split()
			return errSinkScript
		}
		b.apply(stores.Started)
		b.shows(Running)
		b.apply(stores.Paused)
		b.shows(Paused)
		b.apply(stores.Started)
		b.shows(Running)
		require.Len(t, b.planned(), 2)
		b.apply(stores.Stopped)
		b.shows(Stopped)
		close(release)
		b.shows(Stopped)
		require.Len(t, b.planned(), 2, "what it says too late counts no more")
	})
}

func TestASplitThatFailsLaterEndsTheWatchingAndFailsTheConnector(t *testing.T) {
	t.Parallel()
	var fail error
	script := &splitScript{
		split: func(context.Context, connect.Config, int) ([]connect.Config, error) { return oneSplitTask("a"), fail },
		watch: func(ctx context.Context, _ connect.Config, split func()) error {
			if !sleep(ctx, time.Hour) {
				return ctx.Err()
			}
			fail = errSinkScript
			split()
			<-ctx.Done()
			return errors.New("it was asked to end")
		},
	}
	splitScripted(t, script, func(t *testing.T, b *splitScriptBed) {
		b.apply(stores.Started)
		b.shows(Running)
		b.pass(time.Hour)
		b.shows(Failed, "the system says no")
		require.Len(t, b.planned(), 1)
	})
}

func TestAConnectorThatStartsPausedOrStoppedIsNotDividedBeforeItIsResumed(t *testing.T) {
	t.Parallel()
	script := &splitScript{split: func(context.Context, connect.Config, int) ([]connect.Config, error) { return oneSplitTask("a"), nil }}
	for _, target := range []TargetState{stores.Paused, stores.Stopped} {
		splitScripted(t, script, func(t *testing.T, b *splitScriptBed) {
			b.apply(target)
			b.shows(shown(target))
			require.Empty(t, b.planned())
			b.apply(stores.Started)
			b.shows(Running)
			require.Len(t, b.planned(), 1)
		})
	}
}

func TestAConnectorOfAClassThatIsNotHereFailsAndNamesWhatThereIs(t *testing.T) {
	t.Parallel()
	splitScripted(t, &splitScript{}, func(t *testing.T, b *splitScriptBed) {
		b.apply(stores.Started, "connector.class", "nobody.Knows")
		b.shows(Failed, "nobody.Knows", "test.SinkScriptConnector, test.SplitScriptConnector")
	})
}
