package mqtt

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"github.com/sluice-connect/sluice/connect"
)

// Sink makes the tasks that write to an MQTT broker.
type Sink struct{}

// Spec describes the connector under Confluent's class name.
func (Sink) Spec() connect.Spec {
	keys := slices.Concat(connection, tlsKeys, sinkKeys)
	spec := connect.NewSpec("io.confluent.connect.mqtt.MqttSinkConnector", Version, append(keys, licence)...)
	spec.Aliases = []string{"MqttSink"}
	spec.Prefixes = ignoredPrefixes
	spec.TaskClass = "io.confluent.connect.mqtt.MqttSinkTask"
	return spec
}

// Open starts connecting and returns: a broker out of reach is waited for, one that refuses fails the task.
func (Sink) Open(ctx context.Context, rt connect.SinkContext) (connect.SinkTask, error) {
	cfg := rt.Config()
	b, err := newBroker(cfg)
	if err != nil {
		return nil, err
	}
	b.clientID = clientBase(cfg) + "-" + strconv.Itoa(rt.TaskID())
	b.cleanStart = sinkClean.Get(cfg)
	out, err := newPublishing(cfg)
	if err != nil {
		return nil, err
	}
	t := &sinkTask{
		rt:         rt,
		publishing: out,
		publisher:  newPublisher(maxInFlight.Get(cfg)),
		partitions: map[connect.TopicPartition]*progress{},
		patience:   millis(publishTimeout.Get(cfg)),
		link:       &link{broker: b, retry: newRetry(cfg), failFast: connectFailFast.Get(cfg), rt: rt, uptime: newUptime(rt.Metrics())},
	}
	t.publisher.counts = newOutput(rt.Metrics())
	t.publisher.shows(rt.Metrics())
	t.publisher.aliased = topicAliases.Get(cfg)
	t.publisher.nobody, t.publisher.stale = nobodyPolicies[noSubscribers.Get(cfg)], out.stale
	t.publisher.pace = newPace(rateMessages.Get(cfg), rateBytes.Get(cfg))
	t.link.peer = &talker{publisher: t.publisher, lease: rt.Suspended, timeout: t.patience, qos: out.qos, retain: out.retain, log: rt.Log()}
	t.link.start(ctx)
	return t, nil
}

// sinkTask is the task: records become messages in the publisher's queue, whose settled head is what may be committed.
type sinkTask struct {
	rt         connect.SinkContext
	link       *link
	publishing *publishing
	publisher  *publisher
	partitions map[connect.TopicPartition]*progress
	patience   time.Duration // mqtt.publish.timeout.ms
	last       *progress     // of the record before
	mapped     []outgoing    // to be queued; empty between calls
}

// putAtOnce is how many records are mapped before they are queued and sent: few, so that the network has work early.
const putAtOnce = 128

// Put queues messages in order and waits while the window is full. A record that cannot be a message goes to the error handling.
func (t *sinkTask) Put(ctx context.Context, records []connect.SinkRecord) error {
	for i := range records {
		record := &records[i]
		pub, err := t.publishing.message(record)
		if err != nil {
			if err := t.enqueue(ctx); err != nil {
				return err
			}
			if err := t.rt.Report(ctx, record, err); err != nil {
				return err
			}
		}
		t.mapped = append(t.mapped, outgoing{pub: pub, record: recordRef{record, t.progressOf(record.Consumed)}})
		if len(t.mapped) == putAtOnce {
			if err := t.enqueue(ctx); err != nil {
				return err
			}
		}
	}
	return t.enqueue(ctx)
}

// enqueue hands over what is mapped.
func (t *sinkTask) enqueue(ctx context.Context) error {
	defer func() {
		clear(t.mapped)
		t.mapped = t.mapped[:0]
	}()
	for rest := t.mapped; ; {
		if rest = rest[t.publisher.add(rest):]; len(rest) == 0 {
			return t.reportRefused(ctx)
		}
		if err := t.await(ctx); err != nil {
			return err
		}
	}
}

// await returns when something has changed in the publisher, having reported what was refused.
func (t *sinkTask) await(ctx context.Context) error {
	if err := t.reportRefused(ctx); err != nil {
		return err
	}
	select {
	case <-t.publisher.moved:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reportRefused hands what the broker does not want to the error handling.
func (t *sinkTask) reportRefused(ctx context.Context) error {
	for _, m := range t.publisher.takeRefused() {
		cause := refusedMessage(m.pub.Topic, m.code)
		if err := t.rt.Report(ctx, m.record.record, cause); err != nil {
			return err
		}
		t.publisher.forget(m.n)
	}
	return nil
}

// refusedMessage says why the broker does not want a message.
func refusedMessage(topic string, code byte) error {
	switch code {
	case 0:
		return fmt.Errorf("MQTT broker closed the connection %d times in a row when a message on %q was all that was in flight: check what it takes, "+
			"such as the length of topics and payloads, and its access rules", convicted, topic)
	case packets.PubackNoMatchingSubscribers:
		return fmt.Errorf("nobody has subscribed to %q (behavior.on.no.subscribers=fail)", topic)
	case packets.DisconnectPacketTooLarge:
		return fmt.Errorf("a message on %q is longer than the MQTT broker takes (its Maximum Packet Size)", topic)
	}
	return fmt.Errorf("MQTT broker refused a message on %q: reason code 0x%02X, %s: check mqtt.topic and the broker's access rules", topic, code, answerText(code))
}

// progressOf finds the partition's progress; most records follow one of the same partition.
func (t *sinkTask) progressOf(p connect.TopicPartition) *progress {
	if t.last != nil && t.last.partition == p {
		return t.last
	}
	at, ok := t.partitions[p]
	if !ok {
		at = &progress{partition: p, next: -1}
		t.partitions[p] = at
	}
	t.last = at
	return at
}

// PreCommit returns how far the broker has the records without gaps. It does not wait for answers: Put would stand still meanwhile.
func (t *sinkTask) PreCommit(ctx context.Context, _ connect.Offsets) (connect.Offsets, error) {
	if err := t.reportRefused(ctx); err != nil {
		return nil, err
	}
	safe := connect.Offsets{}
	t.publisher.safe(t.partitions, safe)
	return safe, nil
}

// Drain waits for the answers to what Put took, no longer than a broker may take for them, and not at all for a broker that is away. An error of what was
// refused meanwhile is PreCommit's to return.
func (t *sinkTask) Drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, t.patience)
	defer cancel()
	for last := t.publisher.tail(); ; {
		if done, connected := t.publisher.done(last); done || !connected || t.await(ctx) != nil {
			return
		}
	}
}

// Assigned begins partitions anew: their records come again from the committed offset.
func (t *sinkTask) Assigned(_ context.Context, partitions []connect.TopicPartition) error {
	t.forget(partitions)
	return nil
}

// Revoked drops what was not sent of partitions that another task gets.
func (t *sinkTask) Revoked(_ context.Context, partitions []connect.TopicPartition) error {
	t.forget(partitions)
	return nil
}

func (t *sinkTask) forget(partitions []connect.TopicPartition) {
	for _, p := range partitions {
		if at, ok := t.partitions[p]; ok {
			t.publisher.abandon(at)
			delete(t.partitions, p)
		}
	}
	t.last = nil
}

// Close sends what is waiting for the socket and DISCONNECT.
func (t *sinkTask) Close(ctx context.Context) error { return t.link.close(ctx) }

// talker is the sink's peer of a link.
type talker struct {
	*publisher
	lease   func() <-chan struct{} // connect.SinkContext Suspended
	timeout time.Duration          // mqtt.publish.timeout.ms
	qos     byte
	retain  bool
	log     *slog.Logger
	told    bool // that MQTT 3.1.1 has no properties
}

// gate: what a sink receives is answers, which are always taken.
func (t *talker) gate() gate { return nil }

// suspended has the connection write nothing, and no new one made, while the task may be another worker's. Messages stay in the queue meanwhile.
func (t *talker) suspended() <-chan struct{} { return t.lease() }

// begin checks what the broker can do, and watches over its answers.
func (t *talker) begin(ctx context.Context, up *uplink) error {
	if err := capable(up, t.qos, t.retain); err != nil {
		return &final{err}
	}
	t.log.Info("publishing window", slog.Int("max_in_flight", t.room), slog.Int("server_receive_maximum", t.serverWindow()))
	up.work.Go(func() { t.watch(ctx, up) })
	if t.pace.limited() {
		up.work.Go(func() { t.keepPace(ctx) })
	}
	if t.nobody == nobodyWaits {
		up.work.Go(func() { t.tryAgain(ctx) })
	}
	if up.three && !t.told {
		t.told = true
		t.log.Warn("MQTT 3.1.1 has no properties: headers of records are not sent")
	}
	return nil
}

// capable reports a QoS or retain flag that the broker does not take: it would end the connection at the first message.
func capable(up *uplink, qos byte, retain bool) error {
	p := up.ack.Properties
	if p.MaximumQoS != nil && qos > *p.MaximumQoS {
		return fmt.Errorf("MQTT broker %s takes QoS %d at most: set mqtt.qos=%d", up.server, *p.MaximumQoS, *p.MaximumQoS)
	}
	if retain && !p.RetainAvailable {
		return fmt.Errorf("MQTT broker %s takes no retained messages: set mqtt.retained.enabled=false", up.server)
	}
	return nil
}

// watch ends the connection when the oldest message waits too long for its answer.
func (t *talker) watch(ctx context.Context, up *uplink) {
	timer := time.NewTimer(t.timeout)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		next := t.timeout
		if since, ok := t.oldest(); ok {
			if next = time.Until(up.conn.listeningSince(since).Add(t.timeout)); next <= 0 {
				t.ending()
				up.end(fmt.Errorf("MQTT broker %s did not acknowledge a message within %s (mqtt.publish.timeout.ms)", up.server, t.timeout))
				return
			}
		}
		timer.Reset(next)
	}
}

// explains reports whether ends of the connection may be a message's doing.
func (t *talker) explains() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.suspect.careful(t.first)
}

// keepPace goes on publishing when the pace allows more.
func (t *talker) keepPace(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-t.paced:
		case <-ctx.Done():
			return
		}
		if !sleep(ctx, timer, t.pause()) {
			return
		}
		t.drained()
	}
}

// tryAgain sends messages that nobody wanted again.
func (t *talker) tryAgain(ctx context.Context) {
	ticker := time.NewTicker(heldAgain)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			t.again(now)
		case <-ctx.Done():
			return
		}
	}
}

var (
	_ connect.SinkConnector = Sink{}
	_ connect.PreCommitter  = (*sinkTask)(nil)
	_ connect.Drainer       = (*sinkTask)(nil)
	_ connect.Assigner      = (*sinkTask)(nil)
	_ peer                  = (*talker)(nil)
	_ peer                  = (*listener)(nil)
)
