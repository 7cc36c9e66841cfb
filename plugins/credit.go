package plugins

import (
	"context"
	"sync"

	"github.com/sluice-connect/sluice/plugins/contract"
)

// credit is what a source task may send still. The first that the worker gives is its window: a poll takes half of it, so that the next can fill the
// other half while the worker works on the first.
type credit struct {
	mu      sync.Mutex
	given   bool
	records int64
	bytes   int64
	again   int // messages, whatever was in them
	more    chan struct{}

	poll struct{ records, bytes int64 } // what one poll takes
}

func newCredit() *credit { return &credit{more: make(chan struct{}, 1)} }

func (c *credit) add(m *contract.Credit) {
	c.mu.Lock()
	c.records += int64(m.GetRecords())
	c.bytes += int64(m.GetBytes())
	c.again++
	if !c.given && c.records > 0 {
		c.given = true
		c.poll.records, c.poll.bytes = max(1, c.records/2), max(1, c.bytes/2)
	}
	c.mu.Unlock()
	select {
	case c.more <- struct{}{}:
	default:
	}
}

// spend takes what was sent, also beyond what there was: the debt is made good first.
func (c *credit) spend(records, bytes int) {
	c.mu.Lock()
	c.records -= int64(records)
	c.bytes -= int64(bytes)
	c.mu.Unlock()
}

// await waits until there is enough for a poll. It returns false when ctx ends first.
func (c *credit) await(ctx context.Context) bool {
	return c.until(ctx, func() bool { return c.given && c.records >= c.poll.records && c.bytes >= c.poll.bytes })
}

// awaitAgain waits for the next message after the seen ones.
func (c *credit) awaitAgain(ctx context.Context, seen int) bool {
	return c.until(ctx, func() bool { return c.again > seen })
}

// seen is how many messages have come.
func (c *credit) seen() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.again
}

func (c *credit) until(ctx context.Context, met func() bool) bool {
	for {
		if ctx.Err() != nil {
			return false
		}
		c.mu.Lock()
		ok := met()
		c.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-c.more:
		case <-ctx.Done():
			return false
		}
	}
}
