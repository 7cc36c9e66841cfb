package worker

import (
	"context"
	"fmt"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/converters"
)

// sinkConversion turns what was consumed into records of a sink. It belongs to the task's goroutine.
type sinkConversion struct {
	transforms chain
	key, value converters.Converter
	header     converters.HeaderConverter
	errant     *errantPolicy
}

// records converts a fetch. What is filtered or tolerated away is not among them. The slice is new each time: it belongs to the plugin
// until PreCommit covers it.
func (c *sinkConversion) records(f *fetched) ([]connect.SinkRecord, error) {
	out := make([]connect.SinkRecord, 0, len(f.messages))
	headers := 0
	for _, m := range f.messages {
		headers += len(m.Headers)
	}
	room := make([]connect.Header, 0, headers)
	for _, m := range f.messages {
		out = out[:len(out)+1]
		r := &out[len(out)-1]
		at, keep, err := c.record(r, m, f.partition, &room)
		if err != nil {
			where := fmt.Sprintf("the record at offset %d of %s-%d", m.Offset, m.Topic, m.Partition)
			if err := c.errant.judge(at, where, err); err != nil {
				return nil, err
			}
		}
		if err != nil || !keep {
			*r = connect.SinkRecord{}
			out = out[:len(out)-1]
		}
	}
	return out, nil
}

func (c *sinkConversion) record(r *connect.SinkRecord, m *sarama.ConsumerMessage, tp connect.TopicPartition,
	headers *[]connect.Header) (at stageName, keep bool, err error) {
	r.Topic, r.Partition, r.Consumed, r.Offset = tp.Topic, m.Partition, tp, m.Offset
	r.Timestamp, r.TimestampType = connect.NoTimestamp, connect.NoTimestampType
	if !m.Timestamp.IsZero() {
		r.Timestamp, r.TimestampType = m.Timestamp.UnixMilli(), connect.CreateTime
	}
	if r.KeySchema, r.Key, err = c.key.Decode(m.Topic, m.Key); err != nil {
		return stageKey, false, err
	}
	if r.ValueSchema, r.Value, err = c.value.Decode(m.Topic, m.Value); err != nil {
		return stageValue, false, err
	}
	from := len(*headers)
	for _, h := range m.Headers {
		name := string(h.Key)
		schema, v, err := c.header.DecodeHeader(m.Topic, name, h.Value)
		if err != nil {
			return stageHeader, false, fmt.Errorf("header %q: %w", name, err)
		}
		*headers = append(*headers, connect.Header{Key: name, Schema: schema, Value: v})
	}
	r.Headers = (*headers)[from:len(*headers):len(*headers)]
	keep, err = c.transforms.applySink(r)
	return stageTransform, keep, err
}

// report hands a record that the plugin refused to the error handling.
func (c *sinkConversion) report(_ context.Context, r *connect.SinkRecord, cause error) error {
	where := fmt.Sprintf("the record at offset %d of %s-%d", r.Offset, r.Consumed.Topic, r.Consumed.Partition)
	return c.errant.judge(stagePut, where, cause)
}
