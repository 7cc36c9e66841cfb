package remote

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connectors/file"
	"github.com/sluice-connect/sluice/plugins/contract"
	"github.com/sluice-connect/sluice/plugins/wire"
)

func TestASpecIsTheAuthorsOwn(t *testing.T) {
	spec := run(t).source("test.ScriptedSource").Spec()
	own := scriptedSource{}.Spec()
	assert.Equal(t, own.Class, spec.Class)
	assert.Equal(t, own.Version, spec.Version)
	require.Len(t, spec.Keys, len(own.Keys))
	for i := range own.Keys {
		mine, theirs := own.Keys[i], spec.Keys[i]
		assert.Equal(t, mine.Check == nil, theirs.Check == nil, mine.Name)
		assert.Equal(t, mine.Recommend == nil, theirs.Recommend == nil, mine.Name)
		mine.Check, theirs.Check, mine.Recommend, theirs.Recommend = nil, nil, nil, nil
		assert.Equal(t, mine, theirs)
	}
}

func TestValidationIsTheSameOnBothSides(t *testing.T) {
	there, here := run(t).source("test.ScriptedSource").Spec().Keys, scriptedSource{}.Spec().Keys
	for _, cfg := range []connect.Config{
		{}, {"how": "bad"}, {"how": "verbatim"}, {"how": "panic-check"}, {"how": "hidden"}, {"list": "a,b"}, {"list": "a,c"}, {"how": "fine", "notes": "x"},
	} {
		want, got := here.Validate(cfg, "notes"), there.Validate(cfg, "notes")
		for i := range want {
			want[i].Def, got[i].Def = connect.KeyDef{}, connect.KeyDef{}
		}
		assert.Equal(t, want, got, "%v", cfg)
		want, got = here.Embed("some.", "group", 0).Validate(prefixed(cfg)), there.Embed("some.", "group", 0).Validate(prefixed(cfg))
		for i := range want {
			want[i].Def, got[i].Def = connect.KeyDef{}, connect.KeyDef{}
		}
		assert.Equal(t, want, got, "embedded: %v", cfg)
	}
}

func prefixed(cfg connect.Config) connect.Config {
	out := connect.Config{}
	for k, v := range cfg {
		out["some."+k] = v
	}
	return out
}

func TestTheAbilitiesOfASource(t *testing.T) {
	c := run(t).source("test.ScriptedSource")
	ctx := context.Background()
	tasks, err := c.(connect.Splitter).Split(ctx, connect.Config{}, 3)
	require.NoError(t, err)
	assert.Equal(t, []connect.Config{{"part": "0"}, {"part": "1"}, {"part": "2"}}, tasks)
	again := new(connect.RetryError)
	_, err = c.(connect.Splitter).Split(ctx, connect.Config{"how": "split-retry"}, 3)
	require.ErrorAs(t, err, &again)
	assert.Equal(t, 3*time.Second, again.After)
	_, err = c.(connect.Splitter).Split(ctx, connect.Config{"how": "split-panic"}, 3)
	require.ErrorContains(t, err, "panic in Split: in Split\n")
	broke := new(ContractError)
	_, err = c.(connect.Splitter).Split(ctx, connect.Config{"how": "split-wide"}, 3)
	require.ErrorAs(t, err, &broke)
	assert.ErrorContains(t, err, "5 tasks, of 3 that are allowed")

	problems := c.(connect.Validator).Validate(ctx, connect.Config{"how": "hello"})
	assert.Equal(t, []connect.Problem{{Key: "how", Message: "you said hello", Warning: true}}, problems)

	exact := c.(connect.ExactlyOnceSource)
	assert.True(t, exact.ExactlyOnce(connect.Config{"how": "exact"}))
	assert.False(t, exact.ExactlyOnce(nil))
	assert.True(t, c.(connect.TransactionDefiner).DefinesTransactions(connect.Config{"how": "defines"}))

	var ps connect.Partitions
	p := ps.Intern(connect.Attr{Name: "id", Value: connect.Int64(7)})
	alter := c.(connect.SourceOffsetAlterer).AlterOffsets
	require.NoError(t, alter(ctx, nil, []connect.SourceOffset{{Partition: p, Offset: connect.At("n", 4)}}))
	require.EqualError(t, alter(ctx, nil, []connect.SourceOffset{{Partition: p}}), "{id=7} must not be forgotten")
	require.ErrorIs(t, alter(ctx, nil, []connect.SourceOffset{{Offset: connect.At("n", 4)}}), errors.ErrUnsupported)
}

func TestAWatchCallsAndEndsWithItsContext(t *testing.T) {
	c := run(t).source("test.ScriptedSource").(connect.Watcher)
	ctx, cancel := context.WithCancel(context.Background())
	called := 0
	require.NoError(t, within(t, patience, func() error {
		return c.Watch(ctx, nil, func() {
			if called++; called == 2 {
				cancel()
			}
		})
	}))
	assert.Equal(t, 2, called)
	err := within(t, patience, func() error { return c.Watch(context.Background(), connect.Config{"how": "watch-fails"}, func() {}) })
	require.ErrorContains(t, err, "the view is bad")
}

func TestTheAbilitiesOfASink(t *testing.T) {
	r := run(t)
	c := r.sink("test.ScriptedSink")
	tasks, err := c.(connect.Splitter).Split(context.Background(), connect.Config{"a": "b"}, 2)
	require.NoError(t, err)
	assert.Equal(t, []connect.Config{{"a": "b"}, {"a": "b"}}, tasks, "as a sink that does not split its work")
	alter := c.(connect.SinkOffsetAlterer).AlterOffsets
	require.NoError(t, alter(context.Background(), nil, connect.Offsets{tp0: 5}))
	require.EqualError(t, alter(context.Background(), nil, connect.Offsets{tp0: connect.NoOffset}), "t-0 stays")

	_, alters := (&hostile{}).serve(t).Sinks[0].(connect.SinkOffsetAlterer)
	assert.False(t, alters, "what a class does not have is not there")
	tasks, err = r.source(file.Source{}.Spec().Class).(connect.Splitter).Split(context.Background(), connect.Config{"a": "b"}, 2)
	require.NoError(t, err)
	assert.Len(t, tasks, 1)
}

// unstartable has no process.
type unstartable struct{}

func (unstartable) Control(context.Context) (Process, error) {
	return nil, &fs.PathError{Op: "exec", Path: "/no/such/plugin", Err: os.ErrNotExist}
}

func (u unstartable) Task(ctx context.Context, _ string, _ int) (Process, func(), error) {
	_, err := u.Control(ctx)
	return nil, nil, err
}

func TestAPluginThatCannotBeStartedFailsItsChecksWithTheReason(t *testing.T) {
	class := wire.FromSpec(scriptedSource{}.Spec())
	class.Type, class.Abilities = contract.Class_SOURCE, []contract.Ability{contract.Ability_VALIDATES}
	d := &contract.Description{Name: "tested", Classes: []*contract.Class{class}}
	c := Classes(d, unstartable{}, slog.New(slog.DiscardHandler)).Sources[0]
	report := c.Spec().Keys.Validate(connect.Config{"how": "x"})[0]
	require.Len(t, report.Errors, 1)
	assert.Contains(t, report.Errors[0], "plugin tested cannot be asked: exec /no/such/plugin")
	problems := c.(connect.Validator).Validate(context.Background(), nil)
	require.Len(t, problems, 1)
	assert.Contains(t, problems[0].Message, "exec /no/such/plugin")
	rt := newRuntime(t, nil)
	_, err := c.Open(rt.stopped, rt)
	require.ErrorIs(t, err, os.ErrNotExist)
}
