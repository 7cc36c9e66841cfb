package deadletters

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect/kafkaclient"
	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/internal/testbed"
)

func TestMain(m *testing.M) { testbed.Main(m) }

const within = time.Minute

// onEveryKafka runs a test on the embedded Kafka and, unless the tests shall be short, on a real one. Names begin with the prefix.
func onEveryKafka(t *testing.T, test func(t *testing.T, addr, prefix string)) {
	t.Parallel()
	t.Run("embedded", func(t *testing.T) { test(t, testbed.Embedded(t), testbed.Prefix(t)) })
	t.Run("real", func(t *testing.T) {
		if testing.Short() {
			t.Skip("runs programs: not with -short")
		}
		test(t, testbed.SharedKafka(t), testbed.Prefix(t))
	})
}

func header(name, value string) sarama.RecordHeader {
	return sarama.RecordHeader{Key: []byte(name), Value: []byte(value)}
}

// letter is a sink's record as Java writes it into a queue.
func letter(queue, connector, topic string, partition int, offset int64, m sarama.ProducerMessage) *sarama.ProducerMessage {
	m.Topic = queue
	m.Headers = append(m.Headers[:len(m.Headers):len(m.Headers)],
		header(HeaderTopic, topic), header(HeaderPartition, strconv.Itoa(partition)), header(HeaderOffset, strconv.FormatInt(offset, 10)),
		header(HeaderConnector, connector), header(HeaderTask, "0"), header(HeaderStage, "VALUE_CONVERTER"),
		header(HeaderClass, "org.apache.kafka.connect.json.JsonConverter"), header(HeaderException, "org.apache.kafka.connect.errors.DataException"),
		header(HeaderMessage, "no JSON"), header(HeaderTrace, "org.apache...\n"))
	return &m
}

// replayOf is a replay of a connector's letters at a Kafka.
func replayOf(t *testing.T, addr, queue, connector string) *Replay {
	t.Helper()
	clients := kafkaclient.Properties{"bootstrap.servers": addr}
	settings, err := kafkaclient.AdminSettings(clients)
	require.NoError(t, err)
	kafka := stores.Kafka{
		Brokers: settings.Brokers, Config: settings.For(settings.Dialer(nil)), Explain: func(err error) error { return kafkaclient.Explain(err, settings) },
	}
	return &Replay{Queue: Open(kafka, queue), Connector: connector, Clients: clients}
}

func inTime(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), within)
	t.Cleanup(cancel)
	return ctx
}

// replayed looks and runs, and returns how many letters were sent.
func replayed(t *testing.T, r *Replay) int {
	t.Helper()
	o, err := r.Look(inTime(t))
	require.NoError(t, err)
	require.Empty(t, o.Refused)
	last := 0
	sent, err := r.Run(inTime(t), o, func(n int) { last = n })
	require.NoError(t, err)
	require.LessOrEqual(t, sent, o.Sent, "Look may not see yet what was committed a moment ago: Run does")
	require.Equal(t, sent, last, "progress tells of all that was sent")
	return sent
}

// record is what must come back as it was.
type record struct {
	partition  int32
	key, value string
	headers    []string
	at         time.Time
}

func shown(b []byte) string {
	if b == nil {
		return "null"
	}
	return fmt.Sprintf("%q", b)
}

func records(messages []*sarama.ConsumerMessage) (all []record) {
	for _, m := range messages {
		r := record{partition: m.Partition, key: shown(m.Key), value: shown(m.Value), at: m.Timestamp.UTC()}
		for _, h := range m.Headers {
			r.headers = append(r.headers, string(h.Key)+"="+shown(h.Value))
		}
		all = append(all, r)
	}
	return all
}

func TestLettersComeBackExactlyAsTheyWereAndOnce(t *testing.T) {
	onEveryKafka(t, func(t *testing.T, addr, prefix string) {
		lines, queue := prefix+"lines", prefix+"dead"
		testbed.CreateTopic(t, addr, lines, 3, nil)
		testbed.CreateTopic(t, addr, queue, 1, nil)
		at := time.Now().Add(-time.Hour).Truncate(time.Millisecond).UTC()
		own := []sarama.RecordHeader{header("own", "a"), {Key: []byte("own"), Value: []byte{0xff, 0}}, {Key: []byte("none")}, {Key: []byte("empty"), Value: []byte{}}}
		originals := []sarama.ProducerMessage{
			{Value: sarama.StringEncoder("no JSON"), Timestamp: at, Headers: own},
			{Key: sarama.StringEncoder("k"), Timestamp: at.Add(time.Second)},
			{Key: sarama.ByteEncoder{}, Value: sarama.ByteEncoder{}, Timestamp: at.Add(2 * time.Second)},
			{Key: sarama.ByteEncoder{0, 0xff}, Value: sarama.ByteEncoder{0xff}, Timestamp: at.Add(3 * time.Second)},
		}
		var letters []*sarama.ProducerMessage
		for i, m := range originals {
			letters = append(letters, letter(queue, "lake", lines, 2-i%2, int64(i), m))
		}
		letters = append(letters, letter(queue, "other", lines, 0, 9, sarama.ProducerMessage{Value: sarama.StringEncoder("another's")}))
		testbed.ProduceTo(t, addr, letters...)

		r := replayOf(t, addr, queue, "lake")
		o, err := r.Look(inTime(t))
		require.NoError(t, err)
		assert.Equal(t, map[string]int{lines: 4}, o.Topics)
		assert.Equal(t, 1, o.Others)
		count, waiting, err := r.Backlog(inTime(t))
		require.NoError(t, err)
		assert.Equal(t, []int64{5, 5}, []int64{count, waiting})

		assert.Equal(t, 4, replayed(t, r))
		assert.Zero(t, replayed(t, r), "a second replay does not send again")
		assert.Zero(t, replayed(t, replayOf(t, addr, queue, "lake")), "nor does one from elsewhere")
		count, waiting, err = r.Backlog(inTime(t))
		require.NoError(t, err)
		assert.Equal(t, []int64{5, 0}, []int64{count, waiting})

		testbed.ProduceTo(t, addr, letter(queue, "lake", lines, 0, 10, sarama.ProducerMessage{Value: sarama.StringEncoder("later"), Timestamp: at}))
		assert.Equal(t, 1, replayed(t, r), "what has come since is sent")
		assert.Equal(t, 1, replayed(t, replayOf(t, addr, queue, "other")), "the other connector's are its own affair")

		byPartition := map[int32][]record{}
		for _, one := range records(testbed.Consume(t, addr, lines, 7, 3*time.Second)) {
			byPartition[one.partition] = append(byPartition[one.partition], one)
		}
		assert.Equal(t, []record{
			{2, "null", `"no JSON"`, []string{`own="a"`, `own="\xff\x00"`, "none=null", `empty=""`}, at},
			{2, `""`, `""`, nil, at.Add(2 * time.Second)},
		}, byPartition[2])
		assert.Equal(t, []record{
			{1, `"k"`, "null", nil, at.Add(time.Second)},
			{1, `"\x00\xff"`, `"\xff"`, nil, at.Add(3 * time.Second)},
		}, byPartition[1])
		require.Len(t, byPartition[0], 2)
		assert.Equal(t, `"later"`, byPartition[0][0].value)
	})
}

func TestAReplayThatIsCutOffGoesOnWhereItWas(t *testing.T) {
	onEveryKafka(t, func(t *testing.T, addr, prefix string) {
		const count = 3*batchLetters + 17
		lines, queue := prefix+"lines", prefix+"dead"
		testbed.CreateTopic(t, addr, lines, 1, nil)
		testbed.CreateTopic(t, addr, queue, 1, nil)
		var letters []*sarama.ProducerMessage
		for i := range count {
			letters = append(letters, letter(queue, "lake", lines, 0, int64(i), sarama.ProducerMessage{Value: sarama.StringEncoder(strconv.Itoa(i))}))
		}
		testbed.ProduceTo(t, addr, letters...)
		r := replayOf(t, addr, queue, "lake")
		o, err := r.Look(inTime(t))
		require.NoError(t, err)
		ctx, cancel := context.WithCancelCause(inTime(t))
		enough := errors.New("enough")
		sent, err := r.Run(ctx, o, func(int) { cancel(enough) })
		require.ErrorIs(t, err, enough)
		require.Equal(t, batchLetters, sent)
		assert.Equal(t, count-batchLetters, replayed(t, r))
		messages := testbed.Consume(t, addr, lines, count+1, 3*time.Second)
		require.Len(t, messages, count)
		for i, m := range messages {
			require.Equal(t, strconv.Itoa(i), string(m.Value), "each once, in order")
		}
	})
}

func TestOfTwoReplaysAtOnceTheLaterOneEndsTheOther(t *testing.T) {
	onEveryKafka(t, func(t *testing.T, addr, prefix string) {
		const count = 2 * batchLetters
		lines, queue := prefix+"lines", prefix+"dead"
		testbed.CreateTopic(t, addr, lines, 1, nil)
		testbed.CreateTopic(t, addr, queue, 1, nil)
		var letters []*sarama.ProducerMessage
		for i := range count {
			letters = append(letters, letter(queue, "lake", lines, 0, int64(i), sarama.ProducerMessage{Value: sarama.StringEncoder(strconv.Itoa(i))}))
		}
		testbed.ProduceTo(t, addr, letters...)
		first := replayOf(t, addr, queue, "lake")
		o, err := first.Look(inTime(t))
		require.NoError(t, err)
		second := 0
		_, err = first.Run(inTime(t), o, func(n int) {
			if n == batchLetters {
				second = replayed(t, replayOf(t, addr, queue, "lake"))
			}
		})
		require.Error(t, err)
		assert.Contains(t, err.Error(), "has taken over")
		assert.Equal(t, count-batchLetters, second)
		assert.Len(t, testbed.Consume(t, addr, lines, count+1, 3*time.Second), count)
	})
}

func TestLettersThatCannotBeSentAreCountedByTheReason(t *testing.T) {
	t.Parallel()
	addr := testbed.Embedded(t)
	testbed.CreateTopic(t, addr, "lines", 1, nil)
	testbed.CreateTopic(t, addr, "dead", 1, nil)
	value := sarama.StringEncoder("x")
	testbed.ProduceTo(t, addr,
		&sarama.ProducerMessage{Topic: "dead", Value: value},
		&sarama.ProducerMessage{Topic: "dead", Value: value, Headers: []sarama.RecordHeader{header(HeaderTopic, "lines"), header(HeaderSourcePartition, `{"f":"x"}`), header(HeaderConnector, "c")}},
		&sarama.ProducerMessage{Topic: "dead", Value: value, Headers: []sarama.RecordHeader{header(HeaderTopic, "lines"), header(HeaderValueSize, "9"), header(HeaderConnector, "c")}},
		letter("dead", "c", "gone", 0, 1, sarama.ProducerMessage{Value: value}),
		letter("dead", "c", "lines", 7, 1, sarama.ProducerMessage{Value: value}),
	)
	r := replayOf(t, addr, "dead", "c")
	o, err := r.Look(inTime(t))
	require.NoError(t, err)
	assert.Equal(t, map[string]int{"lines": 1}, o.Topics)
	assert.Equal(t, 4, o.Refusals())
	assert.Equal(t, 1, o.Refused[reasonNowhere])
	assert.Equal(t, 1, o.Refused[reasonAsPolled])
	assert.Equal(t, 1, o.Refused[reasonCut])

	r.To, r.AsPolled = "lines", true
	o, err = r.Look(inTime(t))
	require.NoError(t, err)
	assert.Equal(t, map[string]int{"lines": 3}, o.Topics)
	sent, err := r.Run(inTime(t), o, func(int) {})
	require.NoError(t, err)
	assert.Equal(t, 3, sent)
	assert.Len(t, testbed.Consume(t, addr, "lines", 4, 2*time.Second), 3, "a partition that the topic has no more gives way")
}

func TestTheNewestLettersAreFoundWhereverTheyAre(t *testing.T) {
	t.Parallel()
	addr := testbed.Embedded(t)
	testbed.CreateTopic(t, addr, "dead", 2, nil)
	at := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	var letters []*sarama.ProducerMessage
	for i := range 40 {
		connector := "c"
		if i >= 20 {
			connector = "other"
		}
		m := letter("dead", connector, "lines", 0, int64(i), sarama.ProducerMessage{Value: sarama.StringEncoder(strconv.Itoa(i)), Timestamp: at.Add(time.Duration(i) * time.Second)})
		m.Partition = int32(i % 2)
		letters = append(letters, m)
	}
	testbed.ProduceTo(t, addr, letters...)
	queue := replayOf(t, addr, "dead", "c").Queue
	newest, err := queue.Newest(inTime(t), 3, func(l *Letter) bool { return l.Connector == "c" })
	require.NoError(t, err)
	var values []string
	for _, l := range newest {
		values = append(values, string(l.Value))
	}
	assert.Equal(t, []string{"17", "18", "19"}, values)
	assert.Equal(t, Context{
		Topic: "lines", Offset: 19, Connector: "c", Task: "0", Stage: "VALUE_CONVERTER", Class: "org.apache.kafka.connect.json.JsonConverter",
		Exception: "org.apache.kafka.connect.errors.DataException", Message: "no JSON", Trace: "org.apache...\n",
	}, newest[2].Context)
	assert.Empty(t, newest[2].Headers)

	_, err = Open(queue.Kafka, "nowhere").Newest(inTime(t), 1, func(*Letter) bool { return true })
	assert.ErrorContains(t, err, "nowhere")
}

func TestALetterThatCameRoundAgainTellsOfTheLastTime(t *testing.T) {
	c, own := contextOf([]*sarama.RecordHeader{
		{Key: []byte("own"), Value: []byte("a")}, {Key: []byte(HeaderTopic), Value: []byte("first")}, {Key: []byte(HeaderStage), Value: []byte("TASK_PUT")},
		{Key: []byte(HeaderTopic), Value: []byte("second")}, {Key: []byte(HeaderPartition), Value: []byte("1")},
	})
	assert.Equal(t, "second", c.Topic)
	assert.False(t, c.Source)
	assert.Equal(t, []sarama.RecordHeader{header("own", "a")}, own)
}

func TestAQueueOfTransactionsIsReadToItsEndWithoutWhatWasAborted(t *testing.T) {
	onEveryKafka(t, func(t *testing.T, addr, prefix string) {
		lines, queue := prefix+"lines", prefix+"dead"
		testbed.CreateTopic(t, addr, lines, 1, nil)
		testbed.CreateTopic(t, addr, queue, 1, nil)
		settings, err := kafkaclient.ProducerSettings(kafkaclient.Properties{"bootstrap.servers": addr, "transactional.id": prefix + "source"})
		require.NoError(t, err)
		producer, err := sarama.NewSyncProducer(settings.Brokers, settings.Sarama)
		require.NoError(t, err)
		defer func() { require.NoError(t, producer.Close()) }()
		for i, end := range []func() error{producer.CommitTxn, producer.AbortTxn, producer.CommitTxn, producer.AbortTxn} {
			require.NoError(t, producer.BeginTxn())
			_, _, err := producer.SendMessage(letter(queue, "lake", lines, 0, int64(i), sarama.ProducerMessage{Value: sarama.StringEncoder(strconv.Itoa(i))}))
			require.NoError(t, err)
			require.NoError(t, end())
		}
		r := replayOf(t, addr, queue, "lake")
		newest, err := r.Queue.Newest(inTime(t), 10, func(*Letter) bool { return true })
		require.NoError(t, err)
		assert.Len(t, newest, 2)
		assert.Equal(t, 2, replayed(t, r))
		assert.Zero(t, replayed(t, r))
		var values []string
		for _, m := range testbed.Consume(t, addr, lines, 3, 3*time.Second) {
			values = append(values, string(m.Value))
		}
		assert.Equal(t, []string{"0", "2"}, values)
	})
}
