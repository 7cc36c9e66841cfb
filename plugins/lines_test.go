package plugins

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/sluice-connect/sluice/plugins/contract"
)

func TestLinesBeyondTheBoundAreDroppedAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent []*contract.LogLine
		log := slog.New(&handler{lines: &lines{send: func(l *contract.LogLine) { sent = append(sent, l) }}})
		for range linesASecond + 50 {
			log.Info("line")
		}
		log.Debug("details have a bound of their own")
		assert.Len(t, sent, linesASecond+1)
		time.Sleep(time.Second)
		log.Info("the next")
		assert.Len(t, sent, linesASecond+3)
		assert.Equal(t, "50 lines of log were dropped: a task may write 200 a second", sent[linesASecond+1].GetText())
		assert.Equal(t, contract.LogLine_WARN, sent[linesASecond+1].GetLevel())
		assert.Equal(t, "the next", sent[linesASecond+2].GetText())
	})
}

func TestALineKeepsItsAttributesAndGroups(t *testing.T) {
	var sent *contract.LogLine
	log := slog.New(&handler{lines: &lines{send: func(l *contract.LogLine) { sent = l }}})
	log.With("a", 1).WithGroup("g").With("b", true).Log(context.Background(), slog.LevelWarn+1, "text",
		slog.Group("h", "c", time.Second, "d", "x"), slog.Group("", "e", 2), slog.Attr{})
	assert.Equal(t, contract.LogLine_WARN, sent.GetLevel())
	got := map[string]string{}
	for _, a := range sent.GetAttrs() {
		got[a.GetKey()] = a.GetValue()
	}
	assert.Equal(t, map[string]string{"a": "1", "g.b": "true", "g.h.c": "1s", "g.h.d": "x", "g.e": "2"}, got)
}
