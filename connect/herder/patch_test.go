package herder

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAPatchChangesRemovesAndAddsKeys(t *testing.T) {
	atDesk(t, slog.New(slog.DiscardHandler), func(t *testing.T, d *desk) {
		created, err := d.PatchConfig(t.Context(), "a", map[string]*string{"topic": new("t"), "secret": new("x")})
		require.NoError(t, err)
		require.False(t, created.New)
		_, err = d.PatchConfig(t.Context(), "a", map[string]*string{"topic": new("u"), "secret": nil, "nothing": nil})
		require.NoError(t, err)
		want := scriptedConfig("a")
		want["topic"] = "u"
		require.Equal(t, want, d.configs.Snapshot().Connector("a"))
		_, err = d.PatchConfig(t.Context(), "nobody", nil)
		require.EqualError(t, err, "Connector nobody not found")
	})
}

func TestNoneOfManyPatchesAtOnceIsLost(t *testing.T) {
	atDesk(t, slog.New(slog.DiscardHandler), func(t *testing.T, d *desk) {
		// All of them have merged before the first one writes.
		begin := make(chan struct{})
		go func() {
			assert.NoError(t, d.inscribe(t.Context(), func(context.Context) error { <-begin; return nil }))
		}()
		var patches sync.WaitGroup
		for n := range 20 {
			patches.Go(func() {
				_, err := d.PatchConfig(t.Context(), "a", map[string]*string{"producer.override.x" + strconv.Itoa(n): new("1")})
				assert.NoError(t, err)
			})
		}
		synctest.Wait()
		close(begin)
		patches.Wait()
		require.Len(t, d.configs.Snapshot().Connector("a"), len(scriptedConfig("a"))+20)
	})
}

func TestAPatchOfWhatIsDeletedMeanwhileDoesNotBringItBack(t *testing.T) {
	atDesk(t, slog.New(slog.DiscardHandler), func(t *testing.T, d *desk) {
		begin := make(chan struct{})
		go func() {
			assert.NoError(t, d.inscribe(t.Context(), func(ctx context.Context) error {
				<-begin
				return d.configs.RemoveConnector(ctx, "a")
			}))
		}()
		synctest.Wait()
		answer := make(chan error, 1)
		go func() {
			_, err := d.PatchConfig(t.Context(), "a", map[string]*string{"topic": new("t")})
			answer <- err
		}()
		synctest.Wait()
		close(begin)
		require.EqualError(t, <-answer, "Connector a not found")
		require.False(t, d.configs.Snapshot().Contains("a"))
	})
}
