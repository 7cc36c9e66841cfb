package mqtt

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

// wire is a subscriber with a connection whose other end the test reads.
type wire struct {
	t    *testing.T
	s    *subscriber
	peer net.Conn
	conn *conn
}

func newWire(t *testing.T) *wire {
	return &wire{t: t, s: newSubscriber(newQueue(1000, 1<<20, blockReader), true)}
}

// connect begins a connection, after the loss of the one before.
func (w *wire) connect(sessionPresent bool) {
	w.t.Helper()
	var mine net.Conn
	mine, w.peer = net.Pipe()
	w.conn = newConn(mine, probe{w.s}, payloadMost, nil)
	c, peer := w.conn, w.peer
	w.t.Cleanup(func() { peer.Close(); c.Close() })
	require.NoError(w.t, w.s.ConAckReceived(w.conn, new(packets.Connect), &packets.Connack{SessionPresent: sessionPresent}))
}

func (w *wire) lose() {
	w.t.Helper()
	require.NoError(w.t, w.s.ConnectionLost(nil))
}

func (w *wire) publish(id uint16, qos byte, dup bool, payload string) {
	w.t.Helper()
	p := packets.Publish{Topic: "t", PacketID: id, QoS: qos, Duplicate: dup, Payload: []byte(payload), Properties: noProperties}
	w.s.publishes(w.conn, []message{{pub: p}})
}

func (w *wire) release(id uint16) {
	w.t.Helper()
	w.s.answers(w.conn, []answer{{kind: packets.PUBREL, id: id}})
}

// settle gives receipts by tag.
func (w *wire) settle(tags ...uint64) {
	var done []connect.Receipt
	for _, tag := range tags {
		done = append(done, connect.Receipt{Tag: tag})
	}
	w.s.settle(done)
}

// tags are the tags of what was queued since the last call.
func (w *wire) tags() []uint64 {
	var tags []uint64
	for _, m := range w.s.queue.take(nil) {
		tags = append(tags, m.tag)
	}
	return tags
}

// answers reads n acknowledgements, as kind<<16 | id.
func (w *wire) answers(n int) []uint32 {
	w.t.Helper()
	buf := make([]byte, 4*n)
	require.NoError(w.t, w.peer.SetReadDeadline(time.Now().Add(patience)))
	_, err := io.ReadFull(w.peer, buf)
	require.NoError(w.t, err)
	var got []uint32
	for ; len(buf) > 0; buf = buf[4:] {
		got = append(got, uint32(buf[0]>>4)<<16|uint32(buf[2])<<8|uint32(buf[3]))
	}
	return got
}

func answered(kind byte, ids ...uint16) []uint32 {
	var want []uint32
	for _, id := range ids {
		want = append(want, uint32(kind)<<16|uint32(id))
	}
	return want
}

func TestAcknowledgementsLeaveInTheOrderOfTheMessages(t *testing.T) {
	w := newWire(t)
	w.connect(false)
	for id := uint16(1); id <= 4; id++ {
		w.publish(id, 1, false, "x")
	}
	tags := w.tags()
	w.settle(tags[2], tags[1])
	w.settle(tags[0])
	assert.Equal(t, answered(packets.PUBACK, 1, 2, 3), w.answers(3))
	w.settle(tags[3])
	assert.Equal(t, answered(packets.PUBACK, 4), w.answers(1))
}

func TestReceiptOfAnOlderConnectionIsNotWrittenToTheNewOne(t *testing.T) {
	w := newWire(t)
	w.connect(false)
	w.publish(1, 1, false, "old")
	old := w.tags()
	w.lose()
	w.connect(false) // the session is gone: id 1 means another message
	w.publish(1, 1, false, "new")
	fresh := w.tags()
	require.Len(t, fresh, 1)
	w.settle(old...)
	w.publish(2, 1, false, "next")
	w.settle(w.tags()...)
	w.settle(fresh...)
	assert.Equal(t, answered(packets.PUBACK, 1, 2), w.answers(2))
}

func TestRedeliveryAttachesToTheRecordInFlight(t *testing.T) {
	w := newWire(t)
	w.connect(false)
	w.publish(1, 1, false, "a")
	w.publish(2, 1, false, "b")
	tags := w.tags()
	w.lose()
	w.settle(tags[0]) // while there is no connection
	w.connect(true)
	w.publish(1, 1, true, "a")
	w.publish(2, 1, true, "b")
	assert.Empty(t, w.tags(), "neither is produced again")
	assert.Equal(t, answered(packets.PUBACK, 1), w.answers(1))
	w.settle(tags[1])
	assert.Equal(t, answered(packets.PUBACK, 2), w.answers(1))
}

func TestSameIDWithOtherContentOrWithoutDUPIsANewMessage(t *testing.T) {
	w := newWire(t)
	w.connect(false)
	w.publish(1, 1, false, "a")
	w.publish(2, 1, false, "b")
	w.tags()
	w.lose()
	w.connect(true)
	w.publish(1, 1, true, "other")
	w.publish(2, 1, false, "b")
	assert.Len(t, w.tags(), 2)
}

func TestQoS2IDBetweenPUBRECAndPUBCOMPIsAnsweredAndNotProduced(t *testing.T) {
	w := newWire(t)
	w.connect(false)
	w.publish(5, 2, false, "a")
	w.settle(w.tags()...)
	assert.Equal(t, answered(packets.PUBREC, 5), w.answers(1))
	w.lose()
	w.connect(true)
	w.publish(5, 2, true, "a")
	assert.Empty(t, w.tags())
	assert.Equal(t, answered(packets.PUBREC, 5), w.answers(1))
	w.release(5)
	w.release(5) // after a lost PUBCOMP
	assert.Equal(t, answered(packets.PUBCOMP, 5, 5), w.answers(2))
	w.publish(5, 2, false, "b")
	assert.Len(t, w.tags(), 1, "the id is free again")
}

func TestWithAcknowledgementAtOnceNothingWaitsForKafka(t *testing.T) {
	w := newWire(t)
	w.s.atOnce = true
	w.connect(false)
	w.publish(1, 1, false, "a")
	w.publish(2, 2, false, "b")
	got := w.answers(2)
	assert.Equal(t, append(answered(packets.PUBACK, 1), answered(packets.PUBREC, 2)...), got)
	w.settle(w.tags()...) // what Kafka says later changes nothing
	w.release(2)
	assert.Equal(t, answered(packets.PUBCOMP, 2), w.answers(1))
}

func BenchmarkSettle(b *testing.B) {
	s := newSubscriber(newQueue(1<<20, 1<<40, blockReader), true)
	mine, peer := net.Pipe()
	go io.Copy(io.Discard, peer)
	c := newConn(mine, probe{s}, payloadMost, nil)
	defer func() { peer.Close(); c.Close() }()
	require.NoError(b, s.ConAckReceived(c, new(packets.Connect), &packets.Connack{}))
	const window = 1000
	came := make([]message, 1)
	payload := make([]byte, 256)
	done := make([]connect.Receipt, window)
	var taken []message
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		came[0] = message{pub: packets.Publish{Topic: "t", PacketID: uint16(i%window + 1), QoS: 1, Payload: payload, Properties: noProperties}}
		s.publishes(c, came)
		if i%window == window-1 {
			taken = s.queue.take(taken)
			for j := range taken {
				done[j].Tag = taken[j].tag
			}
			s.settle(done[:len(taken)])
			s.queue.drop(len(taken), 0)
		}
	}
}

func TestReadingStopsWhileTheServerIsBeyondTheReceiveMaximum(t *testing.T) {
	w := newWire(t)
	w.s.most = 2
	w.connect(false)
	for id := uint16(1); id <= 2; id++ {
		w.publish(id, 1, false, "x")
	}
	assert.True(t, w.s.queue.open())
	w.publish(3, 1, false, "x")
	assert.False(t, w.s.queue.open())
	tags := w.tags()
	w.settle(tags[1])
	assert.False(t, w.s.queue.open(), "the first is not acknowledged")
	w.settle(tags[0])
	assert.True(t, w.s.queue.open())
	assert.Equal(t, answered(packets.PUBACK, 1, 2), w.answers(2))
	w.conn.speak3()
	w.publish(4, 1, false, "x")
	assert.False(t, w.s.queue.open())
	w.lose()
	assert.True(t, w.s.queue.open(), "the next connection is read")
}

func TestNoMorePUBRECsThanTheWindowWaitForTheirPUBREL(t *testing.T) {
	w := newWire(t)
	w.s.most = 2
	w.connect(false)
	for id := uint16(1); id <= 5; id++ {
		w.publish(id, 2, false, "x")
		w.settle(w.tags()...)
	}
	assert.True(t, w.s.queue.open(), "those in Kafka are no reason to stop, and the PUBRELs must be read")
	assert.Equal(t, answered(packets.PUBREC, 1, 2), w.answers(2))
	w.release(2)
	assert.Equal(t, append(answered(packets.PUBCOMP, 2), answered(packets.PUBREC, 3)...), w.answers(2))
	w.release(1)
	w.release(3)
	assert.Equal(t, append(append(append(answered(packets.PUBCOMP, 1), answered(packets.PUBREC, 4)...),
		answered(packets.PUBCOMP, 3)...), answered(packets.PUBREC, 5)...), w.answers(4))
	w.lose()
	w.connect(true)
	for id := uint16(4); id <= 5; id++ {
		w.publish(id, 2, true, "x")
	}
	assert.Equal(t, answered(packets.PUBREC, 4, 5), w.answers(2), "what an earlier connection waited for is no matter")
	assert.Empty(t, w.tags())
}

func TestMoreMessagesThanTheWindowAreReadWhileAnAnswerIsAwaited(t *testing.T) {
	s := newSubscriber(nil, true)
	s.most = 2
	for id := range uint16(3) {
		s.window.push(flight{id: id + 1})
	}
	assert.True(t, s.crowded())
	s.requests[9] = make(chan packets.ControlPacket, 1)
	assert.False(t, s.crowded(), "the SUBACK may be behind them")
	for id := range uint16(2) {
		s.window.push(flight{id: id + 4})
	}
	assert.True(t, s.crowded(), "but no more than another window")
}
