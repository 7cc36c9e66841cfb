package fleet

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/sluice-connect/sluice/plugins/manifest"
	"github.com/sluice-connect/sluice/plugins/remote"
)

// Crew is the processes of one plugin. It is safe for concurrent use.
type Crew struct {
	fleet  *Fleet
	plugin *manifest.Manifest

	mu     sync.Mutex
	berths map[berthKey]*berth
}

var _ remote.Processes = (*Crew)(nil)

// berthKey is what a process is for. That for what is no task's has none of both.
type berthKey struct {
	connector string
	task      int // -1 for all of the connector's
}

var control = berthKey{task: -1}

// Control implements [remote.Processes]: one process, kept until the worker ends.
func (c *Crew) Control(ctx context.Context) (remote.Process, error) {
	b, err := c.board(control)
	if err != nil {
		return nil, err
	}
	p, err := b.await(ctx)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Task implements [remote.Processes]. A process ends when the last task gives it back; one that is dead is replaced for whoever comes next.
func (c *Crew) Task(ctx context.Context, connector string, task int) (remote.Process, func(), error) {
	key := berthKey{connector: connector, task: -1}
	if c.fleet.options.Sharing(connector) == PerTask {
		key.task = task
	}
	b, err := c.board(key)
	if err != nil {
		return nil, nil, err
	}
	release := sync.OnceFunc(func() { c.leave(key, b) })
	p, err := b.await(ctx)
	if err != nil {
		release()
		return nil, nil, err
	}
	return p, release, nil
}

// board takes a place in the process that is for key, and has it started where there is none, or a dead one.
func (c *Crew) board(key berthKey) (*berth, error) {
	c.fleet.mu.Lock()
	defer c.fleet.mu.Unlock()
	if c.fleet.closed {
		return nil, ErrClosed
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.berths[key]
	if b == nil || b.dead() {
		b = newBerth(c.fleet.life)
		c.berths[key] = b
		log := c.fleet.options.Log
		if key.connector != "" {
			log = log.With(slog.String("connector", key.connector))
		}
		if key.task >= 0 {
			log = log.With(slog.Int("task", key.task))
		}
		c.fleet.chores.Go(func() {
			b.start(func(ctx context.Context) (*hand, error) { return c.fleet.start(ctx, c.plugin, log) })
		})
	}
	b.users++
	return b, nil
}

// stopTimeout bounds the end of a process that nobody uses any more: it is killed well before.
const stopTimeout = 10 * time.Second

// leave gives a place back.
func (c *Crew) leave(key berthKey, b *berth) {
	c.fleet.mu.Lock()
	defer c.fleet.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	b.users--
	if b.users > 0 || c.fleet.closed { // Close ends it
		return
	}
	if c.berths[key] == b {
		delete(c.berths, key)
	}
	c.fleet.chores.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		if err := b.stop(ctx); err != nil {
			c.fleet.options.Log.Error("a plugin's process cannot be ended", "error", err)
		}
	})
}

// abandon is the places that there are.
func (c *Crew) abandon() []*berth {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []*berth
	for _, b := range c.berths {
		out = append(out, b)
	}
	return out
}
