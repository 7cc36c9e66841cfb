package group

import (
	"context"
	"math/rand/v2"
	"time"
)

// pauses are the waits between tries: doubling, with a fifth of chance, so that the workers of a cluster do not come back in step
// (org.apache.kafka.common.utils.ExponentialBackoff). A retry.backoff.ms above retry.backoff.max.ms counts as that one.
type pauses struct{ next, most time.Duration }

func (m *Member) pauses() *pauses {
	most := max(m.RetryBackoffMax, time.Millisecond)
	return &pauses{next: min(max(m.RetryBackoff, time.Millisecond), most), most: most}
}

// wait returns early when ctx ends.
func (p *pauses) wait(ctx context.Context) {
	d := p.next
	p.next = min(2*p.next, p.most)
	timer := time.NewTimer(d - d/5 + rand.N(2*d/5+1))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
