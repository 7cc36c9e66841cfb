package herder

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/stores"
)

// removing is the scripted source with something to take back when it is deleted.
type removing struct {
	scripted
	told chan connect.Removal
	take func(ctx context.Context) error
}

func (r removing) Remove(ctx context.Context, gone connect.Removal) error {
	r.told <- gone
	return r.take(ctx)
}

// atFarewells is a desk whose source is a removing one.
func atFarewells(t *testing.T, take func(ctx context.Context) error, test func(t *testing.T, d *desk, told <-chan connect.Removal, log *bytes.Buffer)) {
	var log bytes.Buffer
	atDesk(t, slog.New(slog.NewTextHandler(&log, nil)), func(t *testing.T, d *desk) {
		told := make(chan connect.Removal, 10)
		var err error
		d.Catalog, err = catalog.New([]connect.SourceConnector{removing{told: told, take: take}}, nil)
		require.NoError(t, err)
		test(t, d, told, &log)
	})
}

// after lets time pass.
func after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func content(context.Context) error { return nil }

func TestAClassIsToldOfADeletedConnectorAndItsOffsets(t *testing.T) {
	atFarewells(t, content, func(t *testing.T, d *desk, told <-chan connect.Removal, _ *bytes.Buffer) {
		_, err := d.AlterOffsets(t.Context(), "s", parseOffsets(t, `[{"partition":{"p":"1"},"offset":{"n":7}}]`))
		require.NoError(t, err)
		require.NoError(t, d.Delete(t.Context(), "s"))
		after(farewellDelay - time.Second)
		require.Empty(t, told)
		after(2 * time.Second)
		require.Len(t, told, 1)
		gone := <-told
		assert.Equal(t, scriptedConfig("s"), gone.Config)
		require.Len(t, gone.Offsets, 1)
		assert.EqualValues(t, 7, gone.Offsets[0].Offset.Get("n").Int64())
		after(time.Hour)
		assert.Empty(t, told)
	})
}

func TestAClassIsNotToldOfWhatIsNoDeletion(t *testing.T) {
	restart := func(d *desk, ctx context.Context) error {
		_, err := d.Restart(ctx, "a", true, false)
		return err
	}
	for name, do := range map[string]func(d *desk, ctx context.Context) error{
		"stopped":   func(d *desk, ctx context.Context) error { return d.Stop(ctx, "a") },
		"paused":    func(d *desk, ctx context.Context) error { return d.Pause(ctx, "a") },
		"restarted": restart,
		"changed": func(d *desk, ctx context.Context) error {
			config := scriptedConfig("a")
			config["topic"] = "other"
			return d.configs.PutConnector(ctx, "a", config, nil)
		},
		"moved":        func(d *desk, ctx context.Context) error { d.post.leave(); return d.mind.Do(ctx, d.mind.Assigned) },
		"worker ended": func(d *desk, ctx context.Context) error { err := d.Delete(ctx, "a"); d.Close(ctx); return err },
		"made again": func(d *desk, ctx context.Context) error {
			if err := d.Delete(ctx, "a"); err != nil {
				return err
			}
			after(farewellDelay - time.Second)
			return d.configs.PutConnector(ctx, "a", scriptedConfig("a"), nil)
		},
		"made again at once": func(d *desk, ctx context.Context) error {
			return d.mind.Do(ctx, func() {
				_ = errors.Join(d.configs.RemoveConnector(ctx, "a"), d.configs.PutConnector(ctx, "a", scriptedConfig("a"), nil))
			})
		},
		"another's": func(d *desk, ctx context.Context) error {
			d.post.leave()
			if err := d.mind.Do(ctx, d.mind.Assigned); err != nil {
				return err
			}
			return d.Delete(ctx, "a")
		},
	} {
		t.Run(name, func(t *testing.T) {
			atFarewells(t, content, func(t *testing.T, d *desk, told <-chan connect.Removal, _ *bytes.Buffer) {
				require.NoError(t, do(d, t.Context()))
				after(time.Hour)
				assert.Empty(t, told)
			})
		})
	}
}

func TestAClassThatFailsToTakeBackIsLoggedAndHoldsNobodyUp(t *testing.T) {
	for want, take := range map[string]func(context.Context) error{
		"nobody home": func(context.Context) error { return errors.New("nobody home") },
		"panicked":    func(context.Context) error { panic("boom") },
		"has not returned: context deadline exceeded": func(ctx context.Context) error {
			<-ctx.Done()
			<-time.After(time.Hour)
			return nil
		},
	} {
		t.Run(want, func(t *testing.T) {
			atFarewells(t, take, func(t *testing.T, d *desk, told <-chan connect.Removal, log *bytes.Buffer) {
				require.NoError(t, d.Delete(t.Context(), "a"))
				after(farewellDelay + farewellTime + time.Second)
				require.Len(t, told, 1)
				assert.Contains(t, log.String(), "may still be there")
				assert.Contains(t, log.String(), want)
				require.NoError(t, d.configs.PutConnector(t.Context(), "a", scriptedConfig("a"), nil))
				synctest.Wait()
				target, _ := d.configs.Snapshot().Target("a")
				assert.Equal(t, stores.Started, target)
				after(2 * time.Hour)
			})
		})
	}
}

func TestAConnectorThatIsMadeAgainEndsWhatItsDeletionHasBegun(t *testing.T) {
	var ended error
	take := func(ctx context.Context) error {
		<-ctx.Done()
		ended = ctx.Err()
		return ended
	}
	atFarewells(t, take, func(t *testing.T, d *desk, told <-chan connect.Removal, _ *bytes.Buffer) {
		require.NoError(t, d.Delete(t.Context(), "a"))
		after(farewellDelay + time.Second)
		require.Len(t, told, 1)
		require.NoError(t, ended)
		require.NoError(t, d.configs.PutConnector(t.Context(), "a", scriptedConfig("a"), nil))
		synctest.Wait()
		assert.ErrorIs(t, ended, context.Canceled)
	})
}
