package kafkaclient

import (
	"testing"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-connect/sluice/internal/testbed"
)

// refusing starts an embedded Kafka that answers each first batch with an error, and a producer of it.
func refusing(t *testing.T, fatal func(*sarama.ProducerMessage, error) bool) (*kfake.Cluster, *Producer) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(testbed.FreePort(t)), kfake.SeedTopics(1, "t"))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.OutOfOrderSequenceNumber})
	p, err := NewProducer(t.Context(), producerSettings(t, cluster.ListenAddrs()[0], nil), ProducerOptions{Fatal: fatal})
	require.NoError(t, err)
	t.Cleanup(p.Abort)
	return cluster, p
}

func TestNothingIsWrittenAfterAFailureThatIsFatal(t *testing.T) {
	for range 20 { // sarama needs a moment of luck for the next batch to overtake
		cluster, p := refusing(t, func(_ *sarama.ProducerMessage, cause error) bool { return Classify(cause) == ProducerLost })
		p.Input() <- message("t") // goes alone
		go func() {
			for range 100 {
				p.Input() <- message("t")
			}
			p.AsyncClose()
		}()
		passed := make(chan int)
		go func() {
			n := 0
			for range p.Successes() {
				n++
			}
			passed <- n
		}()
		e := <-p.Errors()
		assert.ErrorIs(t, p.Cause(e), sarama.ErrOutOfOrderSequenceNumber)
		failed := 1
		for range p.Errors() {
			failed++
		}
		require.Equal(t, 101, failed)
		require.Zero(t, <-passed)
		require.Zero(t, cluster.PartitionInfo("t", 0).HighWatermark)
	}
}

func TestRecordsGoOnAfterAFailureThatIsNotFatal(t *testing.T) {
	cluster, p := refusing(t, func(*sarama.ProducerMessage, error) bool { return false })
	p.Input() <- message("t")
	require.ErrorIs(t, (<-p.Errors()).Err, sarama.ErrOutOfOrderSequenceNumber)
	p.Input() <- message("t")
	<-p.Successes()
	p.AsyncClose()
	discard(p)
	assert.EqualValues(t, 1, cluster.PartitionInfo("t", 0).HighWatermark)
}

func TestWritesGoOnWhileAFailureWaitsForItsReader(t *testing.T) {
	cluster, p := refusing(t, func(*sarama.ProducerMessage, error) bool { return false })
	p.Input() <- message("t")
	p.Input() <- message("t")
	<-p.Successes()
	<-p.Errors()
	p.AsyncClose()
	discard(p)
	assert.EqualValues(t, 1, cluster.PartitionInfo("t", 0).HighWatermark)
}
