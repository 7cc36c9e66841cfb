package ledger

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"
)

// lull is how long nothing more must come before a reader takes it that there is nothing more.
const lull = time.Second

// Committed are the values of [CommittedRecords].
func Committed(t testing.TB, addr, topic string, records int, within time.Duration) (values []string) {
	t.Helper()
	for _, m := range CommittedRecords(t, addr, topic, records, within) {
		values = append(values, string(m.Value))
	}
	return values
}

// CommittedRecords reads a topic of one partition as a reader of committed data sees it: until it has had so many records and then none for a second,
// or until the time within is over. Other than a [Reader] it copes with an end that is a transaction's marker.
func CommittedRecords(t testing.TB, addr, topic string, records int, within time.Duration) (all []*sarama.ConsumerMessage) {
	t.Helper()
	config := sarama.NewConfig()
	config.Consumer.IsolationLevel = sarama.ReadCommitted
	config.ChannelBufferSize = 4096
	consumer, err := sarama.NewConsumer([]string{addr}, config)
	require.NoError(t, err)
	defer consumer.Close()
	partition, err := consumer.ConsumePartition(topic, 0, sarama.OffsetOldest)
	require.NoError(t, err)
	defer partition.Close()
	deadline := time.After(within)
	for {
		var quiet <-chan time.Time
		if len(all) >= records {
			quiet = time.After(lull)
		}
		select {
		case m := <-partition.Messages():
			all = append(all, m)
		case <-quiet:
			return all
		case <-deadline:
			require.Failf(t, "too few committed records", "%d of %d in %v", len(all), records, within)
		}
	}
}

// Lines is the text of so many numbered lines.
func Lines(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "%d\n", i+1)
	}
	return text.String()
}

// EachOnce requires that values count up from 1, each number once and in its place.
func EachOnce(t testing.TB, values []string, last int) {
	t.Helper()
	for i, v := range values {
		require.Equal(t, fmt.Sprint(i+1), v, "record %d of %d", i+1, len(values))
	}
	require.Len(t, values, last)
}
