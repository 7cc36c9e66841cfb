package fleet

import "context"

// berth is the place of one process, from the moment that somebody wants it.
type berth struct {
	life   context.Context // of the start
	cancel context.CancelFunc
	users  int // guarded by the crew

	ready   chan struct{} // closed when process or err is there
	process *hand
	err     error
}

func newBerth(life context.Context) *berth {
	b := &berth{ready: make(chan struct{})}
	b.life, b.cancel = context.WithCancel(life)
	return b
}

func (b *berth) start(start func(context.Context) (*hand, error)) {
	defer close(b.ready)
	defer b.cancel()
	b.process, b.err = start(b.life)
}

// await is the process when it has started. ctx ends the waiting alone: others may wait too.
func (b *berth) await(ctx context.Context) (*hand, error) {
	select {
	case <-b.ready:
		return b.process, b.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// dead reports whether the process could not be started, or is gone.
func (b *berth) dead() bool {
	select {
	case <-b.ready:
	default:
		return false
	}
	if b.err != nil {
		return true
	}
	select {
	case <-b.process.Done():
		return true
	default:
		return false
	}
}

// stop ends the process, or its start, and waits for that.
func (b *berth) stop(ctx context.Context) error {
	b.cancel()
	<-b.ready // soon, now that the start is cancelled
	if b.err != nil {
		return nil
	}
	return b.process.Stop(ctx)
}
