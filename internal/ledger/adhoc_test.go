package ledger

import (
	"testing"
	"fmt"
	"time"
	"os"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/testbed"
)

func TestAdhoc(t *testing.T) {
	r := startRiver(t, testbed.SharedKafka(t), 2)
	start := time.Now()
	published := r.publish(messages)
	for _, share := range []int{messages / 4, messages / 2} {
		r.awaitInKafka(share)
		r.killWorker()
	}
	published()
	v := r.settle()
	t.Logf("%d messages in %v, %d duplicates", v.Arrived, time.Since(start).Round(time.Millisecond), v.Duplicates)
	seen := map[string]int64{}
	ids := map[string]int{}
	type k struct{ dup string }
	count := map[string]int{}
	var last string
	run := 0
	f, _ := os.Create("/tmp/ledger-dups.txt")
	defer f.Close()
	_, err := NewReader(r.kafka, r.topic).CatchUp(t.Context(), func(m *sarama.ConsumerMessage) error {
		key := string(m.Key) + "#" + string(m.Value)
		var dup, id string
		for _, h := range m.Headers {
			if string(h.Key) == "mqtt.duplicate" { dup = string(h.Value) }
			if string(h.Key) == "mqtt.message.id" { id = string(h.Value) }
		}
		_, again := seen[key]
		seen[key] = m.Offset
		_ = ids
		what := fmt.Sprintf("p%d again=%v dup=%s", m.Partition, again, dup)
		count[what]++
		if what != last {
			fmt.Fprintf(f, "%s x%d\n%s from @%d ts %s id %s ", last, run, "", m.Offset, m.Timestamp.Format("05.000"), id)
			run = 0
		}
		last = what
		run++
		return nil
	})
	require.NoError(t, err)
	for w, n := range count { t.Log(w, n) }
}
