package herder

import (
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/stores"
)

// What was over when this worker looked has happened all the same.
func TestAConnectorThatWasGoneForAMomentBeginsAnew(t *testing.T) {
	atDesk(t, slog.New(slog.DiscardHandler), func(t *testing.T, d *desk) {
		before := d.hand.given()
		require.Len(t, before.Tasks, 2)
		atOnce := func(all ...func() error) {
			t.Helper()
			require.NoError(t, d.mind.Do(t.Context(), func() {
				for _, do := range all {
					require.NoError(t, do())
				}
			}))
			synctest.Wait()
		}
		target := func(s stores.TargetState) func() error {
			return func() error { return d.configs.PutTargetState(t.Context(), "a", s) }
		}
		atOnce(target(stores.Stopped), target(stores.Started))
		stopped := d.hand.given()
		require.Equal(t, before.Connectors[0].Revision, stopped.Connectors[0].Revision)
		require.Equal(t, stores.Started, stopped.Connectors[0].Target)
		require.NotEqual(t, before.Connectors[0].Wishes, stopped.Connectors[0].Wishes, "it divides its work again")
		require.Equal(t, before.Tasks, stopped.Tasks)

		atOnce(
			func() error { return d.configs.RemoveConnector(t.Context(), "a") },
			func() error { return d.configs.PutConnector(t.Context(), "a", scriptedConfig("a"), nil) },
			func() error {
				return d.configs.PutTaskConfigs(t.Context(), "a", []connect.Config{{"task": "0"}, {"task": "1"}})
			},
		)
		deleted := d.hand.given()
		require.NotEqual(t, before.Connectors[0].Revision, deleted.Connectors[0].Revision)
		require.Len(t, deleted.Tasks, 2)
		for i := range deleted.Tasks {
			require.NotEqual(t, before.Tasks[i].Revision, deleted.Tasks[i].Revision)
		}
	})
}
