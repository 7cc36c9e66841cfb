package mqtt

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

// script is a socket whose server says what is written down, in pieces.
type script struct {
	net.Conn
	said   []byte
	pieces func() int
}

func (s *script) Read(p []byte) (int, error) {
	if len(s.said) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.said[:min(len(s.said), max(1, s.pieces()))])
	s.said = s.said[n:]
	return n, nil
}

// taker is an owner that keeps what it gets, in words and as it came.
type taker struct {
	mu    sync.Mutex
	words []string
	came  []message
	held  *queue // nil holds nothing back
}

func (o *taker) publishes(_ *conn, came []message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, m := range came {
		o.words = append(o.words, fmt.Sprintf("PUBLISH %s %d", m.pub.Topic, m.pub.PacketID))
	}
	o.came = append(o.came, came...)
	if o.held != nil {
		o.held.push(came)
	}
}

func (o *taker) answers(_ *conn, came []answer) {
	for _, a := range came {
		o.words = append(o.words, fmt.Sprintf("answer %d %d", a.kind, a.id))
	}
}

func (o *taker) gate() gate {
	if o.held == nil {
		return nil
	}
	return o.held
}

func (o *taker) drained() {}

func (o *taker) suspended() <-chan struct{} { return nil }

// listen makes a connection on which the server says what is given, and returns the other end of what is written.
func listen(t testing.TB, o *taker, most int, said []byte, pieces func() int) (c *conn, written net.Conn) {
	mine, peer := net.Pipe()
	c = newConn(&script{Conn: mine, said: said, pieces: pieces}, o, most, nil)
	c.announce(&packets.Properties{TopicAliasMaximum: pointer[uint16](3)})
	t.Cleanup(func() { peer.Close(); c.Close() })
	return c, peer
}

func whole() int { return 1 << 30 }

// readAll reads as paho does until the connection ends, and returns the types of its packets.
func readAll(c *conn) (kinds []byte, err error) {
	for {
		p, err := packets.ReadPacket(c)
		if err != nil {
			return kinds, err
		}
		kinds = append(kinds, p.Type)
	}
}

func connack(t testing.TB) []byte {
	return encode(t, &packets.Connack{Properties: &packets.Properties{}})
}

// numbered is PUBLISH n, with a payload that tells it.
func publishNumber(n, size int) *packets.Publish {
	return &packets.Publish{
		Topic: fmt.Sprintf("t/%d", n), QoS: 1, PacketID: uint16(n%65535 + 1), Properties: &packets.Properties{},
		Payload: bytes.Repeat([]byte{byte(n)}, size),
	}
}

func TestOwnerGetsMessagesAndAnswersAndPahoTheRestHoweverTheyAreCut(t *testing.T) {
	var said bytes.Buffer
	said.Write(connack(t))
	const messages = 3000
	var want []string
	var wantKinds = []byte{packets.CONNACK}
	var sizes []int
	for n := range messages {
		size := rand.IntN(400)
		if n%700 == 699 {
			size = chunkBytes + rand.IntN(3*chunkBytes)
		}
		sizes = append(sizes, size)
		p := publishNumber(n, size)
		said.Write(encode(t, p))
		want = append(want, fmt.Sprintf("PUBLISH %s %d", p.Topic, p.PacketID))
		switch n % 50 {
		case 10:
			said.Write(encode(t, &packets.Pubrel{PacketID: p.PacketID, Properties: &packets.Properties{}}))
			want = append(want, fmt.Sprintf("answer %d %d", packets.PUBREL, p.PacketID))
		case 20:
			said.Write(encode(t, &packets.Suback{PacketID: 1, Reasons: []byte{1}, Properties: &packets.Properties{}}))
			wantKinds = append(wantKinds, packets.SUBACK)
		case 30:
			said.Write(encode(t, &packets.Pingresp{}))
			wantKinds = append(wantKinds, packets.PINGRESP)
		}
	}
	for name, pieces := range map[string]func() int{
		"all at once": whole,
		"bytes":       func() int { return 1 },
		"pieces":      func() int { return rand.IntN(2000) },
	} {
		t.Run(name, func(t *testing.T) {
			o := new(taker)
			c, _ := listen(t, o, payloadMost, bytes.Clone(said.Bytes()), pieces)
			kinds, err := readAll(c)
			require.ErrorIs(t, err, io.EOF)
			assert.Equal(t, wantKinds, kinds)
			require.Equal(t, want, o.words)
			for n, m := range o.came { // nothing that came later was written over what came before
				require.Equal(t, sizes[n], len(m.pub.Payload))
				require.Zero(t, len(bytes.Trim(m.pub.Payload, string([]byte{byte(n)}))), "message %d", n)
				require.Equal(t, cap(m.pub.Payload), len(m.pub.Payload))
			}
		})
	}
}

func TestPayloadThatIsTooLongIsLeftOutAndTheNextMessageComes(t *testing.T) {
	for name, size := range map[string]int{"a little": 1001, "more than is read": 3 * headMost} {
		t.Run(name, func(t *testing.T) {
			long := everyProperty()
			long.Payload = make([]byte, size)
			said := append(connack(t), encode(t, long)...)
			said = append(said, encode(t, publishNumber(2, 1000))...)
			o := new(taker)
			c, _ := listen(t, o, 1000, said, func() int { return 5000 })
			_, err := readAll(c)
			require.ErrorIs(t, err, io.EOF)
			require.Len(t, o.came, 2)
			assert.Equal(t, size, o.came[0].tooLong)
			assert.Nil(t, o.came[0].pub.Payload)
			assert.Equal(t, everyProperty().Properties, o.came[0].pub.Properties)
			assert.Zero(t, o.came[1].tooLong)
			assert.Len(t, o.came[1].pub.Payload, 1000)
			assert.LessOrEqual(t, len(c.in.chunk), 2*headMost, "bytes of memory")
		})
	}
}

func TestBrokenPacketEndsTheConnectionWithItsReasonCode(t *testing.T) {
	broken := []byte{packets.PUBLISH<<4 | 6, 6, 0, 1, 'a', 0, 1, 0}
	for name, c := range map[string]struct {
		said []byte
		code byte
		text string
		came int
	}{
		"malformed":        {append(append(connack(t), encode(t, publishNumber(1, 10))...), broken...), 0x81, "reason code 0x81): a PUBLISH has QoS 3", 1},
		"before CONNACK":   {encode(t, publishNumber(1, 10)), 0x82, "before CONNACK", 0},
		"SUBACK too large": {append(connack(t), packets.SUBACK<<4, 0xff, 0xff, 0xff, 0x7f), 0x95, "268435460 bytes", 0},
	} {
		t.Run(name, func(t *testing.T) {
			o := new(taker)
			conn, peer := listen(t, o, payloadMost, c.said, whole)
			_, err := readAll(conn)
			assert.ErrorContains(t, err, c.text)
			assert.Len(t, o.came, c.came, "what came before it counts")
			said := make([]byte, 3)
			require.NoError(t, peer.SetReadDeadline(time.Now().Add(patience)))
			_, err = io.ReadFull(peer, said)
			require.NoError(t, err)
			assert.Equal(t, []byte{packets.DISCONNECT << 4, 1, c.code}, said)
		})
	}
}

func TestBrokenPacketOfMQTT311EndsTheConnectionWithoutAWord(t *testing.T) {
	conn, peer := listen(t, new(taker), payloadMost, []byte{packets.CONNACK << 4, 2, 0, 0, packets.PUBLISH<<4 | 6, 0}, whole)
	conn.speak3()
	_, err := io.ReadFull(conn, make([]byte, 4))
	require.NoError(t, err)
	_, err = conn.Read(make([]byte, 1))
	assert.ErrorContains(t, err, "QoS 3")
	go conn.Close()
	said, _ := io.ReadAll(peer)
	assert.Empty(t, said, "DISCONNECT has no reason code there")
}

func TestReaderStopsAtTheGateAndGoesOn(t *testing.T) {
	const messages, room = 5000, 600
	said := connack(t)
	for n := range messages {
		said = append(said, encode(t, publishNumber(n, 5))...)
	}
	o := &taker{held: newQueue(room, 1<<30, blockReader)}
	c, _ := listen(t, o, payloadMost, said, whole)
	ended := make(chan error, 1)
	go func() {
		_, err := readAll(c)
		ended <- err
	}()
	got := 0
	var taken []message
	for got < messages {
		<-o.held.ready
		taken = o.held.take(taken)
		require.Less(t, len(taken), room+messagesAtOnce)
		got += len(taken)
		o.held.drop(len(taken), 0)
	}
	assert.ErrorIs(t, <-ended, io.EOF)
}

func TestReadingAMessageAllocatesNoMoreThanItsBytes(t *testing.T) {
	const messages, size = 20_000, 256
	said := connack(t)
	for n := range messages {
		said = append(said, encode(t, publishNumber(n, size))...)
	}
	c, _ := listen(t, new(taker), payloadMost, said, whole)
	c.owner = probe{newSubscriber(newQueue(1, 1, blockReader), false)}
	result := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.in = stream{c: c, most: payloadMost, atOnce: messagesAtOnce}
			c.Conn.(*script).said = said
			_, _ = readAll(c)
		}
	})
	assert.Less(t, result.AllocsPerOp(), int64(messages/50), "allocations for %d messages", messages)
	assert.Less(t, result.AllocedBytesPerOp(), int64(len(said)*12/10), "bytes allocated for %d that were read", len(said))
}

// FuzzStream holds that nothing a server says makes the reader panic, wait for ever or take much memory.
func FuzzStream(f *testing.F) {
	f.Add(append(connack(f), encode(f, everyProperty())...), 3)
	f.Add([]byte(strings.Repeat("\x30\x04\x00\x01a\x00", 40)), 7)
	f.Fuzz(func(t *testing.T, said []byte, piece int) {
		c, peer := listen(t, new(taker), 1000, said, func() int { return piece % 100 })
		go io.Copy(io.Discard, peer)
		_, err := readAll(c)
		assert.Error(t, err)
		assert.LessOrEqual(t, len(c.in.chunk), otherMost+chunkBytes)
	})
}

// BenchmarkReading reads messages of 256 bytes, from the socket to where they can be polled.
func BenchmarkReading(b *testing.B) {
	plain := publishNumber(1, 256)
	full := everyProperty()
	full.Duplicate, full.Properties.TopicAlias, full.Payload = false, nil, make([]byte, 256)
	for name, p := range map[string]*packets.Publish{"plain": plain, "every property": full} {
		b.Run(name, func(b *testing.B) {
			const messages = 1000
			said := bytes.Repeat(encode(b, p), messages)
			s := newSubscriber(newQueue(1<<30, 1<<50, blockReader), true)
			c, _ := listen(b, new(taker), payloadMost, said, whole)
			require.NoError(b, s.ConAckReceived(c, new(packets.Connect), &packets.Connack{}))
			c.owner, c.in.met = &listener{subscriber: s}, true
			var taken []message
			var done []connect.Receipt
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i%messages > 0 {
					continue
				}
				c.Conn.(*script).said = said
				_, _ = c.in.Read(nil) // its end
				taken = s.queue.take(taken)
				done = done[:0]
				for i := range taken {
					done = append(done, connect.Receipt{Tag: taken[i].tag})
				}
				s.settle(done)
				s.queue.drop(len(taken), 0)
				c.Lock()
				c.out = c.out[:0]
				c.Unlock()
			}
		})
	}
}
