package mqtt

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	packets3 "github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/connecttest"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// answering is a server that gives each CONNECT the same answer and then takes what comes.
func answering(t *testing.T, answer ...byte) string {
	t.Helper()
	f := &front{server: func([]byte) []byte { return answer }, client: func(packet []byte) bool { return true }}
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { echo.Close() })
	go func() {
		for {
			c, err := echo.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte{0xd0, 0}) // something for the front to replace
		}
	}()
	return f.start(t, echo.Addr().String())
}

func TestAutoSpeaksTheOlderVersionToABrokerThatKnowsNoOther(t *testing.T) {
	broker := startBroker(t)
	for name, f := range map[string]*front{
		"closes":        {client: func(p []byte) bool { return p[0]>>4 != 1 || level(p) == 4 }},
		"answers, 5":    {server: refusing(0x20, 3, 0, 0x84, 0)},
		"answers 3.1.1": {server: refusing(0x20, 2, 0, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			if f.server != nil {
				// Only CONNECT of MQTT 5 is answered so.
				var old atomic.Bool
				answer := f.server
				f.client = func(p []byte) bool {
					if p[0]>>4 == 1 {
						old.Store(level(p) == 4)
					}
					return true
				}
				f.server = func(p []byte) []byte {
					if old.Load() {
						return p
					}
					return answer(p)
				}
			}
			src := connecttest.StartSource(t, Source{}, sourceConfig("tcp://"+f.start(t, broker), "s/+", "mqtt.validate.connect", "false"))
			src.AwaitHealthy()
			d := newDevice(t, broker, "device")
			d.publishMany("s/1", 1, 0, 10)
			assert.Equal(t, numbers(0, 10), values(src.Take(10)))
		})
	}
}

// refusing replaces a CONNACK.
func refusing(answer ...byte) func([]byte) []byte {
	return func(p []byte) []byte {
		if p[0]>>4 == 2 {
			return answer
		}
		return p
	}
}

func TestRefusalsOfBothVersionsAreSaidAlike(t *testing.T) {
	for version, answers := range map[string]map[byte]string{
		"5":     {0x86: "bad user name or password", 0x85: "client id not valid", 0x8A: "banned"},
		"3.1.1": {4: "bad user name or password", 2: "client id not valid", 5: "not authorized"},
	} {
		for code, text := range answers {
			answer := []byte{0x20, 2, 0, code}
			if version == "5" {
				answer = []byte{0x20, 3, 0, code, 0}
			}
			cfg := sourceConfig("tcp://"+answering(t, answer...), "s/+", "mqtt.protocol.version", version)
			found := Source{}.Validate(t.Context(), cfg)
			if assert.Len(t, found, 1, "%s %d", version, code) {
				assert.Contains(t, found[0].Message, text)
				assert.False(t, found[0].Warning)
			}
		}
	}
}

func TestWhatABrokerCannotDoIsFoundBeforeItIsNeeded(t *testing.T) {
	broker := startBroker(t)
	// CONNACK with Maximum QoS 1, no wildcards, no shared subscriptions, no retained messages.
	addr := (&front{server: refusing(0x20, 11, 0, 0, 8, 0x24, 1, 0x28, 0, 0x2A, 0, 0x25, 0)}).start(t, broker)
	find := func(found []connect.Problem, key, text string) {
		t.Helper()
		for _, p := range found {
			if p.Key == key && !p.Warning {
				assert.Contains(t, p.Message, text)
				return
			}
		}
		assert.Fail(t, "no problem", "%s among %v", key, found)
	}
	found := Source{}.Validate(t.Context(), sourceConfig("tcp://"+addr, "s/+,plain", "mqtt.qos", "2"))
	find(found, "mqtt.qos", "QoS 1 at most")
	find(found, "mqtt.topics", `"s/+"`)
	found = Source{}.Validate(t.Context(), sourceConfig("tcp://"+addr, "plain", "mqtt.task.assignment", "shared"))
	find(found, "mqtt.task.assignment", "no shared subscriptions")
	find(Sink{}.Validate(t.Context(), sinkConfig("tcp://"+addr, "mqtt.qos", "2")), "mqtt.qos", "set mqtt.qos=1")
	find(Sink{}.Validate(t.Context(), sinkConfig("tcp://"+addr, "mqtt.retained.enabled", "true")), "mqtt.qos", "mqtt.retained.enabled=false")
}

func TestABrokerThatGrantsLessIsAWarningOrWithStrictTheEnd(t *testing.T) {
	broker := startBroker(t)
	eachVersion(t, func(t *testing.T, version string) {
		lower := func(p []byte) []byte {
			if p[0]>>4 == 9 {
				p[len(p)-1] = 0
			}
			return p
		}
		url := "tcp://" + (&front{server: lower}).start(t, broker)
		found := Source{}.Validate(t.Context(), sourceConfig(url, "s/+", "mqtt.protocol.version", version))
		require.Len(t, found, 1)
		assert.True(t, found[0].Warning)
		assert.Contains(t, found[0].Message, `grants QoS 0 to filter "s/+"`)
		cfg := sourceConfig(url, "s/+", "mqtt.protocol.version", version, "mqtt.qos.strict", "true")
		found = Source{}.Validate(t.Context(), cfg)
		require.Len(t, found, 1)
		assert.False(t, found[0].Warning)
		cfg["mqtt.validate.connect"] = "false"
		assert.ErrorContains(t, connecttest.StartSource(t, Source{}, cfg).AwaitFailed(), "mqtt.qos.strict")
	})
}

func TestEachFilterHasItsAnswer(t *testing.T) {
	broker := startBroker(t)
	eachVersion(t, func(t *testing.T, version string) {
		n := 0
		refuse := func(p []byte) []byte {
			if p[0]>>4 == 9 {
				if n++; n == 2 {
					p[len(p)-1] = 0x80
				}
			}
			return p
		}
		url := "tcp://" + (&front{server: refuse}).start(t, broker)
		found := Source{}.Validate(t.Context(), sourceConfig(url, "a,b,c", "mqtt.protocol.version", version))
		require.Len(t, found, 1)
		assert.Equal(t, "mqtt.topics", found[0].Key)
		assert.Contains(t, found[0].Message, `refused filter "b": reason code 0x80`)
	})
}

func TestTheNextServerIsTriedAndABrokerMaySendUsOn(t *testing.T) {
	broker := startBroker(t)
	dead := fmt.Sprintf("tcp://127.0.0.1:%d", testbed.FreePort(t))
	for _, strategy := range []string{"ordered", "random"} {
		src := connecttest.StartSource(t, Source{}, sourceConfig(dead+","+"tcp://"+broker, "s/+", "mqtt.server.uri.strategy", strategy))
		src.AwaitHealthy()
		src.Stop()
	}
	to := broker
	moved := append([]byte{0x20, byte(3 + 3 + len(to)), 0, 0x9D, byte(3 + len(to)), 0x1C, 0, byte(len(to))}, to...)
	addr := "tcp://" + answering(t, moved...)
	src := connecttest.StartSource(t, Source{}, sourceConfig(addr, "s/+", "mqtt.validate.connect", "false"))
	assert.ErrorContains(t, src.AwaitWaiting(), "connecting")
	awaitCause(t, src, "server moved")
	src.Stop()
	src = connecttest.StartSource(t, Source{}, sourceConfig(addr, "s/+", "mqtt.server.reference.follow", "true"))
	src.AwaitHealthy()
	src.Stop()
	src = connecttest.StartSource(t, Source{}, sourceConfig(addr+","+"tcp://"+broker, "s/+"))
	src.AwaitHealthy()
}

func TestATaskWhoseSessionSomebodyElseTakesEndsInsteadOfFighting(t *testing.T) {
	broker := testbed.StartMosquitto(t)
	eachVersion(t, func(t *testing.T, version string) {
		id := "same-" + version
		src := connecttest.StartSource(t, Source{}, sourceConfig(broker.URL(), "a/+", "mqtt.protocol.version", version, "mqtt.client.id", id),
			connecttest.Patience(30*time.Second))
		src.AwaitHealthy()
		ctx, cancel := context.WithCancel(t.Context())
		var rival sync.WaitGroup
		rival.Go(func() { takeAgainAndAgain(ctx, broker.Addr(), id+"-0") })
		defer rival.Wait()
		defer cancel()
		assert.ErrorContains(t, src.AwaitFailed(), fmt.Sprintf("gave client id %q to another connection", id+"-0"))
	})
}

// takeAgainAndAgain connects with a client id whenever it has lost its connection.
func takeAgainAndAgain(ctx context.Context, addr, id string) {
	for ctx.Err() == nil {
		socket, err := net.Dial("tcp", addr)
		if err != nil {
			return
		}
		stop := context.AfterFunc(ctx, func() { socket.Close() })
		hello := packets3.NewControlPacket(packets3.Connect).(*packets3.ConnectPacket)
		hello.ProtocolName, hello.ProtocolVersion, hello.ClientIdentifier, hello.CleanSession = "MQTT", 4, id, true
		if hello.Write(socket) == nil {
			_, _ = io.Copy(io.Discard, socket)
		}
		stop()
		socket.Close()
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

func TestANetworkThatFlapsIsNoRival(t *testing.T) {
	broker := testbed.StartMosquitto(t)
	eachVersion(t, func(t *testing.T, version string) {
		proxy := testbed.StartProxy(t, broker.Addr())
		src := connecttest.StartSource(t, Source{}, sourceConfig("tcp://"+proxy.Addr(), "s/+", "mqtt.protocol.version", version, "mqtt.client.id", "flap-"+version))
		src.AwaitHealthy()
		d := newDevice(t, broker.Addr(), "device")
		cut := time.NewTicker(300 * time.Millisecond)
		defer cut.Stop()
		for i := range 15 {
			d.publish("s/1", 1, fmt.Sprintf("%02d", i))
			<-cut.C
			proxy.Cut()
		}
		// What was acknowledged into a socket that was cut comes again; nothing is left out.
		for next := 0; next < 15; {
			got := values(src.Take(1))[0]
			require.LessOrEqual(t, got, fmt.Sprintf("%02d", next))
			if got == fmt.Sprintf("%02d", next) {
				next++
			}
		}
		src.AwaitHealthy()
	})
}
