package logging

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLoggersOfARelayFollowItsTarget(t *testing.T) {
	var early, late bytes.Buffer
	relay := NewRelay(slog.NewTextHandler(&early, nil))
	log := slog.New(relay).With("a", 1).WithGroup("g")
	log.Info("one", "b", 2)
	relay.To(slog.NewTextHandler(&late, &slog.HandlerOptions{Level: slog.LevelWarn}))
	log.Info("two")
	log.Warn("three", "b", 3)
	require.Contains(t, early.String(), "msg=one a=1 g.b=2")
	require.NotContains(t, early.String(), "two")
	require.Contains(t, late.String(), "msg=three a=1 g.b=3")
	require.NotContains(t, late.String(), "two")
}
