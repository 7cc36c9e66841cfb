package worker

import (
	"context"
	"sync"

	"github.com/sluice-connect/sluice/connect"
)

// pausedPartitions are those that a sink task does not want to hear of at present. It is looked at once a batch.
type pausedPartitions struct {
	mu      sync.Mutex
	set     map[connect.TopicPartition]bool
	changed chan struct{}
}

func newPausedPartitions() *pausedPartitions {
	return &pausedPartitions{set: map[connect.TopicPartition]bool{}, changed: make(chan struct{})}
}

func (p *pausedPartitions) pause(tps []connect.TopicPartition) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, tp := range tps {
		p.set[tp] = true
	}
}

func (p *pausedPartitions) resume(tps []connect.TopicPartition) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, tp := range tps {
		delete(p.set, tp)
	}
	close(p.changed)
	p.changed = make(chan struct{})
}

// wait returns true as soon as tp is not paused, false when ctx ends first.
func (p *pausedPartitions) wait(ctx context.Context, tp connect.TopicPartition) bool {
	for {
		p.mu.Lock()
		paused, changed := p.set[tp], p.changed
		p.mu.Unlock()
		if !paused {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}
