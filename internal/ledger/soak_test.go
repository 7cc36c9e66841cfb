//go:build soak

package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/testbed"
)

func TestSoakNothingIsLostWhenAWorkerIsKilledAgainAndAgain(t *testing.T) {
	needsProcesses(t)
	const (
		kills = 30
		all   = 1_000_000
	)
	for qos := byte(1); qos <= 2; qos++ {
		t.Run(fmt.Sprintf("QoS %d", qos), func(t *testing.T) {
			random := Dice(t)
			r := startRiver(t, testbed.SharedKafka(t), qos, func(r *river, _ map[string]string) { r.fleet.Devices, r.fleet.Topics = 50, 1 })
			published := r.publish(all)
			for range kills {
				r.awaitFlow(1 + random.IntN(all/(2*kills)))
				r.killWorker(all)
			}
			published()
			v := r.settle()
			t.Logf("%d messages, %d kills, %d duplicates", v.Arrived, kills, v.Duplicates)
		})
	}
}

func TestSoakNothingIsLostWhenKafkaGoesAgainAndAgain(t *testing.T) {
	needsProcesses(t)
	const rounds = 5
	for name, end := range endings {
		t.Run(name, func(t *testing.T) {
			random := Dice(t)
			kafka := testbed.StartKafka(t)
			r := startRiver(t, kafka.Addr(), 1)
			for range rounds {
				published := r.publish(messages)
				r.awaitFlow(1 + random.IntN(messages/2))
				end(kafka)
				r.awaitRetrying()
				away := time.Duration(random.Int64N(int64(time.Minute)))
				t.Logf("away for another %v", away.Round(time.Millisecond))
				r.sitOut(away)
				published()
				kafka.Relaunch()
				kafka.WaitReady()
				r.worker.AwaitFlowing(r.connector)
			}
			peak := r.worker.Usage().Peak
			v := r.settle()
			assert.Less(t, peak, int64(mostMemory), "peak resident memory in bytes")
			t.Logf("%d messages, %d duplicates, peak %d MiB resident", v.Arrived, v.Duplicates, peak>>20)
		})
	}
}

func TestSoakNothingIsLostWhateverBefallsAgainAndAgain(t *testing.T) {
	needsProcesses(t)
	const n = 30
	eachGuarantee(t, func(t *testing.T, version string, qos byte) {
		v := befall(t, n, qos, version)
		t.Logf("%d messages, %d faults, %d duplicates", v.Arrived, n, v.Duplicates)
	})
}

func TestSoakALinkThatIsCutEverySecondForAMinuteLosesNothing(t *testing.T) {
	needsProcesses(t)
	eachGuarantee(t, func(t *testing.T, version string, qos byte) { cutEverySecond(t, 60, 4*messages, version, qos) })
}

func TestSoakNothingIsLostWhenTasksChangeAgainAndAgain(t *testing.T) {
	needsProcesses(t)
	for _, version := range versions {
		t.Run("MQTT "+version, func(t *testing.T) {
			divideAnew(t, []string{"2", "4", "1", "3", "2", "3", "5", "4", "1", "6", "3", "4"}, version)
		})
	}
}

func TestSoakPoisonMessagesDoNotNarrowTheWindow(t *testing.T) {
	needsProcesses(t)
	for _, version := range versions {
		t.Run("MQTT "+version, func(t *testing.T) { poison(t, version, 500) })
	}
}

func TestSoakTheDemoNeverStalls(t *testing.T) {
	needsProcesses(t)
	const (
		rate   = 1000
		glance = 5 * time.Second
	)
	length := soakLength(t)
	dev := LaunchDev(t, "--demo", "--rate", strconv.Itoa(rate), "--data-dir", t.TempDir())
	dev.WaitReady()
	dev.awaitDemo()
	reader := NewReader(dev.Kafka, "sensors")
	start := time.Now()
	looked, total, slowest := start, 0, float64(rate)
	testbed.Await(t, length+time.Minute, "the end of the soak", func(ctx context.Context) error {
		now := time.Now()
		if now.Sub(looked) < glance {
			return errors.New("not yet")
		}
		n, err := reader.CatchUp(ctx, func(*sarama.ConsumerMessage) error { return nil })
		require.NoError(t, err)
		require.Positive(t, n, "records in the %v before %v after the start", now.Sub(looked), now.Sub(start))
		slowest = min(slowest, float64(n)/now.Sub(looked).Seconds())
		looked, total = now, total+n
		if now.Sub(start) < length {
			return errors.New("not yet")
		}
		return nil
	})
	average := float64(total) / time.Since(start).Seconds()
	assert.Greater(t, average, 0.9*rate, "records per second over all")
	t.Logf("%.0f records/s over %v, %.0f/s in the slowest %v, peak %d MiB resident",
		average, length, slowest, glance, dev.Usage().Peak>>20)
	dev.interrupt()
}

func TestSoakEachMessageOfQoS2IsSeenOnceWhateverBreaks(t *testing.T) {
	needsProcesses(t)
	const faults = 30
	random := Dice(t)
	kafka := testbed.StartKafka(t)
	r := startExactRiver(t, kafka.Addr())
	all := maps.Clone(exactFaults)
	all["Kafka killed"] = func(*exactRiver) {
		kafka.Kill()
		kafka.Relaunch()
		kafka.WaitReady()
	}
	all["worker frozen"] = func(r *exactRiver) {
		r.worker.Freeze()
		<-time.After(time.Duration(1+random.IntN(10)) * time.Second) // the session is over after 6
		r.worker.Thaw()
	}
	middle := 0
	for _, name := range shuffled(all, faults, random) {
		if r.publish(10_000, random.Float64()) {
			middle++
		}
		t.Log(name)
		all[name](r)
	}
	v := r.settle()
	t.Logf("%d messages, %d faults, %d of them on the way, %d duplicates", v.Arrived, faults, middle, v.Duplicates)
}

func TestSoakEachLineIsSeenOnceAlthoughTheWorkerIsKilledAgainAndAgain(t *testing.T) {
	needsProcesses(t)
	for _, boundary := range []string{"poll", "interval"} {
		t.Run(boundary, func(t *testing.T) {
			killAgainAndAgain(t, 200_000, 10, "transaction.boundary", boundary, "transaction.boundary.interval.ms", "100")
		})
	}
}

func TestSoakNothingIsLostOnTheWayToDevices(t *testing.T) {
	needsProcesses(t)
	eachGuarantee(t, func(t *testing.T, version string, qos byte) { befallOutbound(t, 30, 20_000, version, qos) })
}

// soakLength is how long a soak lasts that has a length: so many minutes as SLUICE_SOAK_MINUTES says, else ten.
func soakLength(t *testing.T) time.Duration {
	t.Helper()
	minutes := 10
	if text := os.Getenv("SLUICE_SOAK_MINUTES"); text != "" {
		var err error
		minutes, err = strconv.Atoi(text)
		require.NoError(t, err, "SLUICE_SOAK_MINUTES")
	}
	return time.Duration(minutes) * time.Minute
}
