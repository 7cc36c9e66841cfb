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

// sourceConversion turns a batch of a source into producer messages. It belongs to the task's goroutine, but for refused.
type sourceConversion struct {
	classes    seatClasses
	transforms chain
	key, value converters.Converter
	header     converters.HeaderConverter
	errant     *errantPolicy
	retries    *retries
	letters    letterhead
	json       *converters.JSON // what dead letters show in place of what cannot be converted
	original   connect.Record   // the record in hand before transforms, where somebody may ask for it
}

// slotOverhead is what a record costs in memory beside its bytes: the slot, sarama's message and its place in a request.
const slotOverhead = 400

// fill converts the records into the slots of s, which must be as many. A record that is filtered or tolerated away gets a slot that is
// skipped, so that its offset moves in its place in the order, or that carries its dead letter. With an error s is cut to the records
// before the bad one, and likewise with errLetGo, when stop ended while an operation was repeated.
func (c *sourceConversion) fill(stop context.Context, s *slab, records []connect.SourceRecord) error {
	for i := range records {
		r := &records[i]
		sl := &s.slots[i]
		sl.receipt = connect.Receipt{
			Source: r.Source, Offset: r.Offset, Tag: r.Tag, Topic: r.Topic, KafkaPartition: -1, KafkaOffset: -1,
		}
		if r.Advances() {
			sl.skip(connect.Filtered)
			continue
		}
		keep, f := c.record(stop, s, sl, r)
		if f != nil {
			if err := c.errantRecord(sl, r, f); err != nil {
				sl.clear()
				s.slots = s.slots[:i]
				return err
			}
		} else if !keep {
			sl.skip(connect.Filtered)
		}
	}
	return nil
}

// errantRecord makes the slot that of a record which could not be converted, or returns why the records end before it.
func (c *sourceConversion) errantRecord(sl *slot, r *connect.SourceRecord, f *fault) error {
	if errors.Is(f.cause, errLetGo) {
		return errLetGo
	}
	original := &r.Record
	if c.keepsOriginal() {
		original = &c.original
	}
	err := c.errant.judge(f, describe(r.Source, r.Offset, r.Topic), func() string { return sourceRecordText(r, original) })
	if err != nil {
		return err
	}
	if c.letters.topic == "" {
		sl.skip(connect.Dropped)
		return nil
	}
	c.letter(sl, original, f)
	c.errant.metrics.letters.Inc()
	return nil
}

// keepsOriginal reports whether record keeps what transforms are about to change. They change copies of what a record points to, so that the
// record alone has to be copied.
func (c *sourceConversion) keepsOriginal() bool {
	return len(c.transforms) > 0 && (c.letters.topic != "" || c.errant.logRecords)
}

// record converts one record.
func (c *sourceConversion) record(stop context.Context, s *slab, sl *slot, r *connect.SourceRecord) (keep bool, failed *fault) {
	if c.keepsOriginal() {
		c.original = r.Record
	}
	if cause := r.Rejected(); cause != nil {
		return false, &fault{stage: stagePoll, class: c.classes.task, cause: cause}
	}
	if keep, failed := c.transforms.apply(stop, &r.Record, c.retries); failed != nil || !keep {
		return false, failed
	}
	for i := range r.Headers {
		h := &r.Headers[i]
		data, err := c.header.EncodeHeader(&s.arena, r.Topic, h.Key, h.Schema, h.Value)
		if err != nil {
			err = c.retries.repeat(stop, err, func() (err error) {
				data, err = c.header.EncodeHeader(&s.arena, r.Topic, h.Key, h.Schema, h.Value)
				return err
			})
		}
		if err != nil {
			return false, &fault{stage: stageHeader, class: c.classes.header, cause: fmt.Errorf("header %q: %w", h.Key, err)}
		}
		name := s.arena.Keep(append(s.arena.Room(), h.Key...))
		sl.headers = append(sl.headers, sarama.RecordHeader{Key: name, Value: data})
		sl.size += len(h.Key) + len(data)
	}
	key, err := c.key.Encode(&s.arena, r.Topic, r.KeySchema, r.Key)
	if err != nil {
		err = c.retries.repeat(stop, err, func() (err error) {
			key, err = c.key.Encode(&s.arena, r.Topic, r.KeySchema, r.Key)
			return err
		})
	}
	if err != nil {
		return false, &fault{stage: stageKey, class: c.classes.key, cause: err}
	}
	value, err := c.value.Encode(&s.arena, r.Topic, r.ValueSchema, r.Value)
	if err != nil {
		err = c.retries.repeat(stop, err, func() (err error) {
			value, err = c.value.Encode(&s.arena, r.Topic, r.ValueSchema, r.Value)
			return err
		})
	}
	if err != nil {
		return false, &fault{stage: stageValue, class: c.classes.value, cause: err}
	}
	sl.key, sl.value, sl.partition = key, value, r.Partition
	sl.size += slotOverhead + len(key) + len(value)
	sl.receipt.Topic, sl.msg.Topic = r.Topic, r.Topic
	if r.Timestamp >= 0 {
		sl.msg.Timestamp = time.UnixMilli(r.Timestamp)
	}
	sl.arm()
	return true, nil
}

// skip makes the slot one that Kafka does not get.
func (s *slot) skip(o connect.Outcome) {
	s.skipped = true
	s.receipt.Outcome, s.receipt.Topic, s.receipt.KafkaPartition, s.receipt.KafkaOffset = o, "", -1, -1
}

// describe names a record for people, without its content.
func describe(source *connect.Partition, at connect.Offset, topic string) string {
	if source == nil {
		return "a record for topic " + topic
	}
	return fmt.Sprintf("the record of %s at %s for topic %s", source, at, topic)
}

// refused decides about a record that Kafka does not take: nil makes its slot a dead letter, where there is a queue, or has it dropped. It may be called
// from any goroutine.
func (c *sourceConversion) refused(s *slot, cause error) error {
	where := describe(s.receipt.Source, s.receipt.Offset, s.msg.Topic)
	if s.letter {
		if s.spared(cause) {
			s.shorten()
			return nil
		}
		c.errant.metrics.lettersFailed.Inc()
		return c.letters.refusal(where, cause)
	}
	f := &fault{stage: stageProduce, class: classProduce, cause: cause}
	err := c.errant.judge(f, where, func() string { return ", where source record is of " + where })
	if err != nil || c.letters.topic == "" {
		return err
	}
	s.address(&c.letters, s.msg.Topic, f)
	c.errant.metrics.letters.Inc()
	return nil
}
