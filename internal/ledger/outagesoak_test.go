//go:build soak

package ledger

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/testbed"
)

// Both ways and both versions in one outage, with links that stand and with links that are cut every minute. A device's burst waits for its
// acknowledgements at mosquitto, which has room for all.
func TestSoakKafkaAwayForTenMinutes(t *testing.T) {
	needsProcesses(t)
	kafka := testbed.StartKafka(t)
	var all []*sufferer
	for _, version := range versions {
		all = append(all, inboundSufferer(t, kafka.Addr(), version, false), inboundSufferer(t, kafka.Addr(), version, true),
			outboundSufferer(t, kafka.Addr(), version))
	}
	for _, s := range all {
		s.flow()
	}
	kafka.Kill()
	for _, s := range all {
		s.begin()
		s.before = s.worker.Usage().Resident
	}
	minute := time.NewTicker(time.Minute)
	defer minute.Stop()
	cuts := 0
	for over := time.Now().Add(soakLength(t)); time.Now().Before(over); {
		select {
		case <-minute.C:
			cuts++
			for _, s := range all {
				s.cut()
			}
		default:
		}
		for _, s := range all {
			s.sitOut(min(5*time.Second, time.Until(over)))
		}
	}
	for _, s := range all {
		after := s.worker.Usage().Resident
		assert.Less(t, after, s.before+16<<20, "resident memory in bytes: flat, %s", s.name)
		t.Logf("%s: %d MiB resident at the beginning, %d at the end", s.name, s.before>>20, after>>20)
	}
	kafka.Relaunch()
	kafka.WaitReady()
	for _, s := range all {
		v := s.end(cuts)
		t.Logf("%s: %d messages, missing %d, out of order %d, %d duplicates; peak %d MiB resident", s.name, v.Arrived, len(v.Missing), len(v.Disordered),
			v.Duplicates, s.peak>>20)
	}
}

// sufferer is a worker with a connector that a Kafka goes away from.
type sufferer struct {
	name         string
	worker       *Worker
	flow         func() // messages begin to flow
	begin        func() // Kafka has just gone
	cut          func()
	sitOut       func(time.Duration)
	end          func(cuts int) Verdict // Kafka has just come back
	before, peak int64                  // bytes resident
}

func inboundSufferer(t *testing.T, kafka, version string, isCut bool) *sufferer {
	t.Helper()
	var link *testbed.Proxy
	r := startRiver(t, kafka, 1, func(r *river, config map[string]string) {
		link = testbed.StartProxy(t, r.mosquitto.Addr())
		config["mqtt.server.uri"], config["mqtt.protocol.version"] = "tcp://"+link.Addr(), version
		config["mqtt.reconnect.backoff.ms"], config["mqtt.reconnect.backoff.max.ms"] = "50", "100"
	})
	const each = 20_000 // messages; more than it takes to have some wait when Kafka goes
	enough, published := make(chan struct{}), make(chan error, 1)
	s := &sufferer{name: "from MQTT " + version, worker: r.worker, cut: func() {}, sitOut: r.sitOut}
	s.flow = func() {
		go func() {
			err := r.fleet.Publish(t.Context(), each)
			for err == nil && open(enough) {
				err = r.fleet.Publish(t.Context(), each)
			}
			published <- err
		}()
		r.awaitFlow(1000)
	}
	s.begin = func() {
		r.ahead.Store(mostAhead)
		r.awaitRetrying()
	}
	if isCut {
		s.name += " over a link that is cut"
		s.cut = func() {
			link.Cut() // one of MQTT 3.1.1 sees that when it has to write: it does not read while its window is full
			r.awaitRetrying()
		}
	}
	s.end = func(cuts int) Verdict {
		if !isCut {
			cuts = 0
		}
		assert.LessOrEqual(t, len(r.lines("lost MQTT broker")), cuts, "how often the connection to the broker was lost, %s", s.name)
		close(enough)
		require.NoError(t, <-published)
		r.worker.AwaitFlowing(r.connector)
		s.peak = r.worker.Usage().Peak
		assert.Less(t, s.peak, int64(mostMemory), "peak resident memory in bytes, %s", s.name)
		return r.settle()
	}
	return s
}

func open(c <-chan struct{}) bool {
	select {
	case <-c:
		return false
	default:
		return true
	}
}

func outboundSufferer(t *testing.T, kafka, version string) *sufferer {
	t.Helper()
	const each = 20_000
	o := startOutbound(t, kafka, version, 1)
	s := &sufferer{name: "to MQTT " + version + " over a link that is cut", worker: o.worker, begin: func() {}, cut: o.link.Cut}
	s.flow = func() {
		o.command(each)()
		o.awaitArrived(each / 10)
	}
	s.sitOut = func(time.Duration) {
		require.True(t, o.worker.Running(), "the worker has ended")
		require.Less(t, o.worker.Usage().Resident, int64(mostMemory), "resident memory in bytes, %s", s.name)
	}
	s.end = func(int) Verdict {
		o.command(each)()
		o.awaitArrived(2 * each)
		s.peak = o.worker.Usage().Peak
		assert.Less(t, s.peak, int64(mostMemory), "peak resident memory in bytes, %s", s.name)
		require.Zero(t, o.worker.Terminate(), "exit code after SIGTERM")
		v := o.ledger.Judge()
		require.NoError(t, v.Err())
		return v
	}
	return s
}
