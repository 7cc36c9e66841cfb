package mqtt

import (
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// Version is the version of both connectors.
const Version = "0.1.0"

// taskNumber is what Split adds to a task's configuration: which of the connector's tasks it is. Numbers are stable while tasks
// without a filter are left out, so that a task finds its session again.
var taskNumber = connect.IntKey("sluice.mqtt.task", "Set by the connector: the number of the task.").Default(-1).Importance(connect.Low)

// Source makes the tasks that read from an MQTT broker.
type Source struct{}

// Spec describes the connector under Confluent's class name.
func (Source) Spec() connect.Spec {
	keys := append([]connect.Definer{}, connection...)
	keys = append(keys, tlsKeys...)
	keys = append(keys,
		sourceClean, receiveMaximum, payloadMaxBytes, topicAliasMaximum,
		mqttTopics, sourceQoS, dedupe, retainHandling, retainAsPublished,
		kafkaTopic, topicRegexList, kafkaTopicUnmatched, kafkaTopicReplacement, kafkaKey,
		payloadFormat, headersEnabled, userPropertiesEnabled,
		queueSize, bufferBytes, batchSize, emptyTimeout, qos0Overflow)
	spec := connect.NewSpec("io.confluent.connect.mqtt.MqttSourceConnector", Version, append(keys, licence)...)
	spec.Aliases = []string{"MqttSource"}
	spec.Prefixes = ignoredPrefixes
	spec.TaskClass = "io.confluent.connect.mqtt.MqttSourceTask"
	return spec
}

// Split spreads the filters over tasks by rendezvous hash: few filters move when the number of tasks changes. A task that would have no
// filter is not made.
func (Source) Split(_ context.Context, cfg connect.Config, maxTasks int) ([]connect.Config, error) {
	filters := mqttTopics.Get(cfg)
	tasks := min(maxTasks, len(filters))
	share := make([][]string, tasks)
	for _, f := range filters {
		n := rendezvous(f, tasks)
		share[n] = append(share[n], f)
	}
	var configs []connect.Config
	for n, part := range share {
		if len(part) == 0 {
			continue
		}
		task := make(connect.Config, len(cfg)+1)
		for k, v := range cfg {
			task[k] = v
		}
		task[mqttTopics.Name()] = joinList(part)
		task[taskNumber.Name()] = strconv.Itoa(n)
		configs = append(configs, task)
	}
	return configs, nil
}

// ExactlyOnce is true for messages of QoS 2 in a session that the server keeps for this task alone. What devices publish with less comes with less,
// whatever QoS is subscribed (MQTT 5 3.8.4).
func (Source) ExactlyOnce(cfg connect.Config) bool {
	shared := slices.ContainsFunc(mqttTopics.Get(cfg), func(f string) bool { return strings.HasPrefix(f, "$share/") })
	return sourceQoS.Get(cfg) == 2 && !sourceClean.Get(cfg) && sessionExpiry.Get(cfg) > 0 && !shared
}

// rendezvous returns the task in whose eyes the filter weighs most.
func rendezvous(filter string, tasks int) int {
	best, most := 0, uint64(0)
	for n := range tasks {
		h := fnv.New64a()
		_, _ = h.Write([]byte(filter))
		_, _ = h.Write([]byte{0, byte(n >> 8), byte(n)})
		// FNV's last bytes hardly reach the high bits: mixed once more, as splitmix64 does.
		w := h.Sum64()
		w = (w ^ w>>30) * 0xbf58476d1ce4e5b9
		w = (w ^ w>>27) * 0x94d049bb133111eb
		if w ^= w >> 31; n == 0 || w > most {
			best, most = n, w
		}
	}
	return best
}

// Open starts connecting and returns: a broker out of reach is waited for, one that refuses fails the task.
func (Source) Open(ctx context.Context, rt connect.SourceContext) (connect.SourceTask, error) {
	t, err := newSourceTask(ctx, rt)
	if err != nil {
		return nil, err
	}
	t.link.start(ctx)
	return t, nil
}

func newSourceTask(ctx context.Context, rt connect.SourceContext) (*sourceTask, error) {
	cfg := rt.Config()
	b, err := newBroker(cfg)
	if err != nil {
		return nil, err
	}
	number := taskNumber.Get(cfg)
	if number < 0 {
		number = rt.TaskID()
	}
	b.clientID = clientBase(cfg) + "-" + strconv.Itoa(number)
	b.cleanStart = sourceClean.Get(cfg)
	b.receiveMaximum = uint16(min(receiveMaximum.Get(cfg), queueSize.Get(cfg)))
	b.payloadMost = payloadMaxBytes.Get(cfg)
	b.aliasMaximum = uint16(topicAliasMaximum.Get(cfg))
	maps, err := newMapping(cfg)
	if err != nil {
		return nil, err
	}
	filters := mqttTopics.Get(cfg)
	q := newQueue(queueSize.Get(cfg), int(bufferBytes.Get(cfg)))
	t := &sourceTask{
		subscriber: newSubscriber(q, dedupe.Get(cfg)),
		mapping:    maps,
		partition:  rt.Partition("client.id", b.clientID),
		offset:     connect.NewOffset(connect.Attr{Name: "filters", Value: connect.String(joinList(filters))}),
		batchSize:  batchSize.Get(cfg),
		link:       &link{broker: b, retry: newRetry(cfg), failFast: connectFailFast.Get(cfg), rt: rt},
	}
	t.subscriber.most = int(b.receiveMaximum)
	before, err := rt.Offset(ctx, t.partition)
	if err != nil {
		return nil, fmt.Errorf("reading the offset of the last run: %w", err)
	}
	if rt.Transactional() && (Source{}).ExactlyOnce(cfg) {
		if err := t.beExact(before); err != nil {
			return nil, err
		}
	}
	subs := newSubscriptions(cfg, filters, before)
	t.link.peer = &listener{subscriber: t.subscriber, subscriptions: subs, broker: &t.link.broker, log: rt.Log()}
	rt.Log().Info("subscribing at MQTT broker", slog.Any("filters", filters), slog.String("client_id", b.clientID),
		slog.Int("receive_maximum", int(b.receiveMaximum)))
	return t, nil
}

// sourceTask is the task: messages go from the subscriber's queue into batches, receipts back to the subscriber.
type sourceTask struct {
	link       *link
	subscriber *subscriber
	mapping    *mapping
	partition  *connect.Partition
	offset     connect.Offset
	journal    *journal // with exactly-once: what makes offsets instead
	batchSize  int

	rest []message // taken from the queue
	next int       // of rest
}

// beExact has the task keep its offset as exactly-once wants it, from the stored one on.
func (t *sourceTask) beExact(before connect.Offset) error {
	received, err := parseReceived(before)
	if err != nil {
		return err
	}
	t.journal = &journal{fixed: t.offset.Attrs(), live: maps.Clone(received)}
	t.subscriber.exact = &exact{used: len(received) > 0, asked: map[uint16]uint64{}}
	t.subscriber.received = received
	return nil
}

// Poll waits for messages and maps what is there.
func (t *sourceTask) Poll(ctx context.Context, b *connect.Batch) error {
	q := t.subscriber.queue
	for t.next == len(t.rest) {
		clear(t.rest)
		t.rest, t.next = q.take(t.rest), 0
		if len(t.rest) > 0 || t.subscriber.releaseDue() {
			break
		}
		select {
		case <-q.ready:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if t.journal != nil {
		r, some := t.subscriber.takeRelease()
		t.journal.begin(r, min(len(t.rest)-t.next, t.batchSize))
		if some {
			b.Advance(t.partition, t.journal.offset(), r.tag)
		}
	}
	start, bytes, at := t.next, 0, t.offset
	for t.next < len(t.rest) && t.next-start < t.batchSize && !b.Full() {
		m := &t.rest[t.next]
		bytes += m.size()
		if t.journal != nil {
			t.journal.add(m)
			at = t.journal.offset()
		}
		if !t.mapping.add(b, t.partition, at, m) && m.tag != 0 {
			b.Advance(t.partition, at, m.tag)
		}
		t.next++
	}
	q.drop(t.next-start, bytes)
	return nil
}

// Ack answers the broker.
func (t *sourceTask) Ack(_ context.Context, done []connect.Receipt) error {
	t.subscriber.settle(done)
	return nil
}

// Close sends the acknowledgements that are due and DISCONNECT. The session stays at the broker and is not unsubscribed, so that it
// gathers messages until the next life of the task.
func (t *sourceTask) Close(ctx context.Context) error { return t.link.close(ctx) }

var (
	_ connect.SourceConnector   = Source{}
	_ connect.Splitter          = Source{}
	_ connect.ExactlyOnceSource = Source{}
	_ connect.Acker             = (*sourceTask)(nil)
)
