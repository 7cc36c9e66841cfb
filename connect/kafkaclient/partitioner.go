package kafkaclient

import (
	"fmt"
	"math/rand/v2"

	"github.com/IBM/sarama"
)

// NoPartition stands in a [sarama.ProducerMessage]'s Partition when the partitioner is to choose. A message with a partition of 0 or
// more goes there. Mind that the zero value is a choice, and that sarama writes its own choice into the message: who sends a message
// again must set the field again.
const NoPartition int32 = -1

// NewPartitioner makes Java's default partitioner: the partition that the record names, else by murmur2 of the key, else sticky, that
// is one partition until about batchSize bytes went there and then another at random (KIP-794 without its look at broker load).
// It allocates nothing per message.
func NewPartitioner(batchSize int) sarama.PartitionerConstructor {
	return func(topic string) sarama.Partitioner {
		return &partitioner{byKey: sarama.NewMurmur2Partitioner(topic), spread: sticky, batchSize: batchSize}
	}
}

// spreading is how records without key are spread.
type spreading uint8

const (
	sticky spreading = iota
	roundRobin
)

// partitioner belongs to one topic of one producer; sarama calls it from one goroutine.
type partitioner struct {
	byKey      sarama.Partitioner
	spread     spreading
	ignoreKeys bool
	batchSize  int

	current int32 // the sticky partition
	of      int32 // the partition count it was chosen from; 0: not chosen yet
	filled  int   // bytes sent to it
}

// Partition implements [sarama.Partitioner].
func (p *partitioner) Partition(m *sarama.ProducerMessage, count int32) (int32, error) {
	switch {
	case m.Partition >= count:
		return -1, fmt.Errorf("%w: the record names partition %d of topic %s, which has %d partitions", sarama.ErrInvalidPartition,
			m.Partition, m.Topic, count)
	case m.Partition >= 0:
		return m.Partition, nil
	case m.Key != nil && !p.ignoreKeys:
		return p.byKey.Partition(m, count)
	case p.spread == roundRobin:
		p.current = (p.current + 1) % count
		return p.current, nil
	}
	if p.of != count || p.filled >= p.batchSize {
		p.change(count)
	}
	p.filled += m.ByteSize(2)
	return p.current, nil
}

// change picks another partition than the current one, if there is another.
func (p *partitioner) change(count int32) {
	if p.of == count && count > 1 {
		p.current = (p.current + 1 + rand.Int32N(count-1)) % count
	} else {
		p.current = rand.Int32N(count)
	}
	p.of, p.filled = count, 0
}

// RequiresConsistency implements [sarama.Partitioner].
func (p *partitioner) RequiresConsistency() bool { return true }

// MessageRequiresConsistency implements [sarama.DynamicConsistencyPartitioner]: a record without key or partition goes round partitions
// that have no leader.
func (p *partitioner) MessageRequiresConsistency(m *sarama.ProducerMessage) bool {
	return m.Partition >= 0 || (m.Key != nil && !p.ignoreKeys)
}
