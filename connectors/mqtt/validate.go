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

// Validate checks what the keys say together, and tries a real connection and the subscriptions (mqtt.validate.connect).
func (Source) Validate(ctx context.Context, cfg connect.Config) []connect.Problem {
	found := validateConnection(cfg)
	if _, err := newMapping(cfg); err != nil {
		found = append(found, problemOf(err, kafkaTopic.Name()))
	}
	filters := mqttTopics.Get(cfg)
	found = append(found, validateFilters(filters)...)
	if queueSize.Get(cfg) < receiveMaximum.Get(cfg) {
		found = append(found, connect.Problem{Key: queueSize.Name(), Warning: true,
			Message: "is less than mqtt.receive.maximum, which is then lowered to it"})
	}
	if sourceClean.Get(cfg) && sourceQoS.Get(cfg) > 0 {
		found = append(found, connect.Problem{Key: sourceClean.Name(), Warning: true,
			Message: "messages published while the connector is stopped are lost: set it to false to keep them"})
	}
	if failed(found) || !validateConnect.Get(cfg) {
		return found
	}
	subs := newSubscriptions(cfg, filters, connect.Offset{})
	subs.retainHandling = 2
	return append(found, tryConnection(ctx, cfg, func(up *uplink) []connect.Problem { return tryFilters(ctx, up, subs) })...)
}

// Validate checks what the keys say together, and tries a real connection (mqtt.validate.connect).
func (Sink) Validate(ctx context.Context, cfg connect.Config) []connect.Problem {
	found := validateConnection(cfg)
	out, err := newPublishing(cfg)
	if err != nil {
		found = append(found, problemOf(err, mqttTopic.Name()))
	}
	if failed(found) || !validateConnect.Get(cfg) {
		return found
	}
	return append(found, tryConnection(ctx, cfg, func(up *uplink) []connect.Problem {
		if err := capable(up, out.qos, out.retain); err != nil {
			return []connect.Problem{{Key: sinkQoS.Name(), Message: err.Error()}}
		}
		return nil
	})...)
}

// validateConnection checks the keys that both connectors have.
func validateConnection(cfg connect.Config) []connect.Problem {
	var found []connect.Problem
	if _, err := newBroker(cfg); err != nil {
		found = append(found, problemOf(err, serverURI.Name()))
	}
	if id := clientBase(cfg); len(id) > 65000 || strings.ContainsRune(id, 0) {
		found = append(found, connect.Problem{Key: clientID.Name(), Message: "must be at most 65000 bytes without NUL"})
	}
	if backoffMax.Get(cfg) < backoffFirst.Get(cfg) {
		found = append(found, connect.Problem{Key: backoffMax.Name(), Message: "must not be less than mqtt.reconnect.backoff.ms"})
	}
	return found
}

func validateFilters(filters []string) []connect.Problem {
	if len(filters) == 0 {
		return []connect.Problem{{Key: mqttTopics.Name(), Message: "has no topic filter: name one, such as sensors/#"}}
	}
	var found []connect.Problem
	shared := 0
	for _, f := range filters {
		if err := checkFilter(f); err != nil {
			found = append(found, connect.Problem{Key: mqttTopics.Name(), Message: err.Error()})
		}
		if strings.HasPrefix(f, "$share/") {
			shared++
		}
	}
	if shared > 0 && shared < len(filters) {
		found = append(found, connect.Problem{Key: mqttTopics.Name(), Message: "mixes $share/ filters with others: all or none"})
	}
	return found
}

// tryConnection connects with a client id of its own and a session that ends with the connection.
func tryConnection(ctx context.Context, cfg connect.Config, inspect func(*uplink) []connect.Problem) []connect.Problem {
	b, err := newBroker(cfg)
	if err != nil {
		return []connect.Problem{problemOf(err, serverURI.Name())}
	}
	b.clientID, b.cleanStart, b.sessionExpiry = clientBase(cfg)+"-validate", true, 0
	l := &link{broker: b, peer: probe{newSubscriber(newQueue(probeMessages, probeBytes), false)}}
	up, err := l.connect(ctx)
	if err != nil {
		return []connect.Problem{connectProblem(err)}
	}
	defer func() {
		_ = up.client.Disconnect(&paho.Disconnect{ReasonCode: packets.DisconnectNormalDisconnection})
	}()
	return inspect(up)
}

// A probe may receive messages before it leaves; they are not acknowledged.
const (
	probeMessages = 10_000
	probeBytes    = 16 << 20
)

// probe is the peer of a connection that only looks.
type probe struct{ *subscriber }

func (probe) gate() gate                           { return nil }
func (probe) drained()                             {}
func (probe) publishes(*conn, []message)           {}
func (probe) begin(context.Context, *uplink) error { return nil }

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
			found = append(found, connect.Problem{Key: mqttTopics.Name(), Message: err.Error()})
		case err != nil:
			return append(found, connect.Problem{Key: serverURI.Name(), Message: err.Error(), Warning: true})
		case granted[0] < s.qos:
			found = append(found, connect.Problem{Key: sourceQoS.Name(), Warning: true,
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
	return connect.Problem{Key: serverURI.Name(), Message: err.Error(), Warning: true}
}

// problemOf turns an error about a key into a finding; key is for errors that name none.
func problemOf(err error, key string) connect.Problem {
	if p, ok := storeProblem(err); ok {
		return p
	}
	var bad *connect.ConfigError
	if errors.As(err, &bad) {
		return connect.Problem{Key: bad.Key, Message: bad.Reason}
	}
	return connect.Problem{Key: key, Message: err.Error()}
}

// failed reports whether one of the findings is more than a warning.
func failed(found []connect.Problem) bool {
	for _, p := range found {
		if !p.Warning {
			return true
		}
	}
	return false
}

var (
	_ connect.Validator = Source{}
	_ connect.Validator = Sink{}
)
