package worker

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect"
)

// claim is a partition of a sink task and how far the task has it.
type claim struct {
	partition connect.TopicPartition
	from      sarama.ConsumerGroupClaim

	position atomic.Int64 // behind the last record that the plugin has taken; negative while that is not known
	end      atomic.Int64 // of the partition, as it was asked for; 0 for never

	consumed, committed int64 // of the task's goroutine
	seen                int64 // of follow's goroutine: the end at its last look
}

// claims are a task's present ones. It is safe for concurrent use.
type claims struct {
	mu  sync.Mutex
	all map[*claim]struct{}
}

func newClaims() *claims { return &claims{all: map[*claim]struct{}{}} }

func (c *claims) open(from sarama.ConsumerGroupClaim) *claim {
	k := &claim{partition: connect.TopicPartition{Topic: from.Topic(), Partition: from.Partition()}, from: from}
	k.begin(from.InitialOffset())
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all[k] = struct{}{}
	return k
}

// begin is where the task begins; negative for not known yet.
func (k *claim) begin(at int64) {
	k.position.Store(at)
	k.consumed, k.committed = at, at
}

func (c *claims) close(k *claim) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.all, k)
}

func (c *claims) list() []*claim {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]*claim, 0, len(c.all))
	for k := range c.all {
		list = append(list, k)
	}
	return list
}

// lag is how many records there are that the plugin has not taken.
func (k *claim) lag() int64 {
	position := k.position.Load()
	if position < 0 {
		return 0
	}
	return max(0, max(k.from.HighWaterMarkOffset(), k.end.Load())-position)
}

// lag is that of all partitions together, and that of the worst.
func (c *claims) lag() (total, worst int64) {
	for _, k := range c.list() {
		lag := k.lag()
		total += lag
		worst = max(worst, lag)
	}
	return total, worst
}

// followInterval is how often the ends of partitions are asked for that are not fetched from.
const followInterval = 15 * time.Second

// follow keeps the ends of those partitions known whose records the task does not take: nothing is fetched from them meanwhile, so that fetching does not tell.
func (c *claims) follow(ctx context.Context, client sarama.Client) {
	for sleep(ctx, followInterval) {
		for _, k := range c.list() {
			end := k.from.HighWaterMarkOffset()
			stuck := k.lag() > 0 && end == k.seen
			k.seen = end
			if !stuck || ctx.Err() != nil {
				continue
			}
			if newest, err := client.GetOffset(k.partition.Topic, k.partition.Partition, sarama.OffsetNewest); err == nil {
				k.end.Store(newest)
			}
		}
	}
}
