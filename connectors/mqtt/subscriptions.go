package mqtt

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"

	"github.com/sluice-connect/sluice/connect"
)

// filtersAtOnce is how many filters one SUBSCRIBE has: some brokers take no more (AWS IoT).
const filtersAtOnce = 8

// subscriptions is what a task wants to receive.
type subscriptions struct {
	filters           []string
	stale             []string      // of the last run, no longer wanted: the session still has them
	moved             []string      // likewise, but another task has them now
	after             time.Duration // how long moved ones stay, so that nothing falls between two tasks
	qos               byte
	retainHandling    byte
	retainAsPublished bool
	strict            bool   // mqtt.qos.strict
	resubscribe       string // mqtt.resubscribe
	division          string // how the connector's filters are divided among its tasks; see handover
}

// sharePrefix begins a shared subscription.
const sharePrefix = "$share/"

// shareGroup is the connector's share name.
func shareGroup(cfg connect.Config) string {
	if group := sharedGroup.Get(cfg); group != "" {
		return group
	}
	return cfg["name"]
}

// shared are the filters of a group.
func shared(filters []string, group string) []string {
	all := make([]string, 0, len(filters))
	for _, f := range filters {
		all = append(all, sharePrefix+group+"/"+f)
	}
	return all
}

// newSubscriptions reads the keys. before is the stored offset of the task.
func newSubscriptions(cfg connect.Config, filters []string, before connect.Offset) subscriptions {
	s := subscriptions{
		filters:           filters,
		qos:               byte(sourceQoS.Get(cfg)),
		retainHandling:    byte(slices.Index([]string{"send", "if_new", "never"}, retainHandling.Get(cfg))),
		retainAsPublished: retainAsPublished.Get(cfg),
		strict:            qosStrict.Get(cfg),
		resubscribe:       resubscribe.Get(cfg),
		after:             millis(orphanIdle.Get(cfg)),
		division:          joinList([]string{joinList(serverURI.Get(cfg)), clientBase(cfg), joinList(taskNumbers.Get(cfg)), joinList(allTopics.Get(cfg))}),
	}
	if old := before.Get("filters"); old.Kind() == connect.KindString {
		last := splitList(old.Str())
		all := allTopics.Get(cfg)
		for _, f := range last {
			switch {
			case slices.Contains(filters, f):
			case slices.Contains(all, f):
				s.moved = append(s.moved, f)
			default:
				s.stale = append(s.stale, f)
			}
		}
	}
	return s
}

// checkFilter says what is wrong with a topic filter (MQTT 5 4.7), nil for nothing.
func checkFilter(filter string) error {
	if filter == "" || len(filter) > 65535 || strings.ContainsRune(filter, 0) {
		return fmt.Errorf("%q is not a topic filter: 1 to 65535 bytes without NUL", filter)
	}
	topics := filter
	if rest, shared := strings.CutPrefix(filter, sharePrefix); shared {
		group, f, ok := strings.Cut(rest, "/")
		if !ok || group == "" || f == "" || strings.ContainsAny(group, "+#") {
			return fmt.Errorf("%q is not a shared subscription: write $share/group/filter", filter)
		}
		topics = f
	}
	all := strings.Split(topics, "/")
	for i, level := range all {
		if strings.ContainsAny(level, "+#") && len(level) > 1 {
			return fmt.Errorf("%q: + and # must be alone between slashes", filter)
		}
		if level == "#" && i < len(all)-1 {
			return fmt.Errorf("%q: # must be the last level", filter)
		}
	}
	return nil
}

// refusedFilter is a filter that the broker does not grant.
type refusedFilter struct {
	server server
	filter string
	code   byte
}

// Error names the broker, the filter, the cause and the key.
func (r *refusedFilter) Error() string {
	reason := (&packets.Suback{Reasons: []byte{r.code}}).Reason(0)
	name, _, _ := strings.Cut(reason, " - ")
	return fmt.Sprintf("MQTT broker %s refused filter %q: reason code 0x%02X, %s: check mqtt.topics and the broker's access rules",
		r.server, r.filter, r.code, name)
}

// heals reports whether it may be granted later: errors without a reason, and quotas.
func (r *refusedFilter) heals() bool { return r.code == 0x80 || r.code == 0x83 || r.code == 0x97 }

// listener is the source's peer of a link: it subscribes on each new connection.
type listener struct {
	*subscriber
	subscriptions
	broker   *broker
	retry    retry
	failFast bool
	log      *slog.Logger
	ran      bool // a connection has stood in this process
}

// link is the connection of a peer that is this listener or holds it.
func (l *listener) link(rt connect.TaskContext, p peer) *link {
	return &link{broker: *l.broker, retry: l.retry, failFast: l.failFast, peer: p, rt: rt, uptime: untold()}
}

func (l *listener) gate() gate { return l.queue }

// drained: acknowledgements are few bytes, bounded by the window.
func (l *listener) drained() {}

// suspended: a source's messages wait at the gate to Kafka, and are not acknowledged before they are there.
func (l *listener) suspended() <-chan struct{} { return nil }

// begin subscribes anew, whatever the session holds, and takes back what is no longer wanted.
func (l *listener) begin(connection context.Context, up *uplink) error {
	l.describe(up.ack)
	if err := l.awaitEmptied(connection); err != nil {
		return err
	}
	ctx, cancel := up.patience(connection, l.broker.timeout)
	defer cancel()
	if up.ack.SessionPresent {
		l.unsubscribe(ctx, up, &l.stale)
		if len(l.moved) > 0 {
			up.work.Go(func() { l.unsubscribeLater(connection, up) })
		}
	} else {
		l.stale, l.moved = nil, nil
		l.laden.Store(false)
	}
	if !l.due(up) {
		l.ran = true
		l.announce()
		return nil
	}
	granted, err := subscribe(ctx, up, l.subscriptions)
	if err != nil {
		return err
	}
	less := 0
	for i, qos := range granted {
		if qos < l.qos {
			less++
			if l.strict {
				return &final{fmt.Errorf("MQTT broker %s grants QoS %d to filter %q, and mqtt.qos.strict wants %d", up.server, qos, l.filters[i], l.qos)}
			}
			l.log.Warn("MQTT broker grants less than mqtt.qos", slog.String("filter", l.filters[i]),
				slog.Int("granted", int(qos)), slog.Int("wanted", int(l.qos)))
		}
	}
	l.queue.counts.lessQoS.Set(float64(less))
	l.ran = true
	l.announce()
	return nil
}

// announce says that the session has the filters, which it keeps while there is no connection.
func (l *listener) announce() {
	if !l.broker.cleanStart {
		handovers.subscribed(l.division, l.broker.clientID, l.filters)
	}
}

// unsubscribe takes back filters of the last run, and empties the list once the broker has.
func (l *listener) unsubscribe(ctx context.Context, up *uplink, filters *[]string) {
	if len(*filters) == 0 {
		return
	}
	if _, err := up.client.Unsubscribe(ctx, &paho.Unsubscribe{Topics: *filters}); err != nil {
		l.log.Warn("could not unsubscribe filters of the last run", slog.Any("filters", *filters), slog.Any("error", err))
		return
	}
	*filters = nil
	l.laden.Store(len(l.stale)+len(l.moved) > 0)
}

// unsubscribeLater takes back the filters that another task has, once that has subscribed them, or when it had time to. Until then both receive them.
func (l *listener) unsubscribeLater(ctx context.Context, up *uplink) {
	timer := time.NewTimer(l.after)
	defer timer.Stop()
	for taken, changed := handovers.taken(l.division, l.moved); !taken; taken, changed = handovers.taken(l.division, l.moved) {
		select {
		case <-changed:
			continue
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		break
	}
	l.unsubscribe(ctx, up, &l.moved)
}

// due reports whether to subscribe although the broker may have the subscriptions. With MQTT 5 that costs nothing; with 3.1.1 the broker sends all
// retained messages again. A task's first connection always subscribes: what the offset says of the last run's filters may be older than what
// became of them, and a filter that is missing would be missed by nobody.
func (l *listener) due(up *uplink) bool {
	if !l.ran || !up.ack.SessionPresent {
		return true
	}
	return l.resubscribe == "always" || l.resubscribe == "auto" && !up.three
}

// describe says what the broker makes of the session, where that may cost messages.
func (l *listener) describe(ack *paho.Connack) {
	if l.ran && !ack.SessionPresent && !l.broker.cleanStart {
		l.log.Warn("the MQTT session was lost, messages of the outage may be missing")
	}
	if e := ack.Properties.SessionExpiryInterval; e != nil && *e < l.broker.sessionExpiry {
		l.log.Warn("MQTT broker keeps the session for a shorter time than mqtt.session.expiry.interval.seconds",
			slog.Uint64("granted", uint64(*e)), slog.Uint64("wanted", uint64(l.broker.sessionExpiry)))
	}
}

// subscribe subscribes all filters and returns the QoS granted to each.
func subscribe(ctx context.Context, up *uplink, s subscriptions) ([]byte, error) {
	var granted []byte
	for some := range slices.Chunk(s.filters, filtersAtOnce) {
		request := &paho.Subscribe{}
		for _, f := range some {
			request.Subscriptions = append(request.Subscriptions, paho.SubscribeOptions{
				Topic: f, QoS: s.qos, RetainHandling: s.retainHandling, RetainAsPublished: s.retainAsPublished,
			})
		}
		answer, err := up.client.Subscribe(ctx, request)
		if answer == nil {
			return nil, fmt.Errorf("subscribing at MQTT broker %s: %w", up.server, err)
		}
		for i, code := range answer.Reasons {
			if code == packets.SubackPacketIdentifierinuse { // no fault of the filter: it is free again some time
				return nil, fmt.Errorf("subscribing at MQTT broker %s: it says that the packet identifier is in use (0x91)", up.server)
			}
			if code >= 0x80 && i < len(some) {
				return nil, &refusedFilter{server: up.server, filter: some[i], code: code}
			}
		}
		if len(answer.Reasons) != len(some) {
			return nil, fmt.Errorf("subscribing at MQTT broker %s: %d answers for %d filters", up.server, len(answer.Reasons), len(some))
		}
		granted = append(granted, answer.Reasons...)
	}
	return granted, nil
}
