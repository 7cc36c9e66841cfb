package worker

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect"
)

// trouble is what a consumer's own goroutines have complained of and not taken back: sarama tells of each fetch that fails, and never of the one
// that succeeds after it.
type trouble struct {
	partitions map[connect.TopicPartition]struct{} // whose leaders did not answer
	other      bool                                // something that is no partition's: it is over when it is not repeated
	last       time.Time                           // the last complaint
	probe      chan bool                           // not nil while the leaders are asked
}

// probeInterval is how often leaders that had trouble are looked at.
const probeInterval = time.Second

// hear passes on what goes wrong between Consume's calls until the group is closed, and takes it back when the partitions' leaders answer again.
func (c *consumer) hear() {
	t := trouble{partitions: map[connect.TopicPartition]struct{}{}}
	ticker := time.NewTicker(probeInterval)
	defer ticker.Stop()
	for {
		select {
		case err, ok := <-c.group.Errors():
			if !ok {
				if t.probe != nil {
					<-t.probe
				}
				return
			}
			t.note(err)
			c.complained.Store(time.Now().UnixNano())
			c.trouble(err, time.Time{})
		case <-ticker.C:
			if (t.other || len(t.partitions) > 0) && t.probe == nil && time.Since(t.last) >= wellAfter {
				t.probe = c.ask(slices.Collect(maps.Keys(t.partitions)))
			}
		case well := <-t.probe:
			t.probe = nil
			if well && time.Since(t.last) >= wellAfter {
				clear(t.partitions)
				t.other = false
				c.trouble(nil, time.Time{})
			}
		}
	}
}

func (t *trouble) note(err error) {
	t.last = time.Now()
	if of := new(sarama.ConsumerError); errors.As(err, &of) {
		t.partitions[connect.TopicPartition{Topic: of.Topic, Partition: of.Partition}] = struct{}{}
	} else {
		t.other = true
	}
}

// ask asks the partitions' leaders, on a goroutine of its own that ends with the client's connections at the latest.
func (c *consumer) ask(partitions []connect.TopicPartition) chan bool {
	answer := make(chan bool, 1)
	go func() {
		for _, p := range partitions {
			if _, err := c.client.GetOffset(p.Topic, p.Partition, sarama.OffsetNewest); err != nil {
				answer <- false
				return
			}
		}
		answer <- true
	}()
	return answer
}
