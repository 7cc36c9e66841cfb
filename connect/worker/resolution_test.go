package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/configproviders"
	"github.com/sluice-connect/sluice/connect/stores"
)

// vault is a config provider with values that a test changes.
type vault struct {
	ttl time.Duration

	mu     sync.Mutex
	values map[string]string
}

func (v *vault) put(key, value string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.values[key] = value
}

func (v *vault) Get(_ context.Context, _ string, keys []string) (configproviders.Found, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	found := configproviders.Found{Values: map[string]string{}, TTL: v.ttl}
	for _, key := range keys {
		if value, ok := v.values[key]; ok {
			found.Values[key] = value
		}
	}
	return found, nil
}

// providing gives a worker the vault as its provider "vault".
func providing(t *testing.T, v *vault) setting {
	t.Helper()
	class := configproviders.Definition{Spec: connect.NewSpec("test.Vault", ""),
		New: func(connect.Config) (configproviders.Provider, error) { return v, nil }}
	p, err := configproviders.Open([]configproviders.Definition{class},
		connect.Config{"config.providers": "vault", "config.providers.vault.class": "test.Vault"})
	require.NoError(t, err)
	return func(s *Settings) { s.Providers = p }
}

const secret = "hunter22-of-the-vault"

func TestATaskSeesWhatItsReferencesStandForAndNobodyElseDoes(t *testing.T) {
	t.Parallel()
	v := &vault{values: map[string]string{"password": secret, "format": "StringConverter"}}
	var log strings.Builder
	s := newStage(t, []string{"t"}, providing(t, v))
	s.worker.log = slog.New(slog.NewTextHandler(&log, nil))
	var seen connect.Config
	id := s.start("c", script{open: func(_ context.Context, rt connect.SourceContext) error {
		seen = rt.Config()
		rt.Log().Info("about to log in", "password", rt.Config()["password"])
		rt.Waiting(errors.New("no login with "+rt.Config()["password"]), time.Time{})
		return fmt.Errorf("login refused for %q: it is not %s", "me", rt.Config()["password"])
	}}, connect.Config{"password": "${vault:password}", "value.converter": "${vault:format}", "dsn": "me:${vault:password}@host"})
	s.shows(id, Failed, `login refused for "me": it is not [hidden]`)
	assert.Equal(t, secret, seen["password"])
	assert.Equal(t, "me:"+secret+"@host", seen["dsn"])
	assert.Contains(t, s.statuses.history(id)[0].trace, "retrying: no login with [hidden]")
	for _, one := range s.statuses.history(id) {
		assert.NotContains(t, one.trace, secret)
	}
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	s.worker.Close(ctx)
	assert.NotContains(t, log.String(), secret)
	assert.Contains(t, log.String(), "about to log in")
	assert.Contains(t, log.String(), "task failed")
}

func TestATaskWhoseReferenceLeadsNowhereFailsAndSaysWhere(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"}, providing(t, &vault{}))
	id := s.start("c", script{}, connect.Config{"password": "${vault:at/home:password}"})
	s.shows(id, Failed, "password: config provider vault, path at/home, key password: there is no such key")
	id = s.start("d", script{}, connect.Config{"password": "${nobody:x}"})
	s.shows(id, Running, "")
}

func TestWhatATaskFailedForIsMendedByAnotherSecret(t *testing.T) {
	t.Parallel()
	v := &vault{ttl: 20 * time.Millisecond, values: map[string]string{"password": "wrong-one"}}
	s := newStage(t, []string{"t"}, providing(t, v))
	open := func(_ context.Context, rt connect.SourceContext) error {
		if rt.Config()["password"] != secret {
			return errors.New("login refused")
		}
		return nil
	}
	id := s.start("c", script{open: open}, connect.Config{"password": "${vault:password}"})
	none := s.start("d", script{open: open}, connect.Config{"password": "${vault:password}", "config.action.reload": "none"})
	s.shows(id, Failed, "login refused")
	s.shows(none, Failed, "login refused")
	v.put("password", secret)
	s.shows(id, Running, "")
	assert.Len(t, s.statuses.history(none), 1)
}

func TestAConnectorDividesWhatItsReferencesStandForAndTheyAreStoredAsReferences(t *testing.T) {
	t.Parallel()
	v := &vault{values: map[string]string{"password": secret, "topics": "t"}}
	var given connect.Config
	split := &splitScript{split: func(_ context.Context, cfg connect.Config, _ int) ([]connect.Config, error) {
		given = cfg
		return []connect.Config{{"password": cfg["password"], "plain": "x"}}, nil
	}}
	splitScripted(t, split, func(t *testing.T, b *splitScriptBed) {
		b.apply(stores.Started, "password", "${vault:password}", "topics", "${vault:topics}")
		b.shows(Running)
		assert.Equal(t, secret, given["password"])
		assert.Equal(t, [][]connect.Config{{{
			"password": "${vault:password}", "plain": "x", "topics": "${vault:topics}", "task.class": "test.SplitScriptConnector",
		}}}, b.planned())
	}, providing(t, v))
}

func TestAConnectorIsDividedAnewWhenItsSecretHasChangedAndNotBefore(t *testing.T) {
	t.Parallel()
	v := &vault{ttl: time.Minute, values: map[string]string{"password": "one"}}
	var seen []string
	split := &splitScript{split: func(_ context.Context, cfg connect.Config, _ int) ([]connect.Config, error) {
		seen = append(seen, cfg["password"])
		return nil, nil
	}}
	splitScripted(t, split, func(t *testing.T, b *splitScriptBed) {
		b.apply(stores.Started, "password", "${vault:password}")
		b.pass(time.Hour)
		require.Equal(t, []string{"one"}, seen)
		v.put("password", "two")
		b.pass(time.Minute)
		require.Equal(t, []string{"one", "two"}, seen)
		b.shows(Running)
		v.mu.Lock()
		delete(v.values, "password")
		v.mu.Unlock()
		b.pass(time.Hour)
		require.Equal(t, []string{"one", "two"}, seen, "what cannot be looked up leaves all as it is")
	}, providing(t, v))
	seen = nil
	splitScripted(t, split, func(t *testing.T, b *splitScriptBed) {
		b.apply(stores.Started, "password", "${vault:other}", "config.action.reload", "none")
		v.put("other", "two")
		b.pass(time.Hour)
		require.Equal(t, []string{"one"}, seen)
	}, providing(t, &vault{ttl: time.Minute, values: map[string]string{"other": "one"}}))
}

func TestAConnectorWhoseSplitFailsIsRestartedWhereThatIsAskedFor(t *testing.T) {
	t.Parallel()
	failures := 3
	split := &splitScript{split: func(context.Context, connect.Config, int) ([]connect.Config, error) {
		if failures--; failures >= 0 {
			return nil, errSinkScript
		}
		return oneSplitTask("a"), nil
	}}
	splitScripted(t, split, func(t *testing.T, b *splitScriptBed) {
		b.apply(stores.Started, "sluice.restart.policy", "on-failure")
		b.shows(Failed, "FAILED, next restart at ", "(attempt 1): ", "the system says no")
		b.pass(time.Second)
		b.shows(Failed, "(attempt 2): ")
		b.apply(stores.Paused, "sluice.restart.policy", "on-failure")
		b.shows(Failed, "the system says no")
		require.NotContains(t, b.statuses.last("c").trace, "restart at")
		b.apply(stores.Started, "sluice.restart.policy", "on-failure")
		b.shows(Failed, "(attempt 1): ")
		b.pass(time.Second)
		b.shows(Failed, "(attempt 2): ")
		b.pass(2 * time.Second)
		b.shows(Running)
		require.Len(t, b.planned(), 1)
	})
}

func TestASourceThatFailsThreeTimesIsRunningAgainAndNothingIsLost(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"}, func(set *Settings) {
		set.Properties["sluice.restart.policy"], set.Properties["sluice.restart.initial.delay.ms"] = "on-failure", "10"
	})
	n := &numbers{topic: "t", last: 1000, batch: 10}
	what, failures := n.script(), 0
	what.poll = func(ctx context.Context, b *connect.Batch) error {
		if failures < 3 && n.taken() >= int64(300*(failures+1)) {
			failures++
			return errors.New("boom")
		}
		return n.poll(ctx, b)
	}
	id := s.start("flow", what, nil)
	s.eventually("everything is stored", func() bool { return s.stored(id, n) == n.last })
	s.shows(id, Running, "")
	require.Equal(t, 3, failures)
	seen := map[string]bool{}
	for _, value := range s.values("t") {
		seen[value] = true
	}
	for _, value := range numbersUpTo(n.last) {
		require.Contains(t, seen, value)
	}
	var failed, restarting int
	for _, one := range s.statuses.history(id) {
		switch one.state {
		case Failed:
			failed++
			assert.Regexp(t, `^FAILED, next restart at \S+ \(attempt [123]\): boom$`, one.trace)
		case Restarting:
			restarting++
		}
	}
	assert.Equal(t, []int{3, 3}, []int{failed, restarting})
}
