package worker

import (
	"context"
	"maps"
	"strconv"
	"testing"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// routed are keys of a connector that sends a topic elsewhere.
func routed(keys connect.Config) connect.Config {
	all := connect.Config{
		"transforms.route.type": "RegexRouter", "transforms.route.regex": "(.*)", "transforms.route.replacement": "$1-routed",
	}
	maps.Copy(all, keys)
	return all
}

func TestARecordThatATransformDropsMovesTheOffsetInItsPlace(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t", "t-routed"})
	n := &numbers{topic: "t", last: 50, batch: 7}
	// Each third record has a header, by which a predicate knows it.
	marked := script{open: n.open, ack: n.ack, poll: func(_ context.Context, b *connect.Batch) error {
		n.fill(b)
		for i := range b.Records() {
			if r := &b.Records()[i]; r.Tag%3 == 0 {
				r.Header("drop", nil, connect.Boolean(true))
			}
		}
		return nil
	}}
	id := s.start("a", marked, connect.Config{
		"transforms": "drop", "transforms.drop.type": "Filter", "transforms.drop.predicate": "isMarked",
		"predicates": "isMarked", "predicates.isMarked.type": "HasHeaderKey", "predicates.isMarked.name": "drop",
	})
	s.acknowledged(n)
	s.eventually("the offset behind the last record", func() bool { return s.stored(id, n) == 50 })
	for _, r := range n.receipts() {
		if r.Tag%3 == 0 {
			assert.Equal(t, connect.Filtered, r.Outcome)
		} else {
			assert.Equal(t, connect.Produced, r.Outcome)
		}
	}
	var want []string
	for i := 1; i <= 50; i++ {
		if i%3 != 0 {
			want = append(want, strconv.Itoa(i))
		}
	}
	assert.Equal(t, want, s.values("t"))
}

func TestWhereEveryRecordIsDroppedTheOffsetStillMoves(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	n := &numbers{topic: "t", last: 20, batch: 5}
	id := s.start("a", n.script(), connect.Config{"transforms": "drop", "transforms.drop.type": "Filter"})
	s.acknowledged(n)
	s.eventually("the offset behind the last record", func() bool { return s.stored(id, n) == 20 })
	assert.Empty(t, s.values("t"))
}

func TestANegatedPredicateSparesWhatItIsTrueOf(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t", "u", "t-routed", "u-routed"})
	for _, topic := range []string{"t", "u"} {
		n := &numbers{topic: topic, last: 3, batch: 3}
		s.start("of-"+topic, n.script(), routed(connect.Config{
			"transforms": "route", "transforms.route.predicate": "isT", "transforms.route.negate": "true",
			"predicates": "isT", "predicates.isT.type": "TopicNameMatches", "predicates.isT.pattern": "t",
		}))
		s.acknowledged(n)
	}
	assert.Equal(t, numbersUpTo(3), s.values("t"))
	assert.Equal(t, numbersUpTo(3), s.values("u-routed"))
	assert.Empty(t, s.values("u"))
	assert.Empty(t, s.values("t-routed"))
}

func TestARecordGoesToTheTopicThatTheTransformsGiveItAndItsReceiptSaysSo(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t", "t-routed"})
	n := &numbers{topic: "t", last: 10, batch: 4}
	s.start("a", n.script(), routed(connect.Config{"transforms": "route"}))
	s.acknowledged(n)
	assert.Equal(t, numbersUpTo(10), s.values("t-routed"))
	assert.Equal(t, "t-routed", n.receipts()[0].Topic)
}

func TestATransformThatCannotBeBuiltFailsTheTaskAndNamesTheKey(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	n := &numbers{topic: "t", last: 1, batch: 1}
	id := s.start("a", n.script(), connect.Config{"transforms": "a", "transforms.a.type": "ValueToKey"})
	s.shows(id, Failed, "transforms.a.fields: ")
	id = s.start("b", n.script(), connect.Config{"transforms": "a", "transforms.a.type": "Filter", "transforms.a.predicate": "nobody"})
	s.shows(id, Failed, "predicates.nobody.type: ")
}

func TestARecordThatATransformRefusesIsJudgedByTheErrorKeys(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	strict, lenient := &numbers{topic: "t", last: 5, batch: 5}, &numbers{topic: "t", last: 5, batch: 5}
	config := connect.Config{"transforms": "mask", "transforms.mask.type": "org.apache.kafka.connect.transforms.MaskField$Value", "transforms.mask.fields": "f"}
	id := s.start("strict", strict.script(), config)
	s.shows(id, Failed, "TRANSFORMATION of ")
	config["errors.tolerance"] = "all"
	id = s.start("lenient", lenient.script(), config)
	s.acknowledged(lenient)
	s.eventually("the offset behind the last record", func() bool { return s.stored(id, lenient) == 5 })
	assert.Equal(t, connect.Dropped, lenient.receipts()[0].Outcome)
	assert.Empty(t, s.values("t"))
}

func TestASinksTransformsKnowTheOffsetAndSeeTheHeaders(t *testing.T) {
	t.Parallel()
	book := &sinkScriptBook{}
	bed := newSinkScriptBed(t, testbed.Embedded(t), sinkScriptKeeping(book))
	testbed.CreateTopic(t, bed.direct, "t", 2, nil)
	maps.Copy(bed.config, routed(connect.Config{
		"value.converter": "JsonConverter", "value.converter.schemas.enable": "false",
		"transforms": "route,offset,header,drop", "transforms.offset.type": "org.apache.kafka.connect.transforms.InsertField$Value", "transforms.offset.offset.field": "at",
		"transforms.header.type": "InsertHeader", "transforms.header.header": "new", "transforms.header.value.literal": "7",
		"transforms.drop.type": "DropHeaders", "transforms.drop.headers": "old",
	}))
	testbed.ProduceTo(t, bed.direct, &sarama.ProducerMessage{
		Topic: "t", Partition: 1, Value: sarama.StringEncoder(`{"a":1}`),
		Headers: []sarama.RecordHeader{{Key: []byte("old"), Value: []byte("x")}, {Key: []byte("kept"), Value: []byte("y")}},
	}, &sarama.ProducerMessage{Topic: "t", Partition: 1, Value: sarama.StringEncoder(`{"a":2}`)})
	bed.run(sinkScriptID(0))
	bed.within("two records", func() bool { return book.size() == 2 })
	bed.commits(connect.Offsets{sinkScriptAt(1): 2})
	bed.stop()

	first, second := book.records[0], book.records[1]
	assert.Equal(t, "t-routed", first.Topic)
	assert.Equal(t, sinkScriptAt(1), first.Consumed, "where it was read stays")
	assert.Equal(t, map[any]any{"a": int64(1), "at": int64(0)}, first.Value.Any())
	assert.Equal(t, map[any]any{"a": int64(2), "at": int64(1)}, second.Value.Any())
	require.Len(t, first.Headers, 2)
	assert.Equal(t, "kept", first.Headers[0].Key)
	assert.Equal(t, "new", first.Headers[1].Key)
	require.Len(t, second.Headers, 1, "each record has headers of its own")
}

// Offsets, revocations and restarts go by the partition that was consumed, whatever the transforms call it.
func TestASinkWhoseTopicsAreRenamedGoesOnWhereItWasAfterARestart(t *testing.T) {
	t.Parallel()
	book := &sinkScriptBook{}
	bed := newSinkScriptBed(t, testbed.Embedded(t), sinkScriptKeeping(book))
	testbed.CreateTopic(t, bed.direct, "t", 2, nil)
	maps.Copy(bed.config, routed(connect.Config{
		"transforms": "route,drop", "transforms.drop.type": "Filter", "transforms.drop.predicate": "isGone",
		"predicates": "isGone", "predicates.isGone.type": "RecordIsTombstone",
	}))
	bed.produce(0, 5)
	testbed.ProduceTo(t, bed.direct, &sarama.ProducerMessage{Topic: "t", Partition: 1}, &sarama.ProducerMessage{Topic: "t", Partition: 1})
	bed.run(sinkScriptID(0))
	bed.commits(connect.Offsets{sinkScriptAt(0): 5, sinkScriptAt(1): 2})
	bed.run(sinkScriptID(0), sinkScriptID(1)) // each gets one of the partitions
	bed.hasMembers(2)
	bed.produce(0, 2)
	bed.produce(1, 2)
	bed.commits(connect.Offsets{sinkScriptAt(0): 7, sinkScriptAt(1): 4})
	bed.stop()
	assert.Equal(t, map[connect.TopicPartition][]int64{sinkScriptAt(0): sinkScriptRange(0, 7), sinkScriptAt(1): {2, 3}}, book.offsets())
}
