package worker

import (
	"fmt"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/values"
)

// shownText bounds what a log line shows of one key, value or header.
const shownText = 1000

// consumedRecordText is what errors.log.include.messages adds for a sink: where the record is, and nothing of it
// (org.apache.kafka.connect.runtime.errors.LogReporter.Sink).
func consumedRecordText(tp connect.TopicPartition, offset int64, timestamp int64, of connect.TimestampType) string {
	text := fmt.Sprintf(", where consumed record is {topic='%s', partition=%d, offset=%d", tp.Topic, tp.Partition, offset)
	switch of {
	case connect.CreateTime:
		text += fmt.Sprintf(", timestamp=%d, timestampType=CreateTime", timestamp)
	case connect.LogAppendTime:
		text += fmt.Sprintf(", timestamp=%d, timestampType=LogAppendTime", timestamp)
	}
	return text + "}"
}

// sourceRecordText is what errors.log.include.messages adds for a source: the record whole, because Kafka has none of it
// (org.apache.kafka.connect.runtime.errors.LogReporter.Source, SourceRecord.toString). What is long is cut.
func sourceRecordText(r *connect.SourceRecord, original *connect.Record) string {
	partition, at := "null", "null"
	if r.Source != nil {
		partition = r.Source.String()
	}
	if !r.Offset.IsZero() {
		at = r.Offset.String()
	}
	kafkaPartition, timestamp := "null", "null"
	if original.Partition != connect.NoPartition {
		kafkaPartition = fmt.Sprint(original.Partition)
	}
	if original.Timestamp != connect.NoTimestamp {
		timestamp = fmt.Sprint(original.Timestamp)
	}
	headers := make([]string, len(original.Headers))
	for i, h := range original.Headers {
		headers[i] = fmt.Sprintf("ConnectHeader(key=%s, value=%s, schema=%s)", h.Key, excerpt(h.Value), schemaText(h.Schema))
	}
	return fmt.Sprintf(", where source record is = SourceRecord{sourcePartition=%s, sourceOffset=%s} ConnectRecord{topic='%s', kafkaPartition=%s, "+
		"key=%s, keySchema=%s, value=%s, valueSchema=%s, timestamp=%s, headers=ConnectHeaders(headers=[%s])}",
		partition, at, original.Topic, kafkaPartition, excerpt(original.Key), schemaText(original.KeySchema),
		excerpt(original.Value), schemaText(original.ValueSchema), timestamp, strings.Join(headers, ", "))
}

func excerpt(v connect.Value) string {
	text := string(values.AppendJava(nil, v))
	if len(text) > shownText {
		return fmt.Sprintf("%s... (%d bytes)", strings.ToValidUTF8(text[:shownText], ""), len(text))
	}
	return text
}

func schemaText(s *connect.Schema) string {
	switch {
	case s == nil:
		return "null"
	case s.Name() != "":
		return fmt.Sprintf("Schema{%s:%s}", s.Name(), strings.ToUpper(s.Kind().String()))
	}
	return fmt.Sprintf("Schema{%s}", strings.ToUpper(s.Kind().String()))
}
