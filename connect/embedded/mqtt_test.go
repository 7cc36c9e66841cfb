package embedded

import (
	"context"
	"fmt"
	"math"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func startMQTT(t *testing.T, cfg MQTTConfig) *MQTT {
	t.Helper()
	m, err := StartMQTT(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, m.Close()) })
	return m
}

// device is a paho client and the numbers it has received, in their order.
type device struct {
	*paho.Client
	present bool // the broker had a session

	mu    sync.Mutex
	got   []int
	topic string // of the last
	more  chan struct{}

	broken atomic.Pointer[broken]
}

// broken is why a client lost its connection.
type broken struct {
	reason byte
	err    error
}

type dial struct {
	id      string
	window  uint16
	resume  bool
	aliases uint16      // topic aliases it takes
	pause   func()      // runs before each acknowledgement
	nothing atomic.Bool // acknowledge nothing
}

func connect(t *testing.T, m *MQTT, d *dial) *device {
	t.Helper()
	conn, err := net.Dial("tcp", m.Addr())
	require.NoError(t, err)
	dev := &device{more: make(chan struct{}, 1)}
	cfg := paho.ClientConfig{Conn: conn, EnableManualAcknowledgment: true, SendAcksInterval: time.Millisecond}
	cfg.OnPublishReceived = append(cfg.OnPublishReceived, func(pr paho.PublishReceived) (bool, error) {
		n, _ := strconv.Atoi(string(pr.Packet.Payload))
		dev.mu.Lock()
		dev.got, dev.topic = append(dev.got, n), pr.Packet.Topic
		dev.mu.Unlock()
		select {
		case dev.more <- struct{}{}:
		default:
		}
		if d.pause != nil {
			d.pause()
		}
		if d.nothing.Load() {
			return true, nil
		}
		return true, pr.Client.Ack(pr.Packet)
	})
	cfg.OnServerDisconnect = func(d *paho.Disconnect) { dev.broken.Store(&broken{reason: d.ReasonCode}) }
	cfg.OnClientError = func(err error) { dev.broken.Store(&broken{err: err}) }
	dev.Client = paho.NewClient(cfg)
	cp := &paho.Connect{ClientID: d.id, CleanStart: !d.resume, KeepAlive: 30, Properties: &paho.ConnectProperties{}}
	if d.window > 0 {
		cp.Properties.ReceiveMaximum = &d.window
	}
	if d.aliases > 0 {
		cp.Properties.TopicAliasMaximum = &d.aliases
	}
	forever := uint32(math.MaxUint32)
	cp.Properties.SessionExpiryInterval = &forever
	ack, err := dev.Connect(t.Context(), cp)
	require.NoError(t, err)
	require.Zero(t, ack.ReasonCode)
	dev.present = ack.SessionPresent
	t.Cleanup(func() { _ = conn.Close() })
	return dev
}

func (d *device) subscribe(t *testing.T, filter string, qos byte) {
	t.Helper()
	_, err := d.Subscribe(t.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: filter, QoS: qos}}})
	require.NoError(t, err)
}

// publish sends the numbers from..to-1, at full speed with as many in flight as the broker takes.
func (d *device) publish(ctx context.Context, topic string, qos byte, from, to int) error {
	for i := from; i < to; i++ {
		pk := &paho.Publish{Topic: topic, QoS: qos, Payload: []byte(strconv.Itoa(i))}
		if _, err := d.PublishWithOptions(ctx, pk, paho.PublishOptions{Method: paho.PublishMethod_AsyncSend}); err != nil {
			return fmt.Errorf("publishing %d: %w", i, err)
		}
	}
	return nil
}

func (d *device) received() []int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]int(nil), d.got...)
}

// await waits for n messages; it fails when nothing comes for ten seconds.
func (d *device) await(t *testing.T, n int) []int {
	t.Helper()
	for {
		if got := d.received(); len(got) >= n {
			return got
		}
		select {
		case <-d.more:
		case <-time.After(10 * time.Second):
			require.FailNow(t, "stalled", "%d of %d messages", len(d.received()), n)
		}
	}
}

func requireInOrder(t *testing.T, got []int, n int) {
	t.Helper()
	require.Equal(t, n, len(got))
	for i, v := range got {
		require.Equal(t, i, v, "message %d", i)
	}
}

func TestAtFullSpeedNothingStallsIsLostOrReordered(t *testing.T) {
	for _, window := range []uint16{1, 20, 1000, 0} {
		for _, qos := range []byte{1, 2} {
			t.Run(fmt.Sprintf("receive maximum %d, QoS %d", window, qos), func(t *testing.T) {
				m := startMQTT(t, MQTTConfig{})
				n := 5000
				if window == 1 || qos == 2 {
					n = 500
				}
				sub := connect(t, m, &dial{id: "sub", window: window})
				sub.subscribe(t, "s/#", qos)
				pub := connect(t, m, &dial{id: "pub"})
				sent := make(chan error, 1)
				go func() { sent <- pub.publish(t.Context(), "s/1", qos, 0, n) }()
				got := sub.await(t, n)
				require.NoError(t, <-sent)
				requireInOrder(t, got, n)
				require.Zero(t, m.Stats().Dropped)
			})
		}
	}
}

func TestASlowSubscriberSlowsItsPublishersAndLosesNothing(t *testing.T) {
	m := startMQTT(t, MQTTConfig{HoldAt: 100})
	slow := connect(t, m, &dial{id: "slow", window: 20, pause: func() { <-time.After(200 * time.Microsecond) }})
	slow.subscribe(t, "slow", 1)
	fast := connect(t, m, &dial{id: "fast", window: 20})
	fast.subscribe(t, "fast", 1)

	const n = 3000
	pubs := make(chan error, 2)
	for _, topic := range []string{"slow", "fast"} {
		p := connect(t, m, &dial{id: "to-" + topic})
		go func() { pubs <- p.publish(t.Context(), topic, 1, 0, n) }()
	}
	requireInOrder(t, fast.await(t, n), n)
	assert.Less(t, len(slow.received()), n, "the fast one waits for the slow one")
	requireInOrder(t, slow.await(t, n), n)
	require.NoError(t, <-pubs)
	require.NoError(t, <-pubs)
	assert.Zero(t, m.Stats().Dropped)
}

func TestTheBrokerKeepsToTheReceiveMaximum(t *testing.T) {
	m := startMQTT(t, MQTTConfig{})
	d := &dial{id: "sub", window: 20}
	d.nothing.Store(true)
	sub := connect(t, m, d)
	sub.subscribe(t, "t", 1)
	for i := range 100 {
		require.NoError(t, m.Publish(t.Context(), "t", []byte(strconv.Itoa(i)), 1, false))
	}
	sub.await(t, 20)
	require.NoError(t, sub.Disconnect(&paho.Disconnect{}))
	requireInOrder(t, sub.received(), 20)

	again := connect(t, m, &dial{id: "sub", window: 20, resume: true})
	require.True(t, again.present)
	requireInOrder(t, again.await(t, 100), 100)
}

func TestMessagesThatComeAgainHaveTheirTopic(t *testing.T) {
	m := startMQTT(t, MQTTConfig{})
	d := &dial{id: "sub", aliases: 10}
	d.nothing.Store(true)
	sub := connect(t, m, d)
	sub.subscribe(t, "t/+", 1)
	for i := range 3 {
		require.NoError(t, m.Publish(t.Context(), "t/1", []byte(strconv.Itoa(i)), 1, false))
	}
	sub.await(t, 3)
	require.NoError(t, sub.Disconnect(&paho.Disconnect{}))
	again := connect(t, m, &dial{id: "sub", aliases: 10, resume: true})
	requireInOrder(t, again.await(t, 3), 3)
	again.mu.Lock()
	defer again.mu.Unlock()
	assert.Equal(t, "t/1", again.topic, "an alias of the connection before says nothing to this one")
}

func TestASessionThatMovesUnderLoadLosesNothing(t *testing.T) {
	m := startMQTT(t, MQTTConfig{})
	sub := connect(t, m, &dial{id: "sub", window: 50})
	sub.subscribe(t, "t", 1)
	pub := connect(t, m, &dial{id: "pub"})
	const n = 8000
	sent := make(chan error, 1)
	go func() { sent <- pub.publish(t.Context(), "t", 1, 0, n) }()

	connections := []*device{sub}
	for range 10 { // each takes the session over
		sub.await(t, 300)
		sub = connect(t, m, &dial{id: "sub", window: 50, resume: true})
		require.True(t, sub.present)
		connections = append(connections, sub)
	}
	require.NoError(t, <-sent)
	for got := sub.await(t, 1); got[len(got)-1] != n-1; {
		got = sub.await(t, len(got)+1)
	}
	seen := make(map[int]bool)
	for _, c := range connections {
		got := c.received()
		assert.IsIncreasing(t, got, "on one connection the order is kept")
		for _, v := range got {
			seen[v] = true
		}
	}
	assert.Len(t, seen, n)
	assert.Zero(t, m.Stats().Dropped)
}

func TestSimulatedDevicesPublishInProcess(t *testing.T) {
	m := startMQTT(t, MQTTConfig{HoldAt: 50})
	sub := connect(t, m, &dial{id: "sub", window: 20})
	sub.subscribe(t, "+", 1)
	const devices, each = 10, 500
	var wg sync.WaitGroup
	for d := range devices {
		wg.Go(func() {
			for i := range each {
				assert.NoError(t, m.Publish(t.Context(), strconv.Itoa(d), []byte(strconv.Itoa(i)), 1, false))
			}
		})
	}
	wg.Wait()
	assert.Len(t, sub.await(t, devices*each), devices*each)
	stats := m.Stats()
	assert.Zero(t, stats.Dropped)
	assert.GreaterOrEqual(t, stats.Received, int64(devices*each))
	assert.GreaterOrEqual(t, stats.Sent, int64(devices*each))
	assert.EqualValues(t, 1, stats.Clients)
}

func TestASubscriberThatStandsStillHoldsPublishersOnlySoLong(t *testing.T) {
	m := startMQTT(t, MQTTConfig{HoldAt: 10})
	m.pace.limit = 500 * time.Millisecond
	d := &dial{id: "stuck", window: 5}
	d.nothing.Store(true)
	stuck := connect(t, m, d)
	stuck.subscribe(t, "t", 1)
	for i := range 10 {
		require.NoError(t, m.Publish(t.Context(), "t", []byte(strconv.Itoa(i)), 1, false))
	}
	impatient, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, m.Publish(impatient, "t", []byte("10"), 1, false), context.DeadlineExceeded)
	require.NoError(t, m.Publish(t.Context(), "other", nil, 1, false), "its publishers only")
	start := time.Now()
	for i := range 100 {
		require.NoError(t, m.Publish(t.Context(), "t", []byte(strconv.Itoa(10+i)), 1, false))
	}
	assert.Less(t, time.Since(start), holdLimit)
	assert.EqualValues(t, 110, m.Stats().Waiting)
}

func TestClosingDoesNotWaitForSilentClients(t *testing.T) {
	m, err := StartMQTT(t.Context(), MQTTConfig{})
	require.NoError(t, err)
	silent, err := net.Dial("tcp", m.Addr())
	require.NoError(t, err)
	defer func() { _ = silent.Close() }()
	sub := connect(t, m, &dial{id: "sub"})
	closed := make(chan error, 1)
	go func() { closed <- m.Close() }()
	select {
	case err := <-closed:
		require.NoError(t, err)
	case <-time.After(5 * time.Second):
		require.FailNow(t, "Close hangs")
	}
	select {
	case <-sub.Done():
	case <-time.After(5 * time.Second):
		require.FailNow(t, "the client was not disconnected")
	}
	require.Error(t, m.Publish(t.Context(), "t", nil, 0, false))
	require.NoError(t, m.Close())
}

// A thousand messages a second from the process and a client at full speed, to subscribers with small and large windows: for three
// seconds, or ten minutes with SLUICE_SOAK set.
func TestNothingStallsOrIsDroppedUnderLoad(t *testing.T) {
	length := 3 * time.Second
	if os.Getenv("SLUICE_SOAK") != "" {
		length = 10 * time.Minute
	}
	m := startMQTT(t, MQTTConfig{})
	subs := []*device{}
	for _, window := range []uint16{20, 1000} {
		sub := connect(t, m, &dial{id: fmt.Sprint("sub", window), window: window})
		sub.subscribe(t, "demo/#", 1)
		sub.subscribe(t, "load/#", 1)
		subs = append(subs, sub)
	}
	pub := connect(t, m, &dial{id: "pub"})
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	var sent atomic.Int64
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			if err := pub.publish(t.Context(), "load/1", 1, i, i+1); !assert.NoError(t, err) {
				return
			}
			sent.Add(1)
		}
	})
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		<-tick.C
		for range 10 {
			require.NoError(t, m.Publish(t.Context(), "demo/1", []byte("0"), 1, false))
			sent.Add(1)
		}
	}
	wg.Wait()
	t.Logf("%d messages, %+v", sent.Load(), m.Stats())
	require.Nil(t, pub.broken.Load())
	for _, sub := range subs {
		sub.await(t, int(sent.Load()))
	}
	stats := m.Stats()
	assert.Zero(t, stats.Dropped)
	t.Logf("%d messages, %+v", sent.Load(), stats)
}
