package mqtt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/sluice-connect/sluice/connect"
)

// Open starts connecting and returns: a broker out of reach is waited for, one that refuses fails the task.
func (Source) Open(ctx context.Context, rt connect.SourceContext) (connect.SourceTask, error) {
	t, err := newSourceTask(ctx, rt)
	if err != nil {
		return nil, err
	}
	t.link.start(ctx)
	t.orphans.start(ctx)
	return t, nil
}

func newSourceTask(ctx context.Context, rt connect.SourceContext) (*sourceTask, error) {
	cfg := shareOf(rt.Config())
	b, err := newBroker(cfg)
	if err != nil {
		return nil, err
	}
	number := taskNumber.Get(cfg)
	if number < 0 {
		number = rt.TaskID()
	}
	exactly := rt.Transactional() && (Source{}).ExactlyOnce(cfg)
	if exactly {
		b.version = "5" // a server that speaks only 3.1.1 is refused: see ExactlyOnce
	}
	b.cleanStart = sourceClean.Get(cfg)
	b.receiveMaximum = uint16(min(receiveMaximum.Get(cfg), queueSize.Get(cfg)))
	b.packetMaximum = uint32(maximumPacketSize.Get(cfg))
	b.payloadMost, b.aliasMaximum = payloadMaxBytes.Get(cfg), uint16(topicAliasMaximum.Get(cfg))
	t := &sourceTask{
		batchSize: batchSize.Get(cfg), log: rt.Log(),
		orphans: orphans{policy: orphanPolicy.Get(cfg), wait: millis(orphanIdle.Get(cfg))},
	}
	last := func(number int) (*connect.Partition, connect.Offset, error) {
		partition := rt.Partition("client.id", clientIDOf(cfg, number))
		at, err := rt.Offset(ctx, partition)
		if err != nil {
			err = fmt.Errorf("reading the offset of the last run: %w", err)
		}
		return partition, at, err
	}
	partition, before, err := last(number)
	if err != nil {
		return nil, err
	}
	filters := mqttTopics.Get(cfg)
	own := newListener(cfg, b, clientIDOf(cfg, number), newSubscriptions(cfg, filters, before), rt)
	t.own = own
	own.shows(rt.Metrics())
	t.inflow = inflow{
		subscriber: own.subscriber, partition: partition, link: own.link(rt, own),
		offset: offsetOf(cfg, filters), laden: offsetOf(cfg, slices.Concat(filters, own.stale, own.moved)),
	}
	t.link.uptime = newUptime(rt.Metrics())
	if exactly {
		if err := t.beExact(before); err != nil {
			return nil, err
		}
	}
	earlier := slices.Concat(own.stale, own.moved)
	gone, err := findOrphans(ctx, rt, cfg, last)
	if err != nil {
		return nil, err
	}
	for _, n := range gone {
		partition, before, err := last(n)
		if err != nil {
			return nil, err
		}
		o := newOrphan(cfg, b, clientIDOf(cfg, n), partition, before, own.queue, rt)
		if exactly {
			if err := o.in.beExact(before); err != nil {
				return nil, err
			}
		}
		t.orphans.flows = append(t.orphans.flows, o)
		earlier = append(earlier, o.filters...)
	}
	if t.mapping, err = newMapping(cfg, earlier...); err != nil {
		return nil, err
	}
	rt.Log().Info("subscribing at MQTT broker", slog.Any("filters", filters), slog.String("client_id", own.broker.clientID),
		slog.Int("receive_maximum", int(b.receiveMaximum)))
	return t, nil
}

// clientIDOf is the client id of a task, the same in every life of it.
func clientIDOf(cfg connect.Config, number int) string {
	return clientBase(cfg) + "-" + strconv.Itoa(number)
}

// offsetOf is what a session's offset holds: what it is subscribed to, and how many tasks there are, by which their sessions are found again.
func offsetOf(cfg connect.Config, filters []string) connect.Offset {
	attrs := []connect.Attr{{Name: "filters", Value: connect.String(joinList(filters))}}
	if alive := taskNumbers.Get(cfg); len(alive) > 0 {
		if n, err := strconv.Atoi(alive[len(alive)-1]); err == nil {
			attrs = append(attrs, connect.Attr{Name: "tasks", Value: connect.Int64(int64(n + 1))})
		}
	}
	return connect.NewOffset(attrs...)
}

// newListener is the peer of a session's link.
func newListener(cfg connect.Config, b broker, id string, subs subscriptions, rt connect.TaskContext) *listener {
	q := newQueue(queueSize.Get(cfg), int(bufferBytes.Get(cfg)), overflows[qos0Overflow.Get(cfg)])
	q.counts = newIntake(rt.Metrics())
	s := newSubscriber(q, dedupe.Get(cfg))
	s.atOnce, s.most = ackMode.Get(cfg) == "received", int(b.receiveMaximum)
	b.clientID = id
	s.laden.Store(len(subs.stale)+len(subs.moved) > 0)
	return &listener{subscriber: s, subscriptions: subs, broker: &b, log: rt.Log(), retry: newRetry(cfg), failFast: connectFailFast.Get(cfg)}
}

// newOrphan is the session of a task that is no more. It signals the task's own queue when something has come.
func newOrphan(cfg connect.Config, b broker, id string, partition *connect.Partition, at connect.Offset, own *queue, rt connect.TaskContext) *orphan {
	b.cleanStart, b.status = false, nil
	subs := newSubscriptions(cfg, nil, connect.Offset{})
	if filters := at.Get("filters"); filters.Kind() == connect.KindString {
		subs.filters = splitList(filters.Str())
	}
	all := allTopics.Get(cfg)
	o := &orphan{listener: newListener(cfg, b, id, subs, rt), began: make(chan *uplink, 1)}
	for _, f := range subs.filters {
		if slices.Contains(all, f) {
			o.wanted = append(o.wanted, f)
		}
	}
	o.queue.ready = own.ready
	o.in = inflow{subscriber: o.subscriber, partition: partition, offset: offsetOf(cfg, subs.filters), link: o.listener.link(rt, o)}
	return o
}

// sourceTask is the task: messages go from subscribers' queues into batches, receipts back to the subscribers.
type sourceTask struct {
	inflow
	own       *listener
	orphans   orphans
	mapping   *mapping
	batchSize int
	log       *slog.Logger
	toldDrop  time.Time
}

// Poll waits for messages and maps what is there.
func (t *sourceTask) Poll(ctx context.Context, b *connect.Batch) error {
	for !t.fetchAny() {
		select {
		case <-t.subscriber.queue.ready:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	t.pour(t.mapping, b, t.batchSize)
	for _, f := range t.orphans.flows {
		f.in.pour(t.mapping, b, t.batchSize)
	}
	t.tellDropped()
	return nil
}

func (t *sourceTask) fetchAny() bool {
	some := t.fetch()
	for _, f := range t.orphans.flows {
		some = f.in.fetch() || some
	}
	return some
}

// dropNotice is how often the log says that messages are being dropped.
const dropNotice = time.Minute

// tellDropped says that the buffer was full and messages of QoS 0 were dropped.
func (t *sourceTask) tellDropped() {
	if t.subscriber.queue.overflow == blockReader || time.Since(t.toldDrop) < dropNotice {
		return
	}
	if n := t.subscriber.queue.takeDropped(); n > 0 {
		t.toldDrop = time.Now()
		t.log.Warn("the buffer is full: messages of QoS 0 were dropped (mqtt.qos0.overflow)", slog.Int("messages", n))
	}
}

// Ack answers the broker.
func (t *sourceTask) Ack(_ context.Context, done []connect.Receipt) error {
	for len(done) > 0 {
		n := 1
		for n < len(done) && done[n].Source == done[0].Source {
			n++
		}
		t.subscriberOf(done[0].Source).settle(done[:n])
		done = done[n:]
	}
	return nil
}

func (t *sourceTask) subscriberOf(p *connect.Partition) *subscriber {
	for _, f := range t.orphans.flows {
		if f.in.partition == p {
			return f.in.subscriber
		}
	}
	return t.subscriber
}

// Close sends the acknowledgements that are due and DISCONNECT. The session stays at the broker and is not unsubscribed, so that it
// gathers messages until the next life of the task.
func (t *sourceTask) Close(ctx context.Context) error {
	handovers.left(t.own.division, t.own.broker.clientID, t.own.filters)
	return errors.Join(t.orphans.close(ctx), t.link.close(ctx))
}

var _ connect.Acker = (*sourceTask)(nil)
