package kafkaclient

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-connect/sluice/internal/testbed"
)

func TestMain(m *testing.M) { testbed.Main(m) }

// advertised is a listener that gives itself out for another address: that of the proxy in front of it.
type advertised struct {
	net.Listener
	addr net.Addr
}

func (a advertised) Addr() net.Addr { return a.addr }

// behindProxy starts an embedded Kafka that clients reach only through the proxy.
func behindProxy(t *testing.T, options ...kfake.Opt) *testbed.Proxy {
	t.Helper()
	target := fmt.Sprintf("127.0.0.1:%d", testbed.FreePort(t))
	proxy := testbed.StartProxy(t, target)
	addr, err := net.ResolveTCPAddr("tcp", proxy.Addr())
	require.NoError(t, err)
	listen := func(string, string) (net.Listener, error) {
		l, err := net.Listen("tcp", target)
		return advertised{l, addr}, err
	}
	cluster, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.ListenFn(listen), kfake.SeedTopics(3, "t")}, options...)...)
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	return proxy
}

// stream sends numbered records over a few keys and knows what became of them.
type stream struct {
	t        *testing.T
	producer *Producer
	topic    string
	sent     int64
	acked    atomic.Int64
	room     chan struct{} // bounds what is under way
	stop     chan struct{}
	sender   sync.WaitGroup
	reapers  sync.WaitGroup

	mu     sync.Mutex
	failed []error
	waits  int
}

const streamKeys = 7

func producerSettings(t *testing.T, addr string, more Properties) *Settings {
	t.Helper()
	p := Properties{"bootstrap.servers": addr, "client.id": "test"}
	for k, v := range more {
		p[k] = v
	}
	s, err := ProducerSettings(p)
	require.NoError(t, err)
	return s
}

func startStream(t *testing.T, addr, topic string, gate *Gate) *stream {
	t.Helper()
	st := &stream{t: t, topic: topic, room: make(chan struct{}, 5000), stop: make(chan struct{})}
	p, err := NewProducer(t.Context(), producerSettings(t, addr, nil), ProducerOptions{Hold: gate.Shut, Waiting: func(cause error, _ time.Time) {
		st.mu.Lock()
		defer st.mu.Unlock()
		if cause != nil {
			st.waits++
		}
	}})
	require.NoError(t, err)
	st.producer = p
	t.Cleanup(p.Abort)
	st.reapers.Go(func() {
		for range p.Successes() {
			st.acked.Add(1)
			<-st.room
		}
	})
	st.reapers.Go(func() {
		for e := range p.Errors() {
			st.mu.Lock()
			st.failed = append(st.failed, p.Cause(e))
			st.mu.Unlock()
			<-st.room
		}
	})
	st.sender.Go(st.send)
	return st
}

func (st *stream) send() {
	pace := time.NewTicker(time.Millisecond)
	defer pace.Stop()
	for {
		for range 10 {
			select {
			case st.room <- struct{}{}:
			case <-st.stop:
				return
			}
			m := &sarama.ProducerMessage{Topic: st.topic, Key: sarama.StringEncoder("k" + strconv.FormatInt(st.sent%streamKeys, 10)),
				Value: sarama.StringEncoder(strconv.FormatInt(st.sent, 10)), Partition: NoPartition}
			select {
			case st.producer.Input() <- m:
				st.sent++
			case <-st.stop:
				<-st.room
				return
			}
		}
		<-pace.C
	}
}

// progress waits until n more records are acknowledged.
func (st *stream) progress(n int64) {
	st.t.Helper()
	st.await(st.acked.Load() + n)
}

func (st *stream) await(want int64) {
	st.t.Helper()
	testbed.Await(st.t, 40*time.Second, "acknowledgements", func(context.Context) error {
		if got := st.acked.Load(); got < want {
			return fmt.Errorf("%d of %d", got, want)
		}
		return nil
	})
}

// finish ends the stream in an orderly way.
func (st *stream) finish() {
	st.t.Helper()
	close(st.stop)
	st.sender.Wait()
	st.await(st.sent)
	st.producer.AsyncClose()
	st.reapers.Wait()
	st.producer.Abort()
}

// checkWhole reads the topic: every record once, in order per key.
func (st *stream) checkWhole(addr string) {
	st.t.Helper()
	require.Zero(st.t, len(st.failed), "records failed")
	require.Equal(st.t, st.sent, st.acked.Load())
	last := map[string]int64{}
	for k := range int64(streamKeys) {
		last["k"+strconv.FormatInt(k, 10)] = k - streamKeys
	}
	records := readAll(st.t, addr, st.topic)
	for _, r := range records {
		n, err := strconv.ParseInt(string(r.Value), 10, 64)
		require.NoError(st.t, err)
		require.Equal(st.t, last[string(r.Key)]+streamKeys, n, "key %s after %d", r.Key, last[string(r.Key)])
		last[string(r.Key)] = n
	}
	require.EqualValues(st.t, st.sent, len(records))
}

func readAll(t *testing.T, addr, topic string) []*sarama.ConsumerMessage {
	t.Helper()
	s, err := ConsumerSettings(Properties{"bootstrap.servers": addr, "auto.offset.reset": "earliest"})
	require.NoError(t, err)
	s.Sarama.Consumer.Return.Errors = false
	client, err := sarama.NewClient(s.Brokers, s.Sarama)
	require.NoError(t, err)
	defer client.Close()
	consumer, err := sarama.NewConsumerFromClient(client)
	require.NoError(t, err)
	defer consumer.Close()
	partitions, err := consumer.Partitions(topic)
	require.NoError(t, err)
	var all []*sarama.ConsumerMessage
	for _, p := range partitions {
		end, err := client.GetOffset(topic, p, sarama.OffsetNewest)
		require.NoError(t, err)
		pc, err := consumer.ConsumePartition(topic, p, sarama.OffsetOldest)
		require.NoError(t, err)
		for at := int64(0); at < end; {
			select {
			case m := <-pc.Messages():
				all, at = append(all, m), m.Offset+1
			case <-time.After(20 * time.Second):
				t.Fatalf("partition %d: no record after offset %d of %d", p, at, end)
			}
		}
		require.NoError(t, pc.Close())
	}
	return all
}

// pass lets time go by while nothing is to be waited for but the outage itself.
func pass(d time.Duration) { <-time.After(d) }

func TestRecordsWaitInOrderWhileKafkaIsAway(t *testing.T) {
	proxy := behindProxy(t)
	st := startStream(t, proxy.Addr(), "t", nil)
	st.progress(500)
	for range 2 {
		proxy.Refuse()
		proxy.Cut()
		pass(2 * time.Second)
		proxy.Accept()
		st.progress(500)
		proxy.Cut() // and a short one: answers on their way are lost, so batches are sent twice
		st.progress(500)
	}
	st.finish()
	assert.NotZero(t, st.waits, "the outage must have been reported")
	st.checkWhole(proxy.Addr())
}

func TestAbortEndsAProducerWhileKafkaIsAway(t *testing.T) {
	for name, away := range map[string]func(*testbed.Proxy){
		"refusing": func(p *testbed.Proxy) { p.Refuse(); p.Cut() },
		"silent":   func(p *testbed.Proxy) { p.Stall() },
	} {
		t.Run(name, func(t *testing.T) {
			proxy := behindProxy(t)
			st := startStream(t, proxy.Addr(), "t", nil)
			st.progress(500)
			away(proxy)
			pass(500 * time.Millisecond)
			close(st.stop)
			st.sender.Wait()
			st.producer.AsyncClose()
			begin := time.Now()
			st.producer.Abort()
			st.reapers.Wait()
			assert.Less(t, time.Since(begin), 2*time.Second)
			assert.NotEmpty(t, st.failed, "what was under way must come back")
			assert.EqualValues(t, st.sent, st.acked.Load()+int64(len(st.failed)))
			for _, err := range st.failed {
				assert.NotEqual(t, RecordRefused, Classify(err), "%v", err)
				assert.NotEqual(t, Denied, Classify(err), "%v", err)
			}
		})
	}
}

func TestNewProducerReportsAnUnreachableKafkaAtOnce(t *testing.T) {
	s := producerSettings(t, fmt.Sprintf("127.0.0.1:%d", testbed.FreePort(t)), nil)
	begin := time.Now()
	_, err := NewProducer(t.Context(), s, ProducerOptions{})
	require.Error(t, err)
	assert.Less(t, time.Since(begin), 3*time.Second)
	assert.Equal(t, Retriable, Classify(err))
	assert.Equal(t, "Kafka at "+s.Brokers[0]+" cannot be reached (connection refused): check bootstrap.servers", Explain(err, s).Error())
}

func TestNewProducerEndsWithItsContext(t *testing.T) {
	proxy := behindProxy(t)
	proxy.Stall()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	begin := time.Now()
	_, err := NewProducer(ctx, producerSettings(t, proxy.Addr(), nil), ProducerOptions{})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Less(t, time.Since(begin), 3*time.Second)
}

func TestSuspendedGateHoldsRecordsAndResumeLetsThemGo(t *testing.T) {
	proxy := behindProxy(t)
	gate := new(Gate)
	st := startStream(t, proxy.Addr(), "t", gate)
	st.progress(500)
	gate.Suspend()
	gate.Suspend()
	assert.False(t, gate.Open())
	pass(100 * time.Millisecond) // what was in the socket arrives
	before := st.acked.Load()
	pass(time.Second)
	assert.Equal(t, before, st.acked.Load())
	gate.Resume(time.Time{})
	gate.Resume(time.Time{})
	st.progress(500)
	st.finish()
	st.checkWhole(proxy.Addr())
}

func TestRecordForAMissingTopicWaitsAndSaysWhy(t *testing.T) {
	proxy := behindProxy(t)
	causes := make(chan error, 100)
	p, err := NewProducer(t.Context(), producerSettings(t, proxy.Addr(), nil), ProducerOptions{Waiting: func(cause error, _ time.Time) {
		select {
		case causes <- cause:
		default:
		}
	}})
	require.NoError(t, err)
	p.Input() <- &sarama.ProducerMessage{Topic: "later", Value: sarama.StringEncoder("v"), Partition: NoPartition}
	require.ErrorIs(t, <-causes, sarama.ErrUnknownTopicOrPartition)
	testbed.CreateTopic(t, proxy.Addr(), "later", 1, nil)
	select {
	case m := <-p.Successes():
		assert.Equal(t, "later", m.Topic)
	case e := <-p.Errors():
		t.Fatal(e)
	}
	p.AsyncClose()
	for range p.Successes() {
	}
	p.Abort()
}

func TestBatchThatKafkaKeepsPuttingOffIsHeldAndTheProducerIsLost(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(testbed.FreePort(t)), kfake.SeedTopics(1, "t"))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	tries := 0
	cluster.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		tries++
		return putOff(r.(*kmsg.ProduceRequest)), nil, true
	})
	s := producerSettings(t, cluster.ListenAddrs()[0], Properties{"retry.backoff.ms": "1", "retry.backoff.max.ms": "2"})
	s.Sarama.Producer.Retry.Max = 3
	p, err := NewProducer(t.Context(), s, ProducerOptions{})
	require.NoError(t, err)
	p.Input() <- &sarama.ProducerMessage{Topic: "t", Value: sarama.StringEncoder("v"), Partition: 0}
	select {
	case <-p.Lost():
	case e := <-p.Errors():
		t.Fatalf("the record must be held, not failed: %v", e)
	case <-time.After(30 * time.Second):
		t.Fatal("neither lost nor failed")
	}
	assert.Equal(t, 3, tries)
	p.AsyncClose()
	p.Abort()
	e, ok := <-p.Errors()
	require.True(t, ok)
	assert.NotEqual(t, RecordRefused, Classify(p.Cause(e)))
	for range p.Errors() {
	}
}

func message(topic string) *sarama.ProducerMessage {
	return &sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder("v"), Partition: NoPartition}
}

// discard reads what becomes of records until the producer is closed.
func discard(p *Producer) {
	go func() {
		for range p.Errors() {
		}
	}()
	for range p.Successes() {
	}
}

// putOff answers that too few replicas are in sync.
func putOff(r *kmsg.ProduceRequest) *kmsg.ProduceResponse {
	answer := r.ResponseKind().(*kmsg.ProduceResponse)
	for _, rt := range r.Topics {
		topic := kmsg.NewProduceResponseTopic()
		topic.Topic = rt.Topic
		for _, rp := range rt.Partitions {
			partition := kmsg.NewProduceResponseTopicPartition()
			partition.Partition, partition.ErrorCode = rp.Partition, int16(sarama.ErrNotEnoughReplicas)
			topic.Partitions = append(topic.Partitions, partition)
		}
		answer.Topics = append(answer.Topics, topic)
	}
	return answer
}

func TestRecordThatIsTooLargeIsRefusedAndOthersPass(t *testing.T) {
	proxy := behindProxy(t)
	p, err := NewProducer(t.Context(), producerSettings(t, proxy.Addr(), Properties{"max.request.size": "1000"}), ProducerOptions{})
	require.NoError(t, err)
	p.Input() <- &sarama.ProducerMessage{Topic: "t", Value: sarama.ByteEncoder(make([]byte, 2000)), Partition: 0}
	e := <-p.Errors()
	assert.Equal(t, RecordRefused, Classify(p.Cause(e)))
	p.Input() <- &sarama.ProducerMessage{Topic: "t", Value: sarama.ByteEncoder("v"), Partition: 0}
	<-p.Successes()
	p.AsyncClose()
	for range p.Successes() {
	}
	p.Abort()
}
