package mqtt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// Validate checks what the keys say together, and tries a real connection and the subscriptions (mqtt.validate.connect).
func (Source) Validate(ctx context.Context, cfg connect.Config) []connect.Problem {
	found := validateConnection(cfg)
	if _, err := newMapping(cfg); err != nil {
		found = append(found, problemOf(err, kafkaTopic.Name()))
	}
	filters := mqttTopics.Get(cfg)
	found = slices.Concat(found, validateFilters(filters), validateAssignment(cfg, filters), validateBuffer(cfg), validateErrorsTopic(cfg))
	switch {
	case sourceQoS.Get(cfg) == 0:
	case sourceClean.Get(cfg):
		found = append(found, connect.Problem{Key: sourceClean.Name(), Warning: true,
			Message: "messages published while the connector is stopped are lost: set it to false to keep them"})
	case ackMode.Get(cfg) == "received":
		found = append(found, connect.Problem{Key: ackMode.Name(), Warning: true,
			Message: "messages on their way to Kafka are lost when the worker dies: set it to produced to keep them"})
	}
	if failed(found) || !validateConnect.Get(cfg) {
		return found
	}
	if taskAssignment.Get(cfg) == "shared" {
		// In a group of its own: it must not take messages from the connector's.
		filters = shared(filters, clientBase(cfg)+"-validate")
	}
	subs := newSubscriptions(cfg, filters, connect.Offset{})
	subs.retainHandling = 2
	return append(found, tryConnection(ctx, cfg, func(up *uplink) []connect.Problem {
		return append(sourceCapabilities(up, subs), tryFilters(ctx, up, subs)...)
	})...)
}

// Validate checks what the keys say together, and tries a real connection (mqtt.validate.connect).
func (Sink) Validate(ctx context.Context, cfg connect.Config) []connect.Problem {
	found := validateConnection(cfg)
	out, err := newPublishing(cfg)
	if err != nil {
		found = append(found, problemOf(err, mqttTopic.Name()))
	}
	if noSubscribers.Get(cfg) == "retry" && staleAfter.Get(cfg) < 0 {
		found = append(found, connect.Problem{Key: noSubscribers.Name(),
			Message: "retry needs mqtt.stale.after.ms: without it a record for nobody would hold back its partition for ever"})
	}
	if failed(found) || !validateConnect.Get(cfg) {
		return found
	}
	return append(found, tryConnection(ctx, cfg, func(up *uplink) []connect.Problem { return sinkCapabilities(up, out, cfg) })...)
}

// validateConnection checks the keys that both connectors have.
func validateConnection(cfg connect.Config) []connect.Problem {
	found := reservedKeys(cfg)
	if _, err := newBroker(cfg); err != nil {
		found = append(found, problemOf(err, serverURI.Name()))
	}
	switch id := clientBase(cfg); {
	case len(id) > 65000 || strings.ContainsRune(id, 0):
		found = append(found, connect.Problem{Key: clientID.Name(), Message: "must be at most 65000 bytes without NUL"})
	case len(id) > 120:
		found = append(found, connect.Problem{Key: clientID.Name(), Warning: true, Message: "is long: some brokers take 128 bytes at most, the task's number included"})
	case len(id) > 20 && protocolVersion.Get(cfg) == "3.1.1":
		found = append(found, connect.Problem{Key: clientID.Name(), Warning: true, Message: "is long: a broker of MQTT 3.1.1 need not take more than 23 bytes, the task's number included"})
	}
	if backoffMax.Get(cfg) < backoffFirst.Get(cfg) {
		found = append(found, connect.Problem{Key: backoffMax.Name(), Message: "must not be less than mqtt.reconnect.backoff.ms"})
	}
	if file := passwordFile.Get(cfg); file != "" {
		if password.Set(cfg) {
			found = append(found, connect.Problem{Key: passwordFile.Name(), Message: "excludes mqtt.password: set one of them"})
		}
		if _, err := os.ReadFile(file); err != nil {
			found = append(found, connect.Problem{Key: passwordFile.Name(), Message: "cannot be read: " + err.Error()})
		}
	}
	if username.Get(cfg) == "" && (password.Set(cfg) || passwordFile.Get(cfg) != "") && protocolVersion.Get(cfg) == "3.1.1" {
		found = append(found, connect.Problem{Key: username.Name(), Message: "is missing: MQTT 3.1.1 has no password without a user name"})
	}
	return found
}

func validateFilters(filters []string) []connect.Problem {
	if len(filters) == 0 {
		return []connect.Problem{{Key: mqttTopics.Name(), Message: "has no topic filter: name one, such as sensors/#"}}
	}
	var found []connect.Problem
	shared := 0
	for i, f := range filters {
		if err := checkFilter(f); err != nil {
			found = append(found, connect.Problem{Key: mqttTopics.Name(), Message: err.Error()})
		}
		if slices.Contains(filters[:i], f) {
			found = append(found, connect.Problem{Key: mqttTopics.Name(), Message: fmt.Sprintf("has %q twice", f)})
		}
		if strings.HasPrefix(f, sharePrefix) {
			shared++
		}
	}
	if shared > 0 && shared < len(filters) {
		found = append(found, connect.Problem{Key: mqttTopics.Name(), Message: "mixes $share/ filters with others: all or none"})
	}
	return found
}

// validateAssignment checks how filters are divided among tasks.
func validateAssignment(cfg connect.Config, filters []string) []connect.Problem {
	if taskAssignment.Get(cfg) != "shared" {
		if sharedGroup.Set(cfg) {
			return []connect.Problem{{Key: sharedGroup.Name(), Message: "needs mqtt.task.assignment=shared"}}
		}
		return nil
	}
	var found []connect.Problem
	if slices.ContainsFunc(filters, func(f string) bool { return strings.HasPrefix(f, sharePrefix) }) {
		found = append(found, connect.Problem{Key: mqttTopics.Name(), Message: "has $share/ filters, which mqtt.task.assignment=shared makes by itself: name the filters alone"})
	}
	if strings.ContainsAny(shareGroup(cfg), "/+#") {
		found = append(found, connect.Problem{Key: sharedGroup.Name(), Message: "must not have / + or #, also where it is the connector's name"})
	}
	return append(found, connect.Problem{Key: taskAssignment.Name(), Warning: true,
		Message: "shared: there is no order within an MQTT topic, and no retained messages"})
}

func validateBuffer(cfg connect.Config) []connect.Problem {
	var found []connect.Problem
	if queueSize.Get(cfg) < receiveMaximum.Get(cfg) {
		found = append(found, connect.Problem{Key: queueSize.Name(), Warning: true,
			Message: "is less than mqtt.receive.maximum, which is then lowered to it"})
	}
	if batchSize.Set(cfg) && queueSize.Get(cfg) < batchSize.Get(cfg) {
		found = append(found, connect.Problem{Key: batchSize.Name(), Warning: true, Message: "is more than records.buffer.queue.size: no batch can be that large"})
	}
	return found
}

// validateErrorsTopic checks mqtt.errors.topic beside the framework's keys that it stands for.
func validateErrorsTopic(cfg connect.Config) []connect.Problem {
	own, letters := errorsTopic.Get(cfg), cfg[deadLetterTopic]
	tolerated := strings.EqualFold(strings.TrimSpace(cfg["errors.tolerance"]), "all")
	switch {
	case own != "" && letters != "" && own != letters:
		return []connect.Problem{{Key: errorsTopic.Name(), Message: "is another name of " + deadLetterTopic + ", which has another value: set one of them"}}
	case kafkaTopicUnmatched.Get(cfg) == "errors_topic" && (own == "" && letters == "" || !tolerated):
		return []connect.Problem{{Key: kafkaTopicUnmatched.Name(), Message: "errors_topic needs mqtt.errors.topic and errors.tolerance=all"}}
	case own != "" && !tolerated:
		return []connect.Problem{{Key: errorsTopic.Name(), Warning: true, Message: "has no effect with errors.tolerance=none: the task fails instead"}}
	}
	return nil
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
	return slices.ContainsFunc(found, func(p connect.Problem) bool { return !p.Warning })
}

var (
	_ connect.Validator = Source{}
	_ connect.Validator = Sink{}
)
