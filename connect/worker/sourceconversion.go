package worker

import (
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/converters"
)

// sourceConversion turns a batch of a source into producer messages. It belongs to the task's goroutine, but for refused.
type sourceConversion struct {
	transforms chain
	key, value converters.Converter
	header     converters.HeaderConverter
	errant     *errantPolicy
}

// slotOverhead is what a record costs in memory beside its bytes: the slot, sarama's message and its place in a request.
const slotOverhead = 400

// fill converts the records into the slots of s, which must be as many. A record that is filtered or tolerated away gets a slot that is
// settled from the start, so that its offset moves in its place in the order. With an error s is cut to the records before the bad one.
func (c *sourceConversion) fill(s *slab, records []connect.SourceRecord) error {
	for i := range records {
		r := &records[i]
		sl := &s.slots[i]
		sl.receipt = connect.Receipt{
			Source: r.Source, Offset: r.Offset, Tag: r.Tag, Topic: r.Topic, KafkaPartition: -1, KafkaOffset: -1,
		}
		at, keep, err := c.record(s, sl, r)
		if err != nil {
			if err := c.errant.judge(at, describe(r.Source, r.Offset, r.Topic), err); err != nil {
				sl.clear()
				s.slots = s.slots[:i]
				return err
			}
			sl.settle(connect.Dropped)
		} else if !keep {
			sl.settle(connect.Filtered)
		}
	}
	return nil
}

// record converts one record. at is where err happened.
func (c *sourceConversion) record(s *slab, sl *slot, r *connect.SourceRecord) (at stageName, keep bool, err error) {
	if cause := r.Rejected(); cause != nil {
		return stagePoll, false, cause
	}
	if keep, err := c.transforms.apply(&r.Record); err != nil || !keep {
		return stageTransform, false, err
	}
	for i := range r.Headers {
		h := &r.Headers[i]
		data, err := c.header.EncodeHeader(&s.arena, r.Topic, h.Key, h.Schema, h.Value)
		if err != nil {
			return stageHeader, false, fmt.Errorf("header %q: %w", h.Key, err)
		}
		name := s.arena.Keep(append(s.arena.Room(), h.Key...))
		sl.headers = append(sl.headers, sarama.RecordHeader{Key: name, Value: data})
		sl.size += len(h.Key) + len(data)
	}
	key, err := c.key.Encode(&s.arena, r.Topic, r.KeySchema, r.Key)
	if err != nil {
		return stageKey, false, err
	}
	value, err := c.value.Encode(&s.arena, r.Topic, r.ValueSchema, r.Value)
	if err != nil {
		return stageValue, false, err
	}
	sl.key, sl.value, sl.partition = key, value, r.Partition
	sl.size += slotOverhead + len(key) + len(value)
	sl.receipt.Topic, sl.msg.Topic = r.Topic, r.Topic
	if r.Timestamp >= 0 {
		sl.msg.Timestamp = time.UnixMilli(r.Timestamp)
	}
	sl.arm()
	return "", true, nil
}

// settle makes the slot one that Kafka does not get.
func (s *slot) settle(o connect.Outcome) {
	s.settled = true
	s.receipt.Outcome, s.receipt.Topic = o, ""
}

// describe names a record for people, without its content.
func describe(source *connect.Partition, at connect.Offset, topic string) string {
	if source == nil {
		return "a record for topic " + topic
	}
	return fmt.Sprintf("the record of %s at %s for topic %s", source, at, topic)
}

// refused decides about a record that Kafka does not take. It may be called from any goroutine.
func (c *sourceConversion) refused(s *slot, cause error) error {
	return c.errant.judge(stageProduce, describe(s.receipt.Source, s.receipt.Offset, s.msg.Topic), cause)
}
