package mqtt

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/eclipse/paho.golang/packets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

// worker is an exactly-once task without a link, and the Kafka behind it.
type worker struct {
	t       *testing.T
	cfg     connect.Config
	stored  connect.Offset
	topic   []string       // what is committed
	task    *sourceTask    // of the present life
	conn    *conn          // nil between connections
	batch   *connect.Batch // reused
	flights [][]connect.SourceRecord
}

func newWorker(t *testing.T, stored connect.Offset) *worker {
	w := &worker{t: t, stored: stored, cfg: connect.Config{"kafka.topic": "readings", "topic.regex.list": `drop:nothing`, "mqtt.headers.enabled": "false"}}
	w.batch = connect.NewBatch(7, 1<<20)
	w.start()
	return w
}

// start begins a life of the task with the stored offset; what was not committed is gone.
func (w *worker) start() {
	maps, err := newMapping(w.cfg)
	require.NoError(w.t, err)
	w.conn, w.flights = nil, nil
	w.task = &sourceTask{
		inflow: inflow{subscriber: newSubscriber(newQueue(1000, 1<<20, blockReader), true),
			offset: connect.NewOffset(connect.Attr{Name: "filters", Value: connect.String("t/#")})},
		mapping: maps, batchSize: 5,
	}
	require.NoError(w.t, w.task.beExact(w.stored))
}

// connect begins a connection on which nothing is sent: what is written stays in conn.out.
func (w *worker) connect(sessionPresent bool) {
	w.conn = &conn{wake: make(chan struct{}, 1)}
	w.conn.in.c = w.conn
	require.NoError(w.t, w.task.subscriber.ConAckReceived(w.conn, new(packets.Connect), &packets.Connack{SessionPresent: sessionPresent}))
}

func (w *worker) lose() {
	w.conn = nil
	require.NoError(w.t, w.task.subscriber.ConnectionLost(nil))
}

// poll lets the task poll if there is something, and opens a transaction with that.
func (w *worker) poll() {
	ctx, cancel := context.WithCancel(w.t.Context())
	cancel()
	w.batch.Reset()
	_ = w.task.Poll(ctx, w.batch) // its end where there is nothing
	if w.batch.Len() > 0 {
		w.flights = append(w.flights, append([]connect.SourceRecord(nil), w.batch.Records()...))
	}
}

// commit commits the oldest transaction and tells the task.
func (w *worker) commit() {
	if len(w.flights) == 0 {
		return
	}
	var done []connect.Receipt
	for _, r := range w.flights[0] {
		if !r.Advances() {
			w.topic = append(w.topic, string(r.Value.Bytes()))
		}
		w.stored = r.Offset
		done = append(done, connect.Receipt{Tag: r.Tag})
	}
	w.flights = w.flights[1:]
	require.NoError(w.t, w.task.Ack(w.t.Context(), done))
}

func (w *worker) publish(id uint16, dup bool, payload string) {
	w.task.subscriber.publishes(w.conn, []message{{pub: packets.Publish{
		Topic: "t/1", PacketID: id, QoS: 2, Duplicate: dup, Payload: []byte(payload), Properties: noProperties,
	}}})
}

func (w *worker) release(id uint16) {
	w.task.subscriber.answers(w.conn, []answer{{kind: packets.PUBREL, id: id}})
}

// said is what has been written since the last call, as kind<<16 | id.
func (w *worker) said() (got []uint32) {
	if w.conn == nil {
		return nil
	}
	for b := w.conn.out; len(b) > 0; b = b[4:] {
		got = append(got, uint32(b[0]>>4)<<16|uint32(b[2])<<8|uint32(b[3]))
	}
	w.conn.out = nil
	return got
}

func TestPUBRECAndPUBCOMPFollowTheCommit(t *testing.T) {
	w := newWorker(t, connect.Offset{})
	w.connect(false)
	w.publish(5, false, "a")
	w.poll()
	assert.Empty(t, w.said())
	w.commit()
	assert.Equal(t, answered(packets.PUBREC, 5), w.said())
	w.release(5)
	assert.Empty(t, w.said(), "the offset still has the id")
	w.poll()
	assert.Empty(t, w.said())
	w.commit()
	assert.Equal(t, answered(packets.PUBCOMP, 5), w.said())
	w.release(5) // after a lost PUBCOMP
	assert.Equal(t, answered(packets.PUBCOMP, 5), w.said())
	assert.Equal(t, "", w.stored.Get(receivedName).Str())
	assert.Equal(t, "t/#", w.stored.Get("filters").Str())
	assert.Equal(t, []string{"a"}, w.topic)
}

func TestAKilledTaskKnowsFromItsOffsetWhatKafkaHas(t *testing.T) {
	w := newWorker(t, connect.Offset{})
	w.connect(false)
	w.publish(1, false, "committed")
	w.publish(2, false, "committed too, and released")
	w.poll()
	w.commit()
	w.publish(3, false, "not committed")
	w.poll()
	w.release(2)
	w.start()
	w.connect(true)
	w.publish(1, true, "committed")
	w.release(2)
	w.publish(3, true, "not committed")
	assert.Equal(t, answered(packets.PUBREC, 1), w.said())
	w.poll()
	w.commit()
	assert.Equal(t, append(answered(packets.PUBCOMP, 2), answered(packets.PUBREC, 3)...), w.said())
	assert.Equal(t, []string{"committed", "committed too, and released", "not committed"}, w.topic)
	w.publish(1, false, "another under the same id, of a server that has forgotten")
	w.poll()
	w.commit()
	assert.Len(t, w.topic, 4)
}

func TestALostSessionsOffsetIsEmptiedBeforeAnythingIsSubscribed(t *testing.T) {
	w := newWorker(t, connect.Offset{})
	w.connect(false)
	require.NoError(t, w.task.subscriber.awaitEmptied(t.Context()), "an empty offset need not be emptied")
	w.publish(1, false, "same")
	w.poll()
	w.commit()
	w.publish(2, false, "polled after the loss")
	w.lose()
	w.connect(false)
	short, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, w.task.subscriber.awaitEmptied(short), context.Canceled)
	w.poll()
	w.commit()
	require.NoError(t, w.task.subscriber.awaitEmptied(t.Context()))
	assert.Empty(t, w.stored.Get(receivedName).Str())
	w.publish(1, false, "same")
	w.publish(2, false, "other")
	w.poll()
	w.commit()
	assert.Equal(t, []string{"same", "polled after the loss", "same", "other"}, w.topic)
	assert.Equal(t, answered(packets.PUBREC, 1, 2), w.said())
}

func TestAStoredOffsetThatIsNotReadableStopsTheTask(t *testing.T) {
	for _, text := range []string{"AAAA", "??????????????"} {
		_, err := parseReceived(connect.NewOffset(connect.Attr{Name: receivedName, Value: connect.String(text)}))
		assert.ErrorContains(t, err, "reset the connector's offsets")
	}
}

// sender is a server's side of QoS 2 (MQTT 5 4.3.3): a session with a window of messages.
type sender struct {
	next    int
	window  int
	flights map[uint16]*outward
	order   []uint16
	again   []uint16 // to be sent again on this connection
	lastID  uint16
}

type outward struct {
	payload  string
	now      bool // on this connection
	released bool // PUBREC has come
}

// freeID is small on purpose, so that ids come again soon.
func (s *sender) freeID() uint16 {
	for {
		s.lastID = s.lastID%9 + 1
		if s.flights[s.lastID] == nil {
			return s.lastID
		}
	}
}

// TestEveryMessageIsProducedOnceWhateverBreaksWhenever plays connections, transactions and lives of the task that end at any point.
func TestEveryMessageIsProducedOnceWhateverBreaksWhenever(t *testing.T) {
	const messages = 60
	for seed := range uint64(120) {
		dice := rand.New(rand.NewPCG(seed, 1))
		w := newWorker(t, connect.Offset{})
		s := &sender{window: 1 + dice.IntN(6), flights: map[uint16]*outward{}}
		began := false
		hear := func() {
			for _, word := range w.said() {
				id := uint16(word)
				f := s.flights[id]
				require.NotNil(t, f, "seed %d: an answer for id %d, which is free", seed, id)
				require.True(t, f.now, "seed %d: an answer for id %d, which was not sent on this connection", seed, id)
				if byte(word>>16) == packets.PUBREC {
					f.released = true
					w.release(id)
				} else {
					require.True(t, f.released)
					delete(s.flights, id)
				}
			}
		}
		drop := func() { // whatever was said and not heard is lost
			if w.conn != nil {
				w.lose()
			}
			for _, f := range s.flights {
				f.now = false
			}
		}
		for steps := 0; s.next < messages || len(s.flights) > 0; steps++ {
			require.Less(t, steps, 20_000, "seed %d: nothing moves", seed)
			switch n := dice.IntN(100); {
			case w.conn == nil:
				w.connect(began)
				began = true
				s.again = slices.DeleteFunc(slices.Clone(s.order), func(id uint16) bool { return s.flights[id] == nil })
			case n < 30 && len(s.again) > 0: // MQTT 5 4.4 and 4.6: again, in the order in which they were sent
				id := s.again[0]
				s.again = s.again[1:]
				f := s.flights[id]
				f.now = true
				if f.released {
					w.release(id)
				} else {
					w.publish(id, true, f.payload)
				}
			case n < 30 && s.next < messages && len(s.flights) < s.window:
				id := s.freeID()
				f := &outward{payload: fmt.Sprint(s.next), now: true}
				if dice.IntN(2) == 0 {
					f.payload = "same"
				}
				s.next++
				s.flights[id] = f
				s.order = append(slices.DeleteFunc(s.order, func(old uint16) bool { return old == id }), id)
				w.publish(id, false, f.payload)
			case n < 55:
				w.poll()
			case n < 75:
				w.commit()
			case n < 92:
				hear()
			case n < 97:
				drop()
			default:
				drop()
				w.start()
			}
		}
		require.Len(t, w.topic, messages, "seed %d: %v", seed, w.topic)
	}
}

func TestExactlyOnceIsForMessagesOfQoS2InASessionOfTheTasksOwn(t *testing.T) {
	for _, c := range []struct {
		more []string
		want bool
	}{
		{nil, true},
		{[]string{"mqtt.protocol.version", "5"}, true},
		{[]string{"mqtt.protocol.version", "3.1.1"}, false},
		{[]string{"mqtt.qos", "1"}, false},
		{[]string{"mqtt.clean.session.enabled", "true"}, false},
		{[]string{"mqtt.ack.mode", "received"}, false},
		{[]string{"mqtt.topics", "$share/g/s/+"}, false},
	} {
		cfg := sourceConfig("tcp://127.0.0.1:1883", "s/+", append([]string{"mqtt.qos", "2"}, c.more...)...)
		require.Equal(t, c.want, Source{}.ExactlyOnce(cfg), "%v", c.more)
	}
}

// BenchmarkExactlyOnce takes a message from PUBLISH to PUBCOMP.
func BenchmarkExactlyOnce(b *testing.B) {
	maps, err := newMapping(connect.Config{"kafka.topic": "readings", "mqtt.headers.enabled": "false"})
	require.NoError(b, err)
	task := &sourceTask{inflow: inflow{subscriber: newSubscriber(newQueue(1<<20, 1<<30, blockReader), true), offset: connect.NewOffset()}, mapping: maps, batchSize: 4096}
	require.NoError(b, task.beExact(connect.Offset{}))
	c := &conn{wake: make(chan struct{}, 1)}
	require.NoError(b, task.subscriber.ConAckReceived(c, new(packets.Connect), &packets.Connack{}))
	const window = 1000
	batch := connect.NewBatch(1024, 1<<30)
	came, rels := make([]message, 0, window), make([]answer, 0, window)
	payload := make([]byte, 256)
	var done []connect.Receipt
	turn := func() {
		batch.Reset()
		_ = task.Poll(b.Context(), batch)
		done = done[:0]
		for _, r := range batch.Records() {
			done = append(done, connect.Receipt{Tag: r.Tag})
		}
		_ = task.Ack(b.Context(), done)
		c.out = c.out[:0]
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		id := uint16(i%window + 1)
		came = append(came, message{pub: packets.Publish{Topic: "t", PacketID: id, QoS: 2, Payload: payload, Properties: noProperties}})
		rels = append(rels, answer{kind: packets.PUBREL, id: id})
		if len(came) == window {
			task.subscriber.publishes(c, came)
			turn()
			task.subscriber.answers(c, rels)
			turn()
			came, rels = came[:0], rels[:0]
		}
	}
}
