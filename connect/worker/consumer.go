package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/kafkaclient"
)

// consumer is a sink task's membership in its consumer group. It turns sarama's callbacks, which run on goroutines of the library, into
// events for the task's one goroutine. Of each partition one Put's worth waits here: a slow task leaves sarama's bounded channels full, which pauses
// the fetching of those partitions while the heartbeats go on.
type consumer struct {
	group  sarama.ConsumerGroup
	client sarama.Client
	cut    func() // ends the client's connections
	// subscription is what to read; new topics of a pattern, and missing ones, are looked for again and again.
	subscription subscription
	refresh      time.Duration
	// most is how many records one Put gets (max.poll.records).
	most int
	// held keeps the task out of the group while its worker has no lease.
	held kafkaclient.Hold
	// trouble reports that Kafka cannot be reached; nil takes it back.
	trouble func(cause error, next time.Time)

	killed     <-chan struct{} // the task is abandoned: it answers no more
	batches    chan *fetched
	rebalances chan *rebalance
	paused     *pausedPartitions
	claims     *claims
	complained atomic.Int64 // when the client last complained, in Unix nanoseconds; 0 for never

	mu      sync.Mutex
	restart context.CancelFunc // ends the present session; partitions are then read on from what is committed
}

// fetched is what was read from one partition.
type fetched struct {
	partition connect.TopicPartition
	messages  []*sarama.ConsumerMessage
	bytes     int
	session   sarama.ConsumerGroupSession
	claim     *claim
}

// add takes a message, and whatever else is there without waiting, up to most.
func (f *fetched) add(m *sarama.ConsumerMessage, more <-chan *sarama.ConsumerMessage, most int) {
	f.messages = slices.Grow(f.messages, 1+min(len(more), most-len(f.messages)-1))
	for ok := true; ok; {
		f.messages = append(f.messages, m)
		f.bytes += len(m.Key) + len(m.Value)
		if f.full(most) {
			return
		}
		select {
		case m, ok = <-more:
		default:
			return
		}
	}
}

// full reports whether f has all that one Put may have.
func (f *fetched) full(most int) bool { return len(f.messages) >= most || f.bytes >= putBytes }

// rebalance tells the task which partitions it gets or loses. done must be called when the task is through with it.
type rebalance struct {
	assigned   bool
	partitions []connect.TopicPartition
	session    sarama.ConsumerGroupSession
	done       func(error)
}

const (
	putBytes = 4 << 20 // what ends a Put, whatever max.poll.records says

	leaveTimeout = 2 * time.Second
)

// run keeps the membership until ctx ends, then leaves the group. The error is one that cannot heal.
func (c *consumer) run(ctx context.Context) error {
	var errs sync.WaitGroup
	errs.Go(c.hear)
	errs.Go(func() { c.claims.follow(ctx, c.client) })
	pause := backoff{}
	var fatal error
	for c.allowed(ctx) && fatal == nil {
		err := c.session(ctx)
		switch {
		case err == nil || errors.Is(err, context.Canceled):
			pause.reset()
		case unhealable(err):
			fatal = err
		default:
			d := min(pause.next(), c.refresh)
			c.trouble(err, time.Now().Add(d))
			sleep(ctx, d)
		}
	}
	c.leave()
	errs.Wait()
	return fatal
}

// allowed waits for the worker's lease: whoever has the task now shall have the partitions, too. It returns false when ctx ends.
func (c *consumer) allowed(ctx context.Context) bool {
	for held := c.held(); held != nil && ctx.Err() == nil; held = c.held() {
		select {
		case <-held:
		case <-ctx.Done():
		}
	}
	return ctx.Err() == nil
}

// leave leaves the group, so that others get the partitions at once, and ends the client. A Kafka that is away is not waited for.
func (c *consumer) leave() {
	cut := time.AfterFunc(leaveTimeout, c.cut)
	defer cut.Stop()
	_ = c.group.Close()  // nobody is left to be told: the session's timeout does the rest
	_ = c.client.Close() // its only error is that it was closed before
	c.cut()
}

// session lasts until the next rebalance, a change of the topics, or a restart.
func (c *consumer) session(ctx context.Context) error {
	topics, err := c.subscription.topics(c.client)
	if err != nil {
		return err
	}
	if len(topics) == 0 {
		return fmt.Errorf("no topic matches topics.regex=%s", c.subscription.pattern)
	}
	session, cancel := context.WithCancel(ctx)
	defer cancel()
	c.mu.Lock()
	c.restart = cancel
	c.mu.Unlock()
	var watching sync.WaitGroup
	if !c.subscription.settled(topics) {
		watching.Go(func() { c.watch(session, topics, cancel) })
	}
	err = c.group.Consume(session, topics, (*groupHandler)(c))
	cancel()
	watching.Wait()
	return err
}

// watch ends a session when topics come or go.
func (c *consumer) watch(ctx context.Context, have []string, changed func()) {
	for sleep(ctx, c.refresh) {
		if now, err := c.subscription.topics(c.client); err == nil && !sameTopics(have, now) {
			changed()
			return
		}
	}
}

// reread makes the group start over from the committed offsets.
func (c *consumer) reread() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.restart != nil {
		c.restart()
	}
}

// lastComplaint is when the client last complained.
func (c *consumer) lastComplaint() time.Time { return time.Unix(0, c.complained.Load()) }

// groupHandler is the consumer as sarama sees it.
type groupHandler consumer

// Setup implements sarama.ConsumerGroupHandler.
func (h *groupHandler) Setup(s sarama.ConsumerGroupSession) error {
	h.trouble(nil, time.Time{})
	return h.tell(s, true)
}

// Cleanup implements sarama.ConsumerGroupHandler: it returns when the task has let go of the partitions.
func (h *groupHandler) Cleanup(s sarama.ConsumerGroupSession) error { return h.tell(s, false) }

func (h *groupHandler) tell(s sarama.ConsumerGroupSession, assigned bool) error {
	var partitions []connect.TopicPartition
	for topic, ps := range s.Claims() {
		for _, p := range ps {
			partitions = append(partitions, connect.TopicPartition{Topic: topic, Partition: p})
		}
	}
	if len(partitions) == 0 {
		return nil
	}
	answer := make(chan error, 1)
	select {
	case h.rebalances <- &rebalance{assigned: assigned, partitions: partitions, session: s, done: func(err error) { answer <- err }}:
	case <-h.killed:
		return nil
	}
	select {
	case err := <-answer:
		return err
	case <-h.killed:
		return nil
	}
}

// ConsumeClaim implements sarama.ConsumerGroupHandler: it gathers what is there and hands it to the task.
func (h *groupHandler) ConsumeClaim(s sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	held := h.claims.open(claim)
	defer h.claims.close(held)
	for {
		select {
		case m, ok := <-claim.Messages():
			if !ok {
				return nil
			}
			if held.position.Load() < 0 {
				held.begin(m.Offset)
			}
			f := &fetched{partition: held.partition, session: s, claim: held}
			f.add(m, claim.Messages(), h.most)
			if !h.paused.wait(s.Context(), held.partition) || !h.hand(f, claim.Messages()) {
				return nil
			}
		case <-s.Context().Done():
			return nil
		}
	}
}

// hand waits until the task takes f, which grows meanwhile: so the next fetch is under way while the task is busy. It returns false when the session
// ends.
func (h *groupHandler) hand(f *fetched, more <-chan *sarama.ConsumerMessage) bool {
	for {
		if f.full(h.most) {
			more = nil
		}
		select {
		case h.batches <- f:
			return true
		case m, ok := <-more:
			if !ok {
				more = nil
				continue
			}
			f.add(m, more, h.most)
		case <-f.session.Context().Done():
			return false
		}
	}
}
