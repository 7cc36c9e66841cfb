package ledger

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/testbed"
)

// turbulence is a river with everything in reach that can go wrong.
type turbulence struct {
	*river
	kafkaNode *testbed.Kafka
	link      *testbed.Proxy // of the worker to mosquitto
	changes   int
}

// faults are what befalls a river, by name. Those of mosquitto itself wait until nobody publishes: it acknowledges before it writes.
var faults = map[string]func(f *turbulence, random *rand.Rand){
	"worker killed": func(f *turbulence, _ *rand.Rand) {
		f.worker.Kill()
		f.worker.Relaunch()
		f.worker.WaitReady()
	},
	"worker frozen": func(f *turbulence, random *rand.Rand) {
		f.worker.Freeze()
		<-time.After(time.Duration(1+random.IntN(4)) * time.Second)
		f.worker.Thaw()
	},
	"Kafka killed": func(f *turbulence, random *rand.Rand) {
		f.kafkaNode.Kill()
		<-time.After(time.Duration(random.IntN(5)) * time.Second)
		f.kafkaNode.Relaunch()
		f.kafkaNode.WaitReady()
	},
	"mosquitto killed": func(f *turbulence, _ *rand.Rand) {
		f.mosquitto.KillSafely(f.link)
		f.mosquitto.Restart()
		f.link.Accept()
	},
	"link cut": func(f *turbulence, _ *rand.Rand) { f.link.Cut() },
	"restarted by REST": func(f *turbulence, _ *rand.Rand) {
		f.ask("POST", "/restart?includeTasks=true", nil)
	},
	"configuration changed": func(f *turbulence, _ *rand.Rand) {
		f.changes++
		f.config["mqtt.receive.maximum"] = fmt.Sprint(window - f.changes)
		require.NoError(f.t, f.worker.Put(f.t.Context(), f.connector, f.config))
	},
}

// shuffled is so many names of faults in random order, each about as often as the others.
func shuffled[F any](faults map[string]F, n int, random *rand.Rand) []string {
	var names []string
	for len(names) < n {
		round := slices.Sorted(maps.Keys(faults))
		random.Shuffle(len(round), func(i, j int) { round[i], round[j] = round[j], round[i] })
		names = append(names, round...)
	}
	names = names[:n]
	random.Shuffle(n, func(i, j int) { names[i], names[j] = names[j], names[i] })
	return names
}

// befall lets so many faults, each kind at least once where there are enough, befall a river that flows, and returns what came of it.
func befall(t *testing.T, n int, qos byte, version string) Verdict {
	t.Helper()
	random := Dice(t)
	f := &turbulence{kafkaNode: testbed.StartKafka(t)}
	f.river = startRiver(t, f.kafkaNode.Addr(), qos, func(r *river, config map[string]string) {
		f.link = testbed.StartProxy(t, r.mosquitto.Addr())
		config["mqtt.server.uri"], config["mqtt.protocol.version"] = "tcp://"+f.link.Addr(), version
		config["mqtt.reconnect.backoff.ms"], config["mqtt.reconnect.backoff.max.ms"] = "100", "500"
	})
	told := &chronicle{logs: []func() string{f.worker.Log, f.mosquitto.Log}, came: map[Message]time.Time{}}
	f.take = append(f.take, told.enter)
	defer told.tell(t)
	for _, name := range shuffled(faults, n, random) {
		published := f.publish(4000 + random.IntN(4000))
		if name == "mosquitto killed" {
			published()
			published = func() {}
		}
		told.begin(name)
		faults[name](f, random)
		published()
		f.worker.AwaitFlowing(f.connector)
		require.NoError(t, f.readKafka(t.Context()))
		t.Logf("%s, %d duplicates so far", name, f.fleet.Ledger.Judge().Duplicates)
	}
	v := f.settle()
	assert.Empty(t, v.Missing)
	assert.Empty(t, v.Disordered)
	return v
}

func TestNothingIsLostWhateverBefalls(t *testing.T) {
	needsProcesses(t)
	for i, version := range versions {
		qos := byte(1 + i)
		t.Run(fmt.Sprintf("MQTT %s QoS %d", version, qos), func(t *testing.T) {
			v := befall(t, len(faults), qos, version)
			t.Logf("%d messages, %d faults, %d duplicates", v.Arrived, len(faults), v.Duplicates)
		})
	}
}
