package mqtt

import (
	"context"
	"errors"
	"fmt"
	"maps"
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
	server, broker := runMochi(t, lenient)
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
}

func TestSharedTasksAllHaveAllFilters(t *testing.T) {
	configs, err := Source{}.Split(t.Context(), connect.Config{"name": "c", "mqtt.topics": "a/#,b", "mqtt.task.assignment": "shared"}, 3)
	require.NoError(t, err)
	require.Len(t, configs, 3)
	for _, c := range configs {
		assert.Equal(t, []string{"$share/c/a/#", "$share/c/b"}, mqttTopics.Get(c))
	}
}

// divided is a runtime with stored offsets, by client id.
type divided struct {
	*bareContext
	stored map[string]connect.Offset
}

func (d divided) Offset(_ context.Context, p *connect.Partition) (connect.Offset, error) {
	return d.stored[p.Get("client.id").Str()], nil
}

func TestAFilterThatHasMovedIsLeftWhenItsOtherTaskHasSubscribedIt(t *testing.T) {
	server, broker := runMochi(t, lenient)
	cfg := sourceConfig("tcp://"+broker, "moved/1,moved/2,moved/3,moved/4,moved/5", "mqtt.client.id", "moved", "mqtt.orphan.drain.idle.ms", "3600000",
		"kafka.topic", "t", "kafka.key", "${filter}")
	configs, err := Source{}.Split(t.Context(), cfg, 2)
	require.NoError(t, err)
	require.Len(t, configs, 2)
	mine, others := mqttTopics.Get(configs[0]), mqttTopics.Get(configs[1])
	all := slices.Concat(mine, others)
	leaveSession(t, broker, "moved-0", all...)
	leaveSession(t, broker, "moved-2", others[0], "gone")
	stored := map[string]connect.Offset{"moved-0": lastRun(3, joinList(all)), "moved-2": lastRun(3, others[0]+",gone")}
	open := func(n int) *sourceTask {
		rt := divided{newBareContext(configs[n]), stored}
		task, err := Source{}.Open(t.Context(), rt)
		require.NoError(t, err)
		t.Cleanup(func() { _ = task.Close(context.Background()) })
		<-rt.healthy
		return task.(*sourceTask)
	}
	takes := func(task *sourceTask, n int) (got []connect.SourceRecord) {
		for len(got) < n {
			batch := connect.NewBatch(10, 1<<20)
			require.NoError(t, task.Poll(t.Context(), batch))
			for _, r := range batch.Records() {
				require.NoError(t, task.Ack(t.Context(), []connect.Receipt{{Tag: r.Tag, Source: r.Source}}))
			}
			got = append(got, slices.DeleteFunc(slices.Clone(batch.Records()), func(r connect.SourceRecord) bool { return r.Advances() })...)
		}
		require.Len(t, got, n)
		return got
	}
	filtersOf := func(id string) []string {
		c, ok := server.Clients.Get(id)
		if !ok {
			return nil
		}
		return slices.Sorted(maps.Keys(c.State.Subscriptions.GetAll()))
	}

	first := open(0)
	d := newDevice(t, broker, "device")
	d.publish(others[0], 1, "x")
	for _, got := range takes(first, 2) { // its own session has it, and that of task 2, which is no more
		assert.Equal(t, others[0], got.Key.Str(), "${filter} is known of messages that an earlier filter brings")
		if got.Source.Get("client.id").Str() == "moved-0" {
			assert.ElementsMatch(t, all, splitList(got.Offset.Get("filters").Str()), "a next run must know what the session has")
		}
	}
	assert.Len(t, filtersOf("moved-0"), len(all))

	second := open(1)
	testbed.Await(t, patience, "the moved filters to be left", func(context.Context) error {
		if have := filtersOf("moved-0"); !slices.Equal(have, slices.Sorted(slices.Values(mine))) {
			return fmt.Errorf("the first task has %v", have)
		}
		if have := filtersOf("moved-2"); len(have) > 0 {
			return fmt.Errorf("the session of the task that is no more has %v", have)
		}
		return nil
	})
	d.publish(others[0], 1, "y")
	assert.Equal(t, "moved-1", takes(second, 1)[0].Source.Get("client.id").Str())
	d.publish(mine[0], 1, "z")
	last := takes(first, 1)[0]
	assert.Equal(t, []string{"moved-0", "z"}, []string{last.Source.Get("client.id").Str(), string(last.Value.Bytes())}, "and nothing else came there")
	testbed.Await(t, patience, "its offsets to say so", func(context.Context) error {
		if first.subscriber.laden.Load() {
			return errors.New("not yet")
		}
		return nil
	})
	d.publish(mine[0], 1, "z")
	assert.ElementsMatch(t, mine, splitList(takes(first, 1)[0].Offset.Get("filters").Str()))
}
