package mqtt

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/connecttest"
	"github.com/sluice-connect/sluice/internal/testbed"
)

func TestTheOneMessageForWhichABrokerClosesTheConnectionIsFoundAndTheRestArrives(t *testing.T) {
	broker := startBroker(t)
	eachVersion(t, func(t *testing.T, version string) {
		f := &front{client: func(p []byte) bool { return p[0]>>4 != 3 || !bytes.Contains(p, []byte("poison")) }}
		url := "tcp://" + f.start(t, broker)
		d := newDevice(t, broker, "device"+version)
		d.subscribe("c/#", 1)
		sink := connecttest.StartSink(t, Sink{}, sinkConfig(url, "errors.tolerance", "all", "mqtt.protocol.version", version, "mqtt.client.id", "p"+version),
			connecttest.Patience(30*time.Second))
		sink.AwaitHealthy()
		list := commands(0, 200)
		list[77].SetBytes([]byte("poison"))
		sink.Put(list...)
		testbed.Await(t, 20*time.Second, "all to be committed", func(context.Context) error {
			if at := sink.Commit()[testPartition]; at != 200 {
				return fmt.Errorf("%d are", at)
			}
			return nil
		})
		reports := sink.Reports()
		if assert.Len(t, reports, 1) {
			assert.Equal(t, "poison", string(reports[0].Record.Value.Bytes()))
			assert.ErrorContains(t, reports[0].Cause, "closed the connection 3 times in a row")
		}
		// Each once or, where its answer was lost with a connection, more often; first occurrences in order.
		var first []string
		for _, p := range payloads(d.take(199)) {
			if !slices.Contains(first, p) {
				first = append(first, p)
			}
		}
		want := append(numbers(0, 77), numbers(78, 200)...)
		assert.Equal(t, want[:len(first)], first)
	})
}

func TestASlowBrokerGetsAPipelineAndKeepsTheOrder(t *testing.T) {
	broker := startBroker(t)
	eachVersion(t, func(t *testing.T, version string) {
		for qos := 1; qos <= 2; qos++ {
			url := "tcp://" + (&front{delay: 200 * time.Millisecond}).start(t, broker)
			d := newDevice(t, broker, fmt.Sprint("device", version, qos))
			d.subscribe("c/#", 0)
			sink := connecttest.StartSink(t, Sink{}, sinkConfig(url, "mqtt.qos", fmt.Sprint(qos), "mqtt.protocol.version", version, "mqtt.validate.connect", "false"))
			sink.AwaitHealthy()
			start := time.Now()
			sink.Put(commands(0, 3000)...)
			testbed.Await(t, time.Minute, "all to be committed", func(context.Context) error {
				if at := sink.Commit()[testPartition]; at != 3000 {
					return fmt.Errorf("%d are", at)
				}
				return nil
			})
			// Windows of 1000: 3 of them with an answer each, QoS 2 two, which is about a second; one by one it would be 10 minutes, or 20.
			assert.Less(t, time.Since(start), 30*time.Second)
			assert.Equal(t, numbers(0, 3000), payloads(d.take(3000)))
			sink.Stop()
		}
	})
}

func TestNothingIsPublishedWhileTheTaskIsSuspended(t *testing.T) {
	broker := startBroker(t)
	eachVersion(t, func(t *testing.T, version string) {
		for qos := 1; qos <= 2; qos++ {
			var published, connected atomic.Int64
			answer := make(chan struct{})
			f := &front{
				client: func(p []byte) bool {
					switch p[0] >> 4 {
					case 1:
						connected.Add(1)
					case 3:
						published.Add(1)
					}
					return true
				},
				server: func(p []byte) []byte {
					if kind := p[0] >> 4; kind == 4 || kind == 5 {
						<-answer
					}
					return p
				},
			}
			url := "tcp://" + f.start(t, broker)
			d := newDevice(t, broker, fmt.Sprint("device", version, qos))
			d.subscribe("c/#", 1)
			sink := connecttest.StartSink(t, Sink{}, sinkConfig(url, "mqtt.qos", fmt.Sprint(qos), "mqtt.protocol.version", version,
				"mqtt.max.in.flight", "10", "mqtt.validate.connect", "false", "mqtt.client.id", fmt.Sprint("s", version, qos)))
			sink.AwaitHealthy()
			sink.Send(commands(0, 50)...)
			testbed.Await(t, 10*time.Second, "a full window", func(context.Context) error {
				if n := published.Load(); n != 10 {
					return fmt.Errorf("%d were published", n)
				}
				return nil
			})
			sink.Suspend()
			close(answer)
			sink.AwaitHeldBack()
			assert.EqualValues(t, 10, published.Load(), "the window has room again")
			sink.Resume()
			sink.AwaitTaken()
			testbed.Await(t, 10*time.Second, "all to be committed", func(context.Context) error {
				if at := sink.Commit()[testPartition]; at != 50 {
					return fmt.Errorf("%d are", at)
				}
				return nil
			})
			assert.Equal(t, numbers(0, 50), payloads(d.take(50)))
			assert.EqualValues(t, 1, connected.Load())
			sink.Stop()
		}
	})
}

// It has the same client id as whoever has the task now.
func TestASuspendedTaskDoesNotConnect(t *testing.T) {
	broker := startBroker(t)
	d := newDevice(t, broker, "device")
	d.subscribe("c/#", 1)
	proxy := testbed.StartProxy(t, broker)
	config := func(url string) connect.Config {
		return sinkConfig(url, "mqtt.client.id", "same", "mqtt.validate.connect", "false")
	}
	sink := connecttest.StartSink(t, Sink{}, config("tcp://"+proxy.Addr()))
	sink.AwaitHealthy()
	sink.Suspend()
	other := connecttest.StartSink(t, Sink{}, config("tcp://"+broker))
	other.AwaitHealthy()
	links := func(want int) {
		t.Helper()
		testbed.Await(t, 10*time.Second, fmt.Sprintf("%d links", want), func(context.Context) error {
			if n := proxy.Links(); n != want {
				return fmt.Errorf("there are %d", n)
			}
			return nil
		})
	}
	links(0) // the other has its session
	sink.AwaitHeldBack()
	other.Put(commands(0, 10)...)
	assert.Equal(t, numbers(0, 10), payloads(d.take(10)))
	assert.EqualValues(t, 10, other.Drain()[testPartition])
	assert.Zero(t, proxy.Links())
	other.Stop()
	sink.Resume()
	links(1)
}

// nobody is a front that says of each message that nobody has subscribed, until told otherwise.
func nobody(told <-chan struct{}) *front {
	return &front{server: func(p []byte) []byte {
		select {
		case <-told:
			return p
		default:
		}
		if p[0]>>4 == 4 || p[0]>>4 == 5 {
			return []byte{p[0], 3, p[2], p[3], 0x10}
		}
		return p
	}}
}

func TestWhatHappensWhenNobodyHasSubscribed(t *testing.T) {
	broker := startBroker(t)
	never := make(chan struct{})
	url := "tcp://" + nobody(never).start(t, broker)
	for qos := 1; qos <= 2; qos++ {
		sink := connecttest.StartSink(t, Sink{}, sinkConfig(url, "mqtt.qos", fmt.Sprint(qos)))
		sink.AwaitHealthy()
		sink.Put(commands(0, 10)...)
		assert.EqualValues(t, 10, sink.Drain()[testPartition], "ignored by default")
		sink.Stop()

		sink = connecttest.StartSink(t, Sink{}, sinkConfig(url, "mqtt.qos", fmt.Sprint(qos), "behavior.on.no.subscribers", "fail", "errors.tolerance", "all"))
		sink.AwaitHealthy()
		sink.Put(commands(0, 10)...)
		assert.EqualValues(t, 10, sink.Drain()[testPartition])
		if reports := sink.Reports(); assert.Len(t, reports, 10) {
			assert.ErrorContains(t, reports[0].Cause, `nobody has subscribed to "c/1"`)
		}
		sink.Stop()
	}
	found := Sink{}.Validate(t.Context(), sinkConfig(url, "behavior.on.no.subscribers", "retry"))
	require.NotEmpty(t, found)
	assert.Contains(t, found[0].Message, "mqtt.stale.after.ms")
}

func TestAKeyWaitsForItsSubscriberAndOthersDoNot(t *testing.T) {
	broker := startBroker(t)
	came := make(chan struct{})
	url := "tcp://" + nobody(came).start(t, broker)
	d := newDevice(t, broker, "device")
	d.subscribe("c/#", 0)
	sink := connecttest.StartSink(t, Sink{}, sinkConfig(url, "behavior.on.no.subscribers", "retry", "mqtt.stale.after.ms", "60000"))
	sink.AwaitHealthy()
	list := commands(0, 20)
	for i := range list {
		list[i].Timestamp = time.Now().UnixMilli()
	}
	sink.Put(list...)
	assert.Zero(t, sink.Drain()[testPartition])
	close(came)
	testbed.Await(t, 10*time.Second, "all to be taken", func(context.Context) error {
		if at := sink.Commit()[testPartition]; at != 20 {
			return fmt.Errorf("%d are", at)
		}
		return nil
	})
	got := payloads(d.take(40))
	assert.Equal(t, numbers(0, 20), got[len(got)-20:], "in order, when there is somebody")
	sink.Stop()

	sink = connecttest.StartSink(t, Sink{}, sinkConfig("tcp://"+nobody(make(chan struct{})).start(t, broker),
		"behavior.on.no.subscribers", "retry", "mqtt.stale.after.ms", "1000"))
	sink.AwaitHealthy()
	for i := range list {
		list[i].Timestamp = time.Now().UnixMilli()
	}
	sink.Put(list...)
	testbed.Await(t, 10*time.Second, "old records to be given up", func(context.Context) error {
		if at := sink.Commit()[testPartition]; at != 20 {
			return fmt.Errorf("%d are", at)
		}
		return nil
	})
	assert.Empty(t, sink.Reports())
}

func TestMessagesKeepBelowTheirRates(t *testing.T) {
	broker := startBroker(t)
	for key, n := range map[string]int{"mqtt.rate.limit.messages.per.second": 100, "mqtt.rate.limit.bytes.per.second": 400} {
		d := newDevice(t, broker, key)
		d.subscribe("c/#", 0)
		sink := connecttest.StartSink(t, Sink{}, sinkConfig("tcp://"+broker, key, fmt.Sprint(n)))
		sink.AwaitHealthy()
		start := time.Now()
		sink.Put(commands(10, 90)...) // 80 messages of "c/1" and two digits: 5 bytes
		assert.Equal(t, numbers(10, 90), payloads(d.take(80)))
		took := time.Since(start)
		want := 80 * time.Second / 100
		if strings.Contains(key, "bytes") {
			want = 80 * 5 * time.Second / 400
		}
		assert.Greater(t, took, want-2*paceBurst, key)
		assert.Less(t, took, want+2*time.Second, key)
		sink.Stop()
	}
}

func TestTopicsThatComeAgainAreSentAsNumbers(t *testing.T) {
	broker := startBroker(t)
	var topics []string
	f := &front{client: func(p []byte) bool {
		if p[0]>>4 == 3 {
			topics = append(topics, string(p[4:4+int(p[3])]))
		}
		return true
	}, server: func(p []byte) []byte {
		if p[0]>>4 == 2 {
			return []byte{0x20, 6, 0, 0, 3, 0x22, 0, 2} // two aliases
		}
		return p
	}}
	d := newDevice(t, broker, "device")
	d.subscribe("c/#", 0)
	sink := connecttest.StartSink(t, Sink{}, sinkConfig("tcp://"+f.start(t, broker)))
	sink.AwaitHealthy()
	keys := []string{"a", "b", "a", "a", "c", "a", "b"}
	var list []connect.SinkRecord
	for _, k := range keys {
		r := connect.SinkRecord{}
		r.SetKey(k)
		r.SetBytes([]byte(k))
		list = append(list, r)
	}
	sink.Put(list...)
	assert.EqualValues(t, len(keys), sink.Drain()[testPartition])
	for i, p := range d.take(len(keys)) {
		assert.Equal(t, "c/"+keys[i], p.Topic, "the broker knows what they stand for")
	}
	sink.Stop()
	assert.Equal(t, []string{"c/a", "c/b", "", "", "c/c", "", "c/b"}, topics)
}

func TestMessagesThatAreTooLongForTheBrokerAreNotSent(t *testing.T) {
	broker := startBroker(t)
	f := &front{server: refusing(0x20, 8, 0, 0, 5, 0x27, 0, 0, 0, 100)} // Maximum Packet Size 100
	sink := connecttest.StartSink(t, Sink{}, sinkConfig("tcp://"+f.start(t, broker), "errors.tolerance", "all"))
	sink.AwaitHealthy()
	list := commands(0, 3)
	list[1].SetBytes(make([]byte, 100))
	sink.Put(list...)
	assert.EqualValues(t, 3, sink.Drain()[testPartition])
	if reports := sink.Reports(); assert.Len(t, reports, 1) {
		assert.ErrorContains(t, reports[0].Cause, "Maximum Packet Size")
	}
	assert.Nil(t, sink.Waiting())
}

func TestATaskSaysThatItIsThereAndTheBrokerThatItIsNot(t *testing.T) {
	broker := startBroker(t)
	eachVersion(t, func(t *testing.T, version string) {
		for qos := range 3 {
			name := fmt.Sprintf("s-%s-%d", version, qos)
			d := newDevice(t, broker, "watcher-"+name)
			d.subscribe("status/"+name+"-0", 1)
			cfg := sourceConfig("tcp://"+broker, "s/+", "mqtt.protocol.version", version, "mqtt.client.id", name,
				"mqtt.status.topic", "status/${client.id}", "mqtt.status.qos", fmt.Sprint(qos), "mqtt.status.will.delay.seconds", "0", "mqtt.status.online", "here: ${client.id}")
			src := connecttest.StartSource(t, Source{}, cfg)
			src.AwaitHealthy()
			assert.Equal(t, []string{"here: " + name + "-0"}, payloads(d.take(1)))
			src.Stop()
			assert.Equal(t, "offline", payloads(d.take(2))[1], "QoS %d", qos)
		}
	})
}
