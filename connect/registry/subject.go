package registry

import (
	"fmt"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/converters"
)

// Confluent's strategies, by the last part of their class names (io.confluent.kafka.serializers.subject).
const (
	topicStrategy       = "io.confluent.kafka.serializers.subject.TopicNameStrategy"
	recordStrategy      = "io.confluent.kafka.serializers.subject.RecordNameStrategy"
	topicRecordStrategy = "io.confluent.kafka.serializers.subject.TopicRecordNameStrategy"

	strategyNames = "TopicNameStrategy, RecordNameStrategy or TopicRecordNameStrategy of io.confluent.kafka.serializers.subject"
)

func knownStrategy(v connect.Value) error {
	if v.IsNull() {
		return nil
	}
	switch strings.TrimSpace(v.Str()) {
	case topicStrategy, recordStrategy, topicRecordStrategy:
		return nil
	}
	return fmt.Errorf("there is no such strategy here: use %s", strategyNames)
}

// Subject is the subject of a schema by the seat's strategy. record is the full name of the record or message that the schema describes, "" for
// others, which only a topic can name.
func (r *Registry) Subject(topic, record string) (string, error) {
	if r.strategy == topicStrategy {
		return topic + "-" + string(r.seat), nil
	}
	if record == "" {
		return "", fmt.Errorf("%w: %s.subject.name.strategy is %s, and the schema of the %s describes no record, which could give its name",
			connect.ErrData, r.seat, r.strategy[strings.LastIndexByte(r.strategy, '.')+1:], r.seat)
	}
	if r.strategy == topicRecordStrategy {
		return topic + "-" + record, nil
	}
	return record, nil
}

// strategyOf reads the seat's strategy.
func strategyOf(seat converters.Seat, cfg connect.Config) string {
	if seat == converters.Key {
		return strings.TrimSpace(keyStrategyKey.Get(cfg))
	}
	return strings.TrimSpace(valueStrategyKey.Get(cfg))
}
