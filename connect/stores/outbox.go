package stores

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/IBM/sarama"
)

// outbox sends records from a goroutine of its own, again and again until each is stored, replaced by a newer one of its key, or not
// wanted any more. It holds one record a key, so it does not grow while brokers are away.
type outbox struct {
	write   func(ctx context.Context, records ...Record) error
	name    string // who waits in an outage
	outages *Outages
	logger  *slog.Logger

	mu      sync.Mutex
	waiting map[string]message
	sending map[string]message
	puts    uint64        // messages put so far
	latest  int           // generation of the newest status
	changed chan struct{} // closed and replaced when waiting or sending changes
	stop    context.CancelFunc
	ended   chan struct{}
}

// message is a record's value, nil for a deletion, and whether it is still wanted after a failed try.
type message struct {
	value  []byte
	wanted func() bool
	number uint64 // counts messages in the order of their putting
}

func newOutbox(write func(ctx context.Context, records ...Record) error, name string, outages *Outages, logger *slog.Logger) *outbox {
	return &outbox{
		write: write, name: name, outages: outages, logger: logger, waiting: map[string]message{}, changed: make(chan struct{}),
	}
}

func (o *outbox) start(ctx context.Context) {
	ctx, o.stop = context.WithCancel(ctx)
	o.ended = make(chan struct{})
	go func() {
		defer close(o.ended)
		o.run(ctx)
	}()
}

// close gives what is waiting until ctx ends to be sent.
func (o *outbox) close(ctx context.Context) error {
	if o.stop == nil {
		return nil
	}
	err := o.flush(ctx)
	o.stop()
	<-o.ended
	return err
}

func (o *outbox) put(key string, m message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.puts++
	m.number = o.puts
	o.waiting[key] = m
	o.signal()
}

// signal wakes whoever waits for a change. The caller holds the lock.
func (o *outbox) signal() {
	close(o.changed)
	o.changed = make(chan struct{})
}

func (o *outbox) generation(g int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.latest = g
}

func (o *outbox) inGeneration(g int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.latest == g
}

// flush waits until what was put before the call has left.
func (o *outbox) flush(ctx context.Context) error {
	o.mu.Lock()
	last := o.puts
	o.mu.Unlock()
	for {
		left, changed := o.upTo(last)
		if left == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%d records are not written: %w", left, context.Cause(ctx))
		}
	}
}

// withdraw forgets what waits under a key, and returns when nothing is being sent under it.
func (o *outbox) withdraw(ctx context.Context, key string) error {
	for {
		o.mu.Lock()
		delete(o.waiting, key)
		_, underWay := o.sending[key]
		changed := o.changed
		o.mu.Unlock()
		if !underWay {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// upTo counts the messages up to a number that have not left, and gives a channel that closes on the next change.
func (o *outbox) upTo(number uint64) (left int, changed <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, messages := range []map[string]message{o.waiting, o.sending} {
		for _, m := range messages {
			if m.number <= number {
				left++
			}
		}
	}
	return left, o.changed
}

func (o *outbox) run(ctx context.Context) {
	for attempt := 0; ctx.Err() == nil; {
		batch, changed := o.next()
		if len(batch) == 0 {
			select {
			case <-changed:
			case <-ctx.Done():
			}
			continue
		}
		failed := o.send(ctx, batch)
		o.settle(failed)
		if len(failed) == 0 {
			attempt = 0
			continue
		}
		_ = pause(ctx, attempt) // the loop's condition sees the end of ctx
		attempt++
	}
}

// next takes what is waiting and still wanted.
func (o *outbox) next() (map[string]message, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sending, o.waiting = o.waiting, map[string]message{}
	return o.sending, o.changed
}

// send returns the messages to be tried again.
func (o *outbox) send(ctx context.Context, batch map[string]message) map[string]message {
	keys := slices.Sorted(maps.Keys(batch))
	records := make([]Record, 0, len(batch))
	for _, key := range keys {
		records = append(records, record(key, batch[key].value))
	}
	err := o.write(ctx, records...)
	switch {
	case err == nil:
		o.outages.end(o.logger, o.name)
		return nil
	case ctx.Err() != nil:
		return nil
	case permanent(err) && len(batch) > 1:
		return o.sendEach(ctx, batch)
	case permanent(err):
		o.logger.Error("dropping a record that cannot be written", "key", keys[0], "cause", err)
		return nil
	}
	o.outages.begin(o.logger, o.name, err)
	failed := map[string]message{}
	for key, m := range batch {
		if m.wanted() {
			failed[key] = m
		}
	}
	return failed
}

// sendEach keeps a record that can never be written from taking the others of its batch along.
func (o *outbox) sendEach(ctx context.Context, batch map[string]message) map[string]message {
	failed := map[string]message{}
	for key, m := range batch {
		maps.Copy(failed, o.send(ctx, map[string]message{key: m}))
	}
	return failed
}

// settle puts back what failed, unless something newer waits under its key.
func (o *outbox) settle(failed map[string]message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for key, m := range failed {
		if _, newer := o.waiting[key]; !newer {
			o.waiting[key] = m
		}
	}
	o.sending = nil
	o.signal()
}

// permanent recognizes failures that no later try will mend.
func permanent(err error) bool {
	return errors.Is(err, sarama.ErrMessageSizeTooLarge) || errors.Is(err, sarama.ErrTopicAuthorizationFailed) ||
		errors.Is(err, sarama.ErrInvalidTopic) || errors.Is(err, sarama.ErrClosedClient)
}
