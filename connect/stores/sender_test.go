package stores

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/testbed"
)

// soonWritten is how long a write may take once a broker answers. Sarama's producer by itself would refuse it for ten seconds.
const soonWritten = 5 * time.Second

// behindProxy is the way to an embedded Kafka behind a proxy. Leaders are looked for once, not four times in a second, so that outages can be short.
func behindProxy(t *testing.T) (Kafka, *testbed.Proxy) {
	t.Helper()
	addr := testbed.Embedded(t)
	proxy := testbed.StartProxy(t, addr)
	k := kafkaAt(addr)
	k.Config.Net.Proxy.Enable, k.Config.Net.Proxy.Dialer = true, redirect(proxy.Addr())
	k.Config.Metadata.Retry.Max = 0
	return k, proxy
}

func TestAWriteAfterAnOutageNeedNotWaitForTheProducerToLookForLeadersAgain(t *testing.T) {
	k, proxy := behindProxy(t)
	log := NewLog(k, StatusTopic("statuses", 1, 1, nil), func(Entry) {})
	start(t, log)
	require.NoError(t, log.Send(inTime(t), record("a", []byte("1"))))
	for range 2 {
		proxy.Refuse()
		proxy.Cut()
		for range 5 { // after three in vain sarama looks no more
			require.Error(t, log.Send(inTime(t), record("a", []byte("2"))))
		}
		proxy.Accept()
		back := time.Now()
		require.NoError(t, log.Send(inTime(t), record("a", []byte("3"))))
		assert.Less(t, time.Since(back), soonWritten)
	}
}

// Who writes goes on with the next value where a write has failed, or was not waited for: what is read must never go back.
func TestNoRecordOvertakesAnotherThroughOutages(t *testing.T) {
	k, proxy := behindProxy(t)
	var mu sync.Mutex
	latest, back := map[string]int{}, []string{}
	topic := StatusTopic("statuses", 2, 1, nil)
	reader := NewLog(kafkaAt(k.Brokers[0]), topic, func(e Entry) {
		mu.Lock()
		defer mu.Unlock()
		n, _ := strconv.Atoi(string(e.Value))
		if key := string(e.Key); n < latest[key] {
			back = append(back, fmt.Sprintf("%s from %d to %d", key, latest[key], n))
		} else {
			latest[key] = n
		}
	})
	start(t, reader)
	log := NewLog(k, topic, func(Entry) {})
	start(t, log)

	const writers = 8
	var writing sync.WaitGroup
	stop := make(chan struct{})
	var last [writers]int
	for w := range writers {
		writing.Go(func() {
			for n := 1; ; n++ {
				select {
				case <-stop:
					last[w] = n
					assert.NoError(t, log.Send(inTime(t), record(fmt.Sprint(w), []byte(strconv.Itoa(n)))))
					return
				default:
				}
				impatient, cancel := context.WithTimeout(t.Context(), time.Duration(1+n%50)*time.Millisecond)
				_ = log.Send(impatient, record(fmt.Sprint(w), []byte(strconv.Itoa(n)))) // whatever becomes of it
				cancel()
			}
		})
	}
	for range 3 {
		before, _ := log.sender.current()
		proxy.Refuse()
		proxy.Cut()
		testbed.Await(t, patience, "another producer", func(context.Context) error {
			if now, _ := log.sender.current(); now == before {
				return errors.New("it is the same")
			}
			return nil
		})
		proxy.Accept()
		require.NoError(t, log.Send(inTime(t), record("main", []byte("0"))))
	}
	close(stop)
	writing.Wait()
	require.NoError(t, reader.ReadToEnd(inTime(t)))
	mu.Lock()
	defer mu.Unlock()
	assert.Empty(t, back)
	for w := range writers {
		assert.Equal(t, last[w], latest[fmt.Sprint(w)])
	}
}

func TestClosingALogDuringAnOutageFailsWhatIsUnderWay(t *testing.T) {
	k, proxy := behindProxy(t)
	log := NewLog(k, StatusTopic("statuses", 1, 1, nil), func(Entry) {})
	require.NoError(t, log.Start(inTime(t)))
	proxy.Stall()
	sending, sent := make(chan struct{}), make(chan error, 1)
	go func() {
		close(sending)
		sent <- log.Send(inTime(t), record("a", []byte("1")))
	}()
	<-sending
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	require.ErrorIs(t, log.Close(short), context.DeadlineExceeded)
	require.Error(t, <-sent)
	assert.Less(t, time.Since(began), soonWritten)
	require.Error(t, log.Send(inTime(t), record("a", []byte("2"))))
}
