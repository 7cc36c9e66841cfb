package worker

import (
	"fmt"
	"strconv"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/converters"
	"github.com/sluice-connect/sluice/connect/deadletters"
	"github.com/sluice-connect/sluice/connect/redaction"
	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/connect/values"
)

// letterhead is what the dead letters of one task have in common: where they go, and the headers that tell why they are there
// (org.apache.kafka.connect.runtime.errors.DeadLetterQueueReporter). It does not change.
type letterhead struct {
	topic   string // "" for no queue
	context bool   // errors.deadletterqueue.context.headers.enable
	task    TaskID
	secrets redaction.Values // what the texts of errors must not show
}

// header is one context header.
func header(name, value string) sarama.RecordHeader {
	return sarama.RecordHeader{Key: []byte(name), Value: []byte(value)}
}

// ofConsumed adds the context of a record that a sink has consumed, in Java's order. Headers are added, never replaced: a record that comes round
// again has both.
func (l *letterhead) ofConsumed(dst []sarama.RecordHeader, tp connect.TopicPartition, offset int64, f *fault) []sarama.RecordHeader {
	if !l.context {
		return dst
	}
	dst = append(dst, header(deadletters.HeaderTopic, tp.Topic), header(deadletters.HeaderPartition, strconv.Itoa(int(tp.Partition))),
		header(deadletters.HeaderOffset, strconv.FormatInt(offset, 10)))
	return l.cause(dst, f)
}

// ofPolled adds the context of a source's record: the topic that it was meant for, and its place in the source as JSON.
func (l *letterhead) ofPolled(dst []sarama.RecordHeader, topic string, place *connect.Receipt, f *fault) []sarama.RecordHeader {
	if !l.context {
		return dst
	}
	dst = append(dst, header(deadletters.HeaderTopic, topic))
	if p := place.Source; p != nil {
		dst = append(dst, header(deadletters.HeaderSourcePartition, members(p.Attrs())))
	}
	if !place.Offset.IsZero() {
		dst = append(dst, header(deadletters.HeaderSourceOffset, members(place.Offset.Attrs())))
	}
	return l.cause(dst, f)
}

// members writes a source's partition or offset as the offsets topic has it.
func members(attrs []connect.Attr) string {
	text, err := stores.Members(attrs).MarshalJSON()
	if err != nil {
		return ""
	}
	return string(text)
}

func (l *letterhead) cause(dst []sarama.RecordHeader, f *fault) []sarama.RecordHeader {
	exception, message := f.exception(), l.secrets.Removed(f.message())
	return append(dst,
		header(deadletters.HeaderConnector, l.task.Connector), header(deadletters.HeaderTask, strconv.Itoa(l.task.Task)),
		header(deadletters.HeaderStage, string(f.stage)), header(deadletters.HeaderClass, f.class),
		header(deadletters.HeaderException, exception), header(deadletters.HeaderMessage, message),
		header(deadletters.HeaderTrace, exception+": "+message+"\n"), // how Java's traces begin
	)
}

// refusal ends a task whose dead letter has no place: to skip the record then would lose it.
func (l *letterhead) refusal(where string, cause error) error {
	return fmt.Errorf("topic %s (errors.deadletterqueue.topic.name) does not take the dead letter of %s: %w", l.topic, where, cause)
}

// legible is a key, value or header of a source's record that no converter could write, for whoever looks into the queue: bytes and texts as they
// are, all else as JSON or, where even that is not to be had, as text that is like it.
func legible(room *converters.Arena, json *converters.JSON, schema *connect.Schema, v connect.Value) []byte {
	switch v.Kind() {
	case connect.KindNull:
		return nil
	case connect.KindBytes:
		return v.Bytes()
	case connect.KindString:
		return []byte(v.Str())
	}
	for _, s := range []*connect.Schema{schema, nil} {
		if text, err := json.Encode(room, "", s, v); err == nil {
			return text
		}
	}
	return values.Append(nil, v)
}
