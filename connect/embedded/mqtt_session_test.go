package embedded

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A session that changes its connections again and again, with acknowledgements held in between, hears each message once a connection and in order, and
// none that it has acknowledged.
func TestASessionHearsEachMessageOnceAConnectionAndNoneThatItHasSettled(t *testing.T) {
	for version, windows := range map[byte][]uint16{4: {0}, 5: {0, 20}} {
		for _, window := range windows {
			for _, qos := range []byte{1, 2} {
				t.Run(fmt.Sprintf("version %d, QoS %d, receive maximum %d", version, qos, window), func(t *testing.T) {
					t.Parallel()
					holdAndReturn(t, version, qos, window, rand.New(rand.NewPCG(1, 0)))
				})
			}
		}
	}
}

func holdAndReturn(t *testing.T, version, qos byte, window uint16, random *rand.Rand) {
	m := startMQTT(t, MQTTConfig{})
	s := &session{t: t, m: m, version: version, qos: qos, window: window, settled: map[int]bool{}}
	s.connect()
	s.subscribe()
	for range 12 {
		published := make(chan error, 1)
		from, n := s.sent, random.IntN(100)
		s.sent += n
		go func() { published <- s.publish(from, from+n) }()
		if random.IntN(3) == 0 {
			require.NoError(t, <-published)
			close(published)
			s.hear()
			s.settle(random.IntN(len(s.held) + 1))
		}
		switch random.IntN(4) {
		case 0: // it goes on
		case 1:
			_ = s.conn.Close()
			s.connect()
		case 2:
			s.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Disconnect}})
			_ = s.conn.Close()
			s.connect()
		case 3: // taken over
			s.connect()
		}
		require.NoError(t, <-published)
	}
	require.NoError(t, s.publish(s.sent, s.sent+1))
	for len(s.heard) == 0 || s.heard[len(s.heard)-1] != s.sent { // what was acknowledged into a connection that ended may come again
		s.take(s.next())
		s.settle(len(s.held))
	}
	assert.IsIncreasing(t, append([]int{-1}, s.heard...))
	assert.Len(t, s.settled, s.sent+1)
	s.ping()
	s.connect()
	require.NoError(t, s.publish(s.sent+1, s.sent+2))
	s.take(s.next())
	assert.Equal(t, []int{s.sent + 1}, s.heard, "after a return with nothing held, what is new comes first")
	stats := m.Stats()
	assert.Zero(t, stats.Dropped)
	assert.EqualValues(t, 1, stats.Waiting)
}

// session is a client on the level of packets, which acknowledges what and when the test says, over one connection after another.
type session struct {
	t       *testing.T
	m       *MQTT
	version byte // 4 is MQTT 3.1.1
	qos     byte
	window  uint16 // 0 for none
	sent    int
	settled map[int]bool // numbers that were acknowledged

	conn     net.Conn
	in       chan packets.Packet // closed when the connection ends
	held     []packets.Packet    // PUBLISH packets of this connection that were not acknowledged
	heard    []int               // numbers that came over this connection
	releases map[uint16]bool     // packet identifiers whose PUBREL is to come
}

func (s *session) publish(from, to int) error {
	for i := from; i < to; i++ {
		if err := s.m.Publish(s.t.Context(), "t", []byte(strconv.Itoa(i)), s.qos, false); err != nil {
			return err
		}
	}
	return nil
}

// connect begins the next connection. One that still stands is taken over.
func (s *session) connect() {
	s.t.Helper()
	returns, last := s.conn != nil, s.conn
	conn, err := net.Dial("tcp", s.m.Addr())
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = conn.Close() })
	s.conn, s.in, s.held, s.heard, s.releases = conn, make(chan packets.Packet, 1<<16), nil, nil, map[uint16]bool{}
	go read(conn, s.version, s.in)
	hello := packets.Packet{
		FixedHeader: packets.FixedHeader{Type: packets.Connect},
		Connect:     packets.ConnectParams{ProtocolName: []byte("MQTT"), ClientIdentifier: "s", Keepalive: 30},
	}
	if s.version == 5 {
		hello.Properties.SessionExpiryInterval, hello.Properties.SessionExpiryIntervalFlag = math.MaxUint32, true
		hello.Properties.ReceiveMaximum, hello.Properties.TopicAliasMaximum = s.window, 10
	}
	s.send(hello)
	ack := s.next()
	require.Equal(s.t, packets.Connack, ack.FixedHeader.Type)
	require.Zero(s.t, ack.ReasonCode)
	require.Equal(s.t, returns, ack.SessionPresent)
	if last != nil {
		_ = last.Close()
	}
}

func (s *session) subscribe() {
	s.t.Helper()
	s.send(packets.Packet{
		FixedHeader: packets.FixedHeader{Type: packets.Subscribe, Qos: 1}, PacketID: math.MaxUint16,
		Filters: packets.Subscriptions{{Filter: "t", Qos: s.qos}},
	})
	require.Equal(s.t, packets.Suback, s.next().FixedHeader.Type)
}

// ping waits until the broker has read everything, and QoS 2 has come to its end.
func (s *session) ping() {
	s.t.Helper()
	for len(s.releases) > 0 {
		s.take(s.next())
	}
	s.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Pingreq}})
	require.Equal(s.t, packets.Pingresp, s.next().FixedHeader.Type)
}

// hear takes what comes until as much is held as the window lets through.
func (s *session) hear() {
	s.t.Helper()
	most := math.MaxUint16
	if s.window > 0 {
		most = int(s.window)
	}
	for len(s.held) < min(most, s.sent-len(s.settled)) || len(s.releases) > 0 {
		s.take(s.next())
	}
	assert.IsIncreasing(s.t, append([]int{-1}, s.heard...))
}

// take handles one packet; PUBLISH packets are held.
func (s *session) take(pk packets.Packet) {
	s.t.Helper()
	switch pk.FixedHeader.Type {
	case packets.Publish:
		require.Equal(s.t, "t", pk.TopicName)
		s.held, s.heard = append(s.held, pk), append(s.heard, number(pk))
	case packets.Pubrel:
		delete(s.releases, pk.PacketID)
		s.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Pubcomp}, PacketID: pk.PacketID})
	default:
		require.FailNow(s.t, "an unexpected packet", "%v", pk)
	}
}

func number(pk packets.Packet) int {
	n, _ := strconv.Atoi(string(pk.Payload))
	return n
}

// settle acknowledges the oldest n that are held.
func (s *session) settle(n int) {
	answer := packets.Puback
	if s.qos == 2 {
		answer = packets.Pubrec
	}
	for _, pk := range s.held[:n] {
		s.settled[number(pk)] = true
		if s.qos == 2 {
			s.releases[pk.PacketID] = true
		}
		s.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: answer}, PacketID: pk.PacketID})
	}
	s.held = s.held[n:]
}

func (s *session) next() packets.Packet {
	s.t.Helper()
	select {
	case pk, ok := <-s.in:
		require.True(s.t, ok, "the broker ended the connection")
		return pk
	case <-time.After(10 * time.Second):
		require.FailNow(s.t, "nothing comes")
		return packets.Packet{}
	}
}

func (s *session) send(pk packets.Packet) {
	pk.ProtocolVersion = s.version
	var buf bytes.Buffer
	var err error
	switch pk.FixedHeader.Type {
	case packets.Connect:
		err = pk.ConnectEncode(&buf)
	case packets.Subscribe:
		err = pk.SubscribeEncode(&buf)
	case packets.Puback:
		err = pk.PubackEncode(&buf)
	case packets.Pubrec:
		err = pk.PubrecEncode(&buf)
	case packets.Pubcomp:
		err = pk.PubcompEncode(&buf)
	case packets.Pingreq:
		err = pk.PingreqEncode(&buf)
	case packets.Disconnect:
		err = pk.DisconnectEncode(&buf)
	}
	require.NoError(s.t, err)
	_, _ = s.conn.Write(buf.Bytes())
}

// read hands on what comes until the connection ends.
func read(conn net.Conn, version byte, to chan<- packets.Packet) {
	defer close(to)
	in := bufio.NewReader(conn)
	for {
		pk, err := readPacket(in, version)
		if err != nil {
			return
		}
		to <- pk
	}
}

func readPacket(in *bufio.Reader, version byte) (packets.Packet, error) {
	pk := packets.Packet{ProtocolVersion: version}
	b, err := in.ReadByte()
	if err != nil {
		return pk, err
	}
	if err := pk.FixedHeader.Decode(b); err != nil {
		return pk, err
	}
	n, _, err := packets.DecodeLength(in)
	if err != nil {
		return pk, err
	}
	pk.FixedHeader.Remaining = n
	body := make([]byte, n)
	if _, err := io.ReadFull(in, body); err != nil {
		return pk, err
	}
	switch pk.FixedHeader.Type {
	case packets.Connack:
		err = pk.ConnackDecode(body)
	case packets.Suback:
		err = pk.SubackDecode(body)
	case packets.Publish:
		err = pk.PublishDecode(body)
	case packets.Pubrel:
		err = pk.PubrelDecode(body)
	case packets.Disconnect:
		err = pk.DisconnectDecode(body)
	}
	return pk, err
}
