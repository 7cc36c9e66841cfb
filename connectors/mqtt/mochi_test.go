package mqtt

import (
	"fmt"
	"testing"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"
	mochipackets "github.com/mochi-mqtt/server/v2/packets"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect/embedded"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// startBroker runs the embedded broker, which lets everybody in, and returns its host:port.
func startBroker(t *testing.T) string {
	t.Helper()
	broker, err := embedded.StartMQTT(t.Context(), embedded.MQTTConfig{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = broker.Close() })
	return broker.Addr()
}

// lenient lets everybody in.
var lenient = &auth.Ledger{
	Auth: auth.AuthRules{{Allow: true}},
	ACL:  auth.ACLRules{{Filters: auth.Filters{"#": auth.ReadWrite}}},
}

// strictBroker runs a broker with rules for who may do what and returns its host:port.
func strictBroker(t *testing.T, rules *auth.Ledger) string {
	t.Helper()
	_, addr := runMochi(t, rules)
	return addr
}

func runMochi(t *testing.T, rules *auth.Ledger) (*mochi.Server, string) {
	t.Helper()
	addr := fmt.Sprintf("127.0.0.1:%d", testbed.FreePort(t))
	return serveMochi(t, listeners.NewTCP(listeners.Config{ID: "t", Address: addr}), rules), addr
}

// serveMochi runs mochi itself where a test needs more of it than the embedded broker shows.
func serveMochi(t *testing.T, listener listeners.Listener, rules *auth.Ledger) *mochi.Server {
	t.Helper()
	server := mochi.New(&mochi.Options{Logger: quiet})
	require.NoError(t, server.AddHook(new(auth.Hook), &auth.Options{Ledger: rules}))
	require.NoError(t, server.AddHook(new(tame), nil))
	require.NoError(t, server.AddListener(listener))
	require.NoError(t, server.Serve())
	t.Cleanup(func() { _ = server.Close() })
	return server
}

// tame keeps mochi from what it does wrong: from topic aliases, which it would send again, unacknowledged, on a connection
// that does not know them; and from counting a client's Receive Maximum, in which it read-locks one mutex twice and stands
// still for ever when a publisher wants to write in between. So nothing may be sent through it that exceeds that maximum.
type tame struct{ mochi.HookBase }

func (*tame) Provides(b byte) bool { return b == mochi.OnConnect }

func (*tame) OnConnect(cl *mochi.Client, _ mochipackets.Packet) error {
	cl.Properties.Props.TopicAliasMaximum = 0
	cl.State.Inflight.ResetSendQuota(0)
	return nil
}
