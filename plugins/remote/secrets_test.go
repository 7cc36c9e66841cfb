package remote

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/connecttest"
	"github.com/sluice-connect/sluice/connect/redaction"
)

// Whatever the plugin is told of a configuration, its process is known to have its secrets by then: what its PASSWORD keys hold, and what was looked up.
func TestSecretsAreHiddenOfAPluginThatIsToldThem(t *testing.T) {
	plugin := run(t)
	source := plugin.source("test.ScriptedSource")
	cfg := connect.Config{"pass": "open sesame", "notes": "looked up", "how": "seen by all"}
	for name, tell := range map[string]func(ctx context.Context) error{
		"validate":  func(ctx context.Context) error { source.(connect.Validator).Validate(ctx, cfg); return nil },
		"recommend": func(context.Context) error { source.Spec().Keys[1].Recommend.Values("notes", cfg); return nil },
		"split": func(ctx context.Context) error {
			_, err := source.(connect.Splitter).Split(ctx, cfg, 1)
			return err
		},
		"guarantees": func(context.Context) error { source.(connect.ExactlyOnceSource).ExactlyOnce(cfg); return nil },
		"alter": func(ctx context.Context) error {
			return source.(connect.SourceOffsetAlterer).AlterOffsets(ctx, cfg, nil)
		},
		"watch": func(ctx context.Context) error {
			ctx, cancel := context.WithCancel(ctx)
			return source.(connect.Watcher).Watch(ctx, cfg, cancel)
		},
		"open": func(ctx context.Context) error {
			o := opened{source, ctx, make(chan struct{})}
			connecttest.StartSource(t, o, cfg)
			<-o.done
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			plugin.hides()
			require.NoError(t, tell(redaction.Of("looked up").Context(t.Context())))
			hidden := plugin.hides()
			assert.Contains(t, hidden, "open sesame")
			assert.NotContains(t, hidden, "seen by all")
			if name != "recommend" && name != "guarantees" { // which nobody tells what was looked up
				assert.Contains(t, hidden, "looked up")
			}
		})
	}
}

// opened is a source whose tasks are opened by a call that is told something.
type opened struct {
	connect.SourceConnector
	told context.Context
	done chan struct{}
}

func (o opened) Open(ctx context.Context, rt connect.SourceContext) (connect.SourceTask, error) {
	defer close(o.done)
	return o.SourceConnector.Open(redaction.From(o.told).Context(ctx), rt)
}
