package mqtt

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/connecttest"
	"github.com/sluice-connect/sluice/internal/testbed"
)

func TestADeletedConnectorsSessionsEnd(t *testing.T) {
	broker := testbed.StartMosquitto(t)
	eachVersion(t, func(t *testing.T, version string) {
		for policy, ended := range map[string]bool{"": true, "end": true, "keep": false} {
			id := fmt.Sprintf("removed-%s-%s", version, policy)
			cfg := sourceConfig(broker.URL(), id+"/1,"+id+"/2", "mqtt.protocol.version", version, "mqtt.client.id", id, "tasks.max", "2")
			if policy != "" {
				cfg["mqtt.session.delete.policy"] = policy
			}
			src := connecttest.StartSource(t, Source{}, cfg)
			src.AwaitHealthy()
			src.Stop()
			leaveSession(t, broker.Addr(), id+"-3", id+"/3") // of a time with more tasks
			leaveSession(t, broker.Addr(), id+"-4", id+"/4") // somebody else's
			before := []connect.SourceOffset{{Offset: lastRun(4, id+"/3")}, {}}
			require.NoError(t, Source{}.Remove(t.Context(), connect.Removal{Config: cfg, Offsets: before, Log: quiet}))
			for n, want := range map[string]bool{"-0": !ended, "-3": !ended, "-4": true} {
				assert.Equal(t, want, leaveSession(t, broker.Addr(), id+n), "session %s", id+n)
			}
		}
	})
}

func TestSessionsThatCannotBeEndedAreNamed(t *testing.T) {
	cfg := sourceConfig(fmt.Sprintf("tcp://127.0.0.1:%d", testbed.FreePort(t)), "a,b", "mqtt.client.id", "id", "tasks.max", "5")
	err := Source{}.Remove(t.Context(), connect.Removal{Config: cfg, Log: quiet})
	require.ErrorContains(t, err, "ending the MQTT sessions of client ids id-0, id-1: ")
	assert.ErrorContains(t, err, "connection refused")
	cfg["mqtt.clean.session.enabled"] = "true"
	assert.NoError(t, Source{}.Remove(t.Context(), connect.Removal{Config: cfg, Log: quiet}), "there are none")
}
