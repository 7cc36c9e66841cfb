package mqtt

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"

	"github.com/sluice-connect/sluice/connect"
)

// A probe may receive messages before it leaves; they are not acknowledged.
const (
	probeMessages = 10_000
	probeBytes    = 16 << 20
)

// probe is the peer of a connection that only looks.
type probe struct{ *subscriber }

func (probe) gate() gate                           { return nil }
func (probe) drained()                             {}
func (probe) suspended() <-chan struct{}           { return nil }
func (probe) publishes(*conn, []message)           {}
func (probe) begin(context.Context, *uplink) error { return nil }

// tryConnection connects with a client id of its own and a session that ends with the connection, subscriptions included.
func tryConnection(ctx context.Context, cfg connect.Config, inspect func(*uplink) []connect.Problem) []connect.Problem {
	b, err := newBroker(cfg)
	if err != nil {
		return []connect.Problem{problemOf(err, serverURI.Name())}
	}
	b.clientID, b.cleanStart, b.sessionExpiry, b.status = clientBase(cfg)+"-validate", true, 0, nil
	l := &link{broker: b, peer: probe{newSubscriber(newQueue(probeMessages, probeBytes, dropNewest), false)}}
	up, err := l.connect(ctx)
	if err != nil {
		return []connect.Problem{connectProblem(err)}
	}
	defer func() {
		_ = up.client.Disconnect(&paho.Disconnect{ReasonCode: packets.DisconnectNormalDisconnection})
	}()
	return inspect(up)
}

// sourceCapabilities compares what the broker says of itself with what a source wants.
func sourceCapabilities(up *uplink, s subscriptions) []connect.Problem {
	var found []connect.Problem
	p := up.ack.Properties
	if p.MaximumQoS != nil && s.qos > *p.MaximumQoS {
		found = append(found, connect.Problem{Key: sourceQoS.Name(),
			Message: fmt.Sprintf("MQTT broker %s has QoS %d at most: set mqtt.qos=%d", up.server, *p.MaximumQoS, *p.MaximumQoS)})
	}
	if !p.SharedSubAvailable && len(s.filters) > 0 && strings.HasPrefix(s.filters[0], sharePrefix) {
		found = append(found, connect.Problem{Key: taskAssignment.Name(), Message: fmt.Sprintf("MQTT broker %s has no shared subscriptions ($share)", up.server)})
	}
	if wild := wildcards(s.filters); !p.WildcardSubAvailable && len(wild) > 0 {
		found = append(found, connect.Problem{Key: mqttTopics.Name(), Message: fmt.Sprintf("MQTT broker %s takes no wildcards: name topics instead of %q", up.server, wild)})
	}
	return found
}

// wildcards are the filters that have one.
func wildcards(filters []string) []string {
	var wild []string
	for _, f := range filters {
		if strings.ContainsAny(f, "+#") {
			wild = append(wild, f)
		}
	}
	return wild
}

// sinkCapabilities compares what the broker says of itself with what a sink wants.
func sinkCapabilities(up *uplink, out *publishing, cfg connect.Config) []connect.Problem {
	if err := capable(up, out.qos, out.retain); err != nil {
		return []connect.Problem{{Key: sinkQoS.Name(), Message: err.Error()}}
	}
	var found []connect.Problem
	p := up.ack.Properties
	if p.MaximumPacketSize != nil && *p.MaximumPacketSize < smallPacket {
		found = append(found, connect.Problem{Key: serverURI.Name(), Warning: true,
			Message: fmt.Sprintf("MQTT broker %s takes packets of %d bytes at most: larger records go the way that errors.tolerance says", up.server, *p.MaximumPacketSize)})
	}
	if p.ReceiveMaximum != nil && int(*p.ReceiveMaximum) < maxInFlight.Get(cfg) && maxInFlight.Set(cfg) {
		found = append(found, connect.Problem{Key: maxInFlight.Name(), Warning: true,
			Message: fmt.Sprintf("MQTT broker %s takes %d messages in flight at most", up.server, *p.ReceiveMaximum)})
	}
	return found
}

// smallPacket is a Maximum Packet Size that records may well exceed.
const smallPacket = 1 << 20

// tryFilters subscribes each filter by itself, so that each has its answer.
func tryFilters(ctx context.Context, up *uplink, s subscriptions) []connect.Problem {
	var found []connect.Problem
	for _, f := range s.filters {
		one := s
		one.filters = []string{f}
		granted, err := subscribe(ctx, up, one)
		var no *refusedFilter
		switch {
		case errors.As(err, &no):
			found = append(found, connect.Problem{Key: mqttTopics.Name(), Message: no.Error(), Warning: no.heals()})
		case errors.Is(err, paho.ErrInvalidArguments):
			// What the broker cannot do, which sourceCapabilities has said.
		case err != nil:
			return append(found, connect.Problem{Key: serverURI.Name(), Message: err.Error(), Warning: true})
		case granted[0] < s.qos:
			found = append(found, connect.Problem{Key: sourceQoS.Name(), Warning: !s.strict,
				Message: fmt.Sprintf("the broker grants QoS %d to filter %q", granted[0], f)})
		}
	}
	return found
}

// connectProblem is an error where the broker answered, and a warning where it may be up later.
func connectProblem(err error) connect.Problem {
	var no *refusal
	if errors.As(err, &no) {
		key := connackAnswers[no.code].key
		if key == "" {
			key = serverURI.Name()
		}
		return connect.Problem{Key: key, Message: no.Error(), Warning: no.heals()}
	}
	var bad *tls.CertificateVerificationError
	if errors.As(err, &bad) {
		return connect.Problem{Key: trustStorePath.Name(), Message: err.Error()}
	}
	if p, ok := storeProblem(err); ok {
		return p
	}
	return connect.Problem{Key: serverURI.Name(), Message: err.Error(), Warning: true}
}
