package ledger

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/testbed"
)

const exactlyOnce = "exactly.once.source.support=enabled"

// exactSource is a file source of numbered lines in small transactions.
func exactSource(t *testing.T, lines int, topic string, more ...string) map[string]string {
	t.Helper()
	config := map[string]string{
		"connector.class": "FileStreamSource", "file": File(t, "in.txt", Lines(lines)), "topic": topic,
		"value.converter": "org.apache.kafka.connect.storage.StringConverter", "exactly.once.support": "required",
	}
	for i := 0; i < len(more); i += 2 {
		config[more[i]] = more[i+1]
	}
	return config
}

// killAgainAndAgain kills the worker so many times while lines flow into a topic, and requires that a reader of committed data sees each line
// once, in order.
func killAgainAndAgain(t *testing.T, lines, kills int, more ...string) {
	kafka, prefix := testbed.SharedKafka(t), testbed.Prefix(t)
	topic := prefix + "lines"
	testbed.CreateTopic(t, kafka, topic, 1, nil)
	w := StartWorker(t, kafka, prefix, exactlyOnce, "session.timeout.ms=6000", "heartbeat.interval.ms=1000", "scheduled.rebalance.max.delay.ms=0")
	w.Create(prefix+"S", exactSource(t, lines, topic, append([]string{"batch.size", "200"}, more...)...))
	reader := NewReader(kafka, topic)
	began := time.Now()
	for i := range kills {
		written := int64(lines) * int64(i+1) / int64(kills+2)
		testbed.Await(t, 2*time.Minute, fmt.Sprintf("%d lines", written), func(context.Context) error {
			n, err := reader.Records()
			if err == nil && n < written {
				err = fmt.Errorf("%d are written", n)
			}
			return err
		})
		w.Kill()
		w.Relaunch()
		w.WaitReady()
	}
	EachOnce(t, Committed(t, kafka, topic, lines, 5*time.Minute), lines)
	written, err := reader.Records()
	require.NoError(t, err)
	t.Logf("%d lines, %d kills, %d records and markers in %v", lines, kills, written, time.Since(began).Round(time.Millisecond))
}

func TestEachLineIsSeenOnceAlthoughTheWorkerIsKilled(t *testing.T) {
	needsProcesses(t)
	for _, boundary := range []string{"poll", "interval"} {
		t.Run(boundary, func(t *testing.T) {
			killAgainAndAgain(t, 20_000, 3, "transaction.boundary", boundary, "transaction.boundary.interval.ms", "100")
		})
	}
}

func TestAnExactlyOnceConnectorsOwnTopicHoldsItsOffsets(t *testing.T) {
	needsProcesses(t)
	const lines = 2000
	kafka, prefix := testbed.SharedKafka(t), testbed.Prefix(t)
	topic, name, own := prefix+"lines", prefix+"S", prefix+"own-offsets"
	w := StartWorker(t, kafka, prefix, exactlyOnce)
	config := exactSource(t, lines, topic, "offsets.storage.topic", own)
	w.Create(name, config)
	EachOnce(t, Committed(t, kafka, topic, lines, time.Minute), lines)
	last := fmt.Sprintf(`{"position":%d}`, len(Lines(lines)))
	stored := Committed(t, kafka, own, 1, time.Minute)
	assert.Equal(t, last, stored[len(stored)-1])
	testbed.Await(t, 20*time.Second, "the worker's topic to have a copy", func(context.Context) error {
		copied := Committed(t, kafka, prefix+"offsets", 1, time.Minute)
		if copied[len(copied)-1] != last {
			return fmt.Errorf("it has %v", copied)
		}
		return nil
	})

	at := func(position int) string {
		return fmt.Sprintf(`{"offsets":[{"partition":{"filename":"%s"},"offset":{"position":%d}}]}`, config["file"], position)
	}
	ask := func(method, path, body string, want Answer) {
		t.Helper()
		var sent any
		if body != "" {
			sent = raw(body)
		}
		testbed.Await(t, 60*time.Second, method+" "+path, func(ctx context.Context) error {
			a, err := w.Ask(ctx, method, "/connectors/"+name+path, sent)
			if err == nil && a != want {
				err = fmt.Errorf("%v", a)
			}
			return err
		})
	}
	ask("GET", "/offsets", "", Answer{200, at(len(Lines(lines)))})
	ask("PUT", "/stop", "", Answer{204, ""})
	ask("PATCH", "/offsets", at(len(Lines(lines-10))), Answer{200, `{"message":"The offsets for this connector have been altered successfully"}`})
	ask("GET", "/offsets", "", Answer{200, at(len(Lines(lines - 10)))})
	ask("PUT", "/resume", "", Answer{202, ""})
	again := Committed(t, kafka, topic, lines+10, time.Minute)
	EachOnce(t, again[:lines], lines)
	assert.Equal(t, again[lines-10:lines], again[lines:])
	ask("PUT", "/stop", "", Answer{204, ""})
	ask("DELETE", "/offsets", "", Answer{200, `{"message":"The offsets for this connector have been reset successfully"}`})
	ask("GET", "/offsets", "", Answer{200, `{"offsets":[]}`})
}
