package worker

import (
	"strconv"
	"time"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/deadletters"
)

// A source's dead letter takes the record's place: its slot carries a message for the queue's topic through the same producer and the same ring, so
// that it is acknowledged to the source in its turn, and only when Kafka has it.

// letter makes the slot the dead letter of a record that could not be converted. original is what the source polled, before transforms.
func (c *sourceConversion) letter(sl *slot, original *connect.Record, f *fault) {
	room := &sl.slab.arena
	clear(sl.headers)
	sl.headers, sl.size = sl.headers[:0], slotOverhead
	for i := range original.Headers {
		h := &original.Headers[i]
		sl.headers = append(sl.headers, sarama.RecordHeader{Key: []byte(h.Key), Value: legible(room, c.json, h.Schema, h.Value)})
	}
	sl.key = legible(room, c.json, original.KeySchema, original.Key)
	sl.value = legible(room, c.json, original.ValueSchema, original.Value)
	sl.msg.Timestamp = time.Time{}
	if original.Timestamp >= 0 {
		sl.msg.Timestamp = time.UnixMilli(original.Timestamp)
	}
	sl.address(&c.letters, original.Topic, f)
	sl.size += len(sl.key) + len(sl.value)
	for i := range sl.headers {
		sl.size += len(sl.headers[i].Key) + len(sl.headers[i].Value)
	}
}

// address sends what the slot holds to the queue.
func (s *slot) address(l *letterhead, topic string, f *fault) {
	s.headers = l.ofPolled(s.headers, topic, &s.receipt, f)
	s.msg.Topic, s.partition = l.topic, connect.NoPartition
	s.receipt.Outcome, s.receipt.Topic = connect.DeadLettered, ""
	s.letter, s.suspect = true, false
	s.arm()
}

// shownBytes is what stays of a key or a value in a letter that Kafka found too large.
const shownBytes = 1 << 10

// shorten cuts a letter that is too large for its topic to what tells which record it was. The record's own headers go; those of the context stay, and
// others say how large key and value were.
func (s *slot) shorten() {
	own := 0
	for own < len(s.headers) && string(s.headers[own].Key) != deadletters.HeaderTopic {
		own++
	}
	s.headers = append(s.headers[:0], s.headers[own:]...)
	for _, part := range []struct {
		bytes *sarama.ByteEncoder
		size  string
	}{{&s.key, deadletters.HeaderKeySize}, {&s.value, deadletters.HeaderValueSize}} {
		if n := len(*part.bytes); n > shownBytes {
			*part.bytes = (*part.bytes)[:shownBytes]
			s.headers = append(s.headers, header(part.size, strconv.Itoa(n)))
		}
	}
	s.cut, s.suspect = true, false
	s.arm()
}

// spared reports whether the flow goes on without a record that Kafka refuses, where errors are tolerated: as a dead letter, or cut shorter. For a
// letter that the queue does not take there is no other place.
func (s *slot) spared(cause error) bool { return !s.letter || !s.cut && tooLarge(cause) }
