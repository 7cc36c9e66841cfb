package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/converters"
)

// sinkConversion turns what was consumed into records of a sink. It belongs to the task's goroutine, but for report.
type sinkConversion struct {
	classes    seatClasses
	transforms chain
	key, value converters.Converter
	header     converters.HeaderConverter
	errant     *errantPolicy
	retries    *retries
	letters    letterhead
	// remake makes converters for records that a plugin made itself and reports, on whichever goroutine.
	remake func() (seats, error)
}

// converted is what became of a fetch.
type converted struct {
	records []connect.SinkRecord // without what was filtered or tolerated away
	letters []deadLetter
}

// records converts a fetch. The slice is new each time: it belongs to the plugin until PreCommit covers it. With an error, of a record that ends the
// task, the letters count, the records do not; with errLetGo nothing does.
func (c *sinkConversion) records(stop context.Context, f *fetched) (converted, error) {
	out := make([]connect.SinkRecord, 0, len(f.messages))
	var letters []deadLetter
	headers := 0
	for _, m := range f.messages {
		headers += len(m.Headers)
	}
	room := make([]connect.Header, 0, headers)
	for _, m := range f.messages {
		out = out[:len(out)+1]
		r := &out[len(out)-1]
		keep, failed := c.record(stop, r, m, f.partition, &room)
		if failed != nil {
			if errors.Is(failed.cause, errLetGo) {
				return converted{}, errLetGo
			}
			if c.letters.topic != "" {
				letters = append(letters, c.letters.consumed(m, failed))
			}
			if err := c.judge(m, failed); err != nil {
				return converted{letters: letters}, err
			}
		}
		if failed != nil || !keep {
			*r = connect.SinkRecord{}
			out = out[:len(out)-1]
		}
	}
	return converted{out, letters}, nil
}

func (c *sinkConversion) record(stop context.Context, r *connect.SinkRecord, m *sarama.ConsumerMessage, tp connect.TopicPartition,
	headers *[]connect.Header) (keep bool, failed *fault) {
	r.Topic, r.Partition, r.Consumed, r.Offset = tp.Topic, m.Partition, tp, m.Offset
	r.Timestamp, r.TimestampType = connect.NoTimestamp, connect.NoTimestampType
	if !m.Timestamp.IsZero() {
		r.Timestamp, r.TimestampType = m.Timestamp.UnixMilli(), connect.CreateTime
	}
	if c.letters.topic != "" {
		r.SetRaw(m)
	}
	var err error
	if r.KeySchema, r.Key, err = c.key.Decode(m.Topic, m.Key); err != nil {
		err = c.retries.repeat(stop, err, func() (err error) { r.KeySchema, r.Key, err = c.key.Decode(m.Topic, m.Key); return err })
	}
	if err != nil {
		return false, &fault{stage: stageKey, class: c.classes.key, cause: err}
	}
	if r.ValueSchema, r.Value, err = c.value.Decode(m.Topic, m.Value); err != nil {
		err = c.retries.repeat(stop, err, func() (err error) { r.ValueSchema, r.Value, err = c.value.Decode(m.Topic, m.Value); return err })
	}
	if err != nil {
		return false, &fault{stage: stageValue, class: c.classes.value, cause: err}
	}
	from := len(*headers)
	for _, h := range m.Headers {
		name := string(h.Key)
		schema, v, err := c.header.DecodeHeader(m.Topic, name, h.Value)
		if err != nil {
			err = c.retries.repeat(stop, err, func() (err error) { schema, v, err = c.header.DecodeHeader(m.Topic, name, h.Value); return err })
		}
		if err != nil {
			return false, &fault{stage: stageHeader, class: c.classes.header, cause: fmt.Errorf("header %q: %w", name, err)}
		}
		*headers = append(*headers, connect.Header{Key: name, Schema: schema, Value: v})
	}
	r.Headers = (*headers)[from:len(*headers):len(*headers)]
	return c.transforms.applySink(stop, r, c.retries)
}

// judge decides about a consumed record.
func (c *sinkConversion) judge(m *sarama.ConsumerMessage, f *fault) error {
	tp := connect.TopicPartition{Topic: m.Topic, Partition: m.Partition}
	return c.errant.judge(f, consumedAt(tp, m.Offset), func() string {
		if m.Timestamp.IsZero() {
			return consumedRecordText(tp, m.Offset, 0, connect.NoTimestampType)
		}
		return consumedRecordText(tp, m.Offset, m.Timestamp.UnixMilli(), connect.CreateTime)
	})
}

// report decides about a record that the plugin refuses. Where there is a queue the letter is for it, also beside an error. It may be called from any
// goroutine.
func (c *sinkConversion) report(r *connect.SinkRecord, cause error) (letter *deadLetter, err error) {
	f := &fault{stage: stagePut, class: classPut, cause: cause}
	if c.letters.topic != "" {
		l, err := c.reported(r, f)
		if err != nil {
			return nil, err
		}
		letter = &l
	}
	return letter, c.errant.judge(f, consumedAt(r.Consumed, r.Offset), func() string {
		return consumedRecordText(r.Consumed, r.Offset, r.Timestamp, r.TimestampType)
	})
}

// reported makes the letter of a record that the plugin refuses: as it was consumed or, where the plugin made it, as the converters write it
// (org.apache.kafka.connect.runtime.errors.WorkerErrantRecordReporter).
func (c *sinkConversion) reported(r *connect.SinkRecord, f *fault) (deadLetter, error) {
	if m, ok := r.Raw().(*sarama.ConsumerMessage); ok {
		return c.letters.consumed(m, f), nil
	}
	l := deadLetter{about: consumedAt(r.Consumed, r.Offset)}
	if r.Timestamp >= 0 {
		l.timestamp = time.UnixMilli(r.Timestamp)
	}
	seats, err := c.remake()
	if err != nil {
		return l, err
	}
	var room converters.Arena
	if l.key, err = seats.key.Encode(&room, r.Topic, r.KeySchema, r.Key); err != nil {
		return l, fmt.Errorf("writing the key of a reported record: %w", err)
	}
	if l.value, err = seats.value.Encode(&room, r.Topic, r.ValueSchema, r.Value); err != nil {
		return l, fmt.Errorf("writing the value of a reported record: %w", err)
	}
	for _, h := range r.Headers {
		data, err := seats.header.EncodeHeader(&room, r.Topic, h.Key, h.Schema, h.Value)
		if err != nil {
			return l, fmt.Errorf("writing the header %q of a reported record: %w", h.Key, err)
		}
		l.headers = append(l.headers, sarama.RecordHeader{Key: []byte(h.Key), Value: data})
	}
	l.headers = c.letters.ofConsumed(l.headers, r.Consumed, r.Offset, f)
	return l, nil
}

// consumedAt names a record for people.
func consumedAt(tp connect.TopicPartition, offset int64) string {
	return fmt.Sprintf("the record at offset %d of %s-%d", offset, tp.Topic, tp.Partition)
}
