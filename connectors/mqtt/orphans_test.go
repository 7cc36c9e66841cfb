package mqtt

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"

	packets3 "github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/connecttest"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// leaveSession connects with a client id as MQTT 3.1.1 does, subscribes filters, and leaves; the broker keeps the session. It reports whether there was
// one before.
func leaveSession(t *testing.T, addr, id string, filters ...string) bool {
	t.Helper()
	socket, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer socket.Close()
	hello := packets3.NewControlPacket(packets3.Connect).(*packets3.ConnectPacket)
	hello.ProtocolName, hello.ProtocolVersion, hello.ClientIdentifier = "MQTT", 4, id
	require.NoError(t, hello.Write(socket))
	ack, err := packets3.ReadPacket(socket)
	require.NoError(t, err)
	if len(filters) > 0 {
		s := packets3.NewControlPacket(packets3.Subscribe).(*packets3.SubscribePacket)
		s.MessageID, s.Topics, s.Qoss = 1, filters, slices.Repeat([]byte{1}, len(filters))
		require.NoError(t, s.Write(socket))
		_, err = packets3.ReadPacket(socket)
		require.NoError(t, err)
	}
	require.NoError(t, packets3.NewControlPacket(packets3.Disconnect).Write(socket))
	return ack.(*packets3.ConnackPacket).SessionPresent
}

// lastRun is the offset of a task with these filters among so many tasks.
func lastRun(tasks int64, filters string) connect.Offset {
	return connect.NewOffset(connect.Attr{Name: "filters", Value: connect.String(filters)}, connect.Attr{Name: "tasks", Value: connect.Int64(tasks)})
}

func TestSessionsOfTasksThatAreNoMoreAreReadEmptyAndEnded(t *testing.T) {
	server, broker := runMochi(t, nil)
	for policy, drained := range map[string]bool{"drain": true, "end": false, "ignore": false} {
		t.Run(policy, func(t *testing.T) {
			id := "orphan-" + policy
			leaveSession(t, broker, id+"-1", policy+"/moved/+")
			leaveSession(t, broker, id+"-2", policy+"/gone/+")
			d := newDevice(t, broker, "device-"+policy)
			d.publishMany(policy+"/moved/1", 1, 0, 50)
			src := connecttest.StartSource(t, Source{}, sourceConfig("tcp://"+broker, policy+"/s/+", "mqtt.client.id", id,
				"mqtt.orphan.session.policy", policy, "mqtt.orphan.drain.idle.ms", "1000"),
				connecttest.Stored(lastRun(3, policy+"/s/+"), "client.id", id+"-0"),
				connecttest.Stored(lastRun(3, policy+"/moved/+"), "client.id", id+"-1"),
				connecttest.Stored(lastRun(3, policy+"/gone/+"), "client.id", id+"-2"))
			src.AwaitHealthy()
			if drained {
				got := src.Take(50)
				assert.ElementsMatch(t, numbers(0, 50), values(got)) // this broker keeps no order across connections
				assert.Equal(t, id+"-1", got[0].Source.Get("client.id").Str(), "its offset stays its own")
			}
			if policy != "ignore" {
				testbed.Await(t, patience, "the sessions to end", func(context.Context) error {
					for _, n := range []string{"-1", "-2"} {
						if _, ok := server.Clients.Get(id + n); ok {
							return fmt.Errorf("there is that of %s", id+n)
						}
					}
					return nil
				})
			}
			d.publish(policy+"/s/1", 1, "own")
			assert.Equal(t, []string{"own"}, values(src.Take(1)))
			assert.Equal(t, policy == "ignore", leaveSession(t, broker, id+"-1"))
		})
	}
}

func TestTheFirstTaskLooksForOrphansAndTheOthersDoNot(t *testing.T) {
	cfg := connect.Config{"name": "c", "mqtt.topics": "a,b,c,d,e,f,g,h", "mqtt.server.uri": "tcp://x", "kafka.topic": "t"}
	stored := map[int]connect.Offset{0: lastRun(5, "a"), 2: lastRun(5, "b"), 4: lastRun(5, "c")}
	of := func(n int) (*connect.Partition, connect.Offset, error) { return nil, stored[n], nil }
	configs, err := Source{}.Split(t.Context(), cfg, 2)
	require.NoError(t, err)
	require.Len(t, configs, 2)
	found, err := findOrphans(t.Context(), newBareContext(configs[0]), configs[0], of)
	require.NoError(t, err)
	assert.Equal(t, []int{2, 4}, found)
	found, err = findOrphans(t.Context(), newBareContext(configs[1]), configs[1], of)
	require.NoError(t, err)
	assert.Empty(t, found)
	_, err = findOrphans(t.Context(), newBareContext(configs[0]), configs[0], func(int) (*connect.Partition, connect.Offset, error) {
		return nil, connect.Offset{}, errors.New("away")
	})
	assert.Error(t, err)
}

func TestAFilterThatHasMovedStaysUntilItsOtherTaskHasIt(t *testing.T) {
	all := connect.Config{"mqtt.topics": "a", "sluice.mqtt.topics": "a,b", "mqtt.orphan.drain.idle.ms": "1000"}
	s := newSubscriptions(all, []string{"a"}, lastRun(2, "a,b,gone"))
	assert.Equal(t, []string{"gone"}, s.stale)
	assert.Equal(t, []string{"b"}, s.moved)
	assert.True(t, s.changed)
	assert.False(t, newSubscriptions(all, []string{"a"}, lastRun(2, "a")).changed)
}

func TestSharedTasksAllHaveAllFilters(t *testing.T) {
	configs, err := Source{}.Split(t.Context(), connect.Config{"name": "c", "mqtt.topics": "a/#,b", "mqtt.task.assignment": "shared"}, 3)
	require.NoError(t, err)
	require.Len(t, configs, 3)
	for _, c := range configs {
		assert.Equal(t, []string{"$share/c/a/#", "$share/c/b"}, mqttTopics.Get(c))
	}
}
