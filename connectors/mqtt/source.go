package mqtt

import (
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"slices"
	"strconv"

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
	keys := slices.Concat(connection, tlsKeys, sourceKeys)
	spec := connect.NewSpec("io.confluent.connect.mqtt.MqttSourceConnector", Version, append(keys, licence)...)
	spec.Aliases = []string{"MqttSource"}
	spec.Prefixes = ignoredPrefixes
	spec.TaskClass = "io.confluent.connect.mqtt.MqttSourceTask"
	return spec
}

// Split spreads the filters over tasks by rendezvous hash: few filters move when the number of tasks changes. A task that would have no
// filter is not made. With mqtt.task.assignment=shared all tasks have all filters.
func (Source) Split(_ context.Context, cfg connect.Config, maxTasks int) ([]connect.Config, error) {
	filters := mqttTopics.Get(cfg)
	var share [][]string
	if taskAssignment.Get(cfg) == "shared" {
		for range maxTasks {
			share = append(share, shared(filters, shareGroup(cfg)))
		}
	} else {
		share = make([][]string, min(maxTasks, len(filters)))
		for _, f := range filters {
			n := rendezvous(f, len(share))
			share[n] = append(share[n], f)
		}
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
		addErrorsTopic(task)
		task[taskNumber.Name()] = strconv.Itoa(n)
		configs = append(configs, task)
	}
	return configs, nil
}

// addErrorsTopic turns mqtt.errors.topic into the framework's own keys, so that there is one kind of dead letters.
func addErrorsTopic(task connect.Config) {
	topic := errorsTopic.Get(task)
	if topic == "" || task[deadLetterTopic] != "" {
		return
	}
	task[deadLetterTopic] = topic
	if _, given := task[deadLetterHeaders]; !given {
		task[deadLetterHeaders] = "true"
	}
}

// Keys of the framework's dead letter queue.
const (
	deadLetterTopic   = "errors.deadletterqueue.topic.name"
	deadLetterHeaders = "errors.deadletterqueue.context.headers.enable"
)

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
	before, err := rt.Offset(ctx, t.partition)
	if err != nil {
		return nil, fmt.Errorf("reading the filters of the last run: %w", err)
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
	batchSize  int

	rest []message // taken from the queue
	next int       // of rest
}

// Poll waits for messages and maps what is there.
func (t *sourceTask) Poll(ctx context.Context, b *connect.Batch) error {
	q := t.subscriber.queue
	for t.next == len(t.rest) {
		clear(t.rest)
		t.rest, t.next = q.take(t.rest), 0
		if len(t.rest) > 0 {
			break
		}
		select {
		case <-q.ready:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	start, bytes := t.next, 0
	for t.next < len(t.rest) && t.next-start < t.batchSize && !b.Full() {
		m := &t.rest[t.next]
		bytes += m.size()
		if !t.mapping.add(b, t.partition, t.offset, m) {
			t.subscriber.settle([]connect.Receipt{{Tag: m.tag, Outcome: connect.Filtered}})
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
	_ connect.SourceConnector = Source{}
	_ connect.Splitter        = Source{}
	_ connect.Acker           = (*sourceTask)(nil)
)
