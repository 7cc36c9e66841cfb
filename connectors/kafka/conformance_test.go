package kafka

import (
	"fmt"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/connecttest"
	"github.com/sluice-connect/sluice/internal/testbed"
)

func TestTheSourceKeepsItsPromises(t *testing.T) {
	connecttest.RunSource(t, Source{}, reading(""), func(t testing.TB, cfg connect.Config) connecttest.SourceWorld {
		addr := testbed.Embedded(t)
		testbed.CreateTopic(t, addr, "readings", 3, nil)
		cfg["source.bootstrap.servers"] = addr
		made := 0
		return connecttest.SourceWorld{
			Feed: func(n int) (texts []string) {
				var messages []*sarama.ProducerMessage
				for range n {
					made++
					text := fmt.Sprintf("%s: %d", addr, made)
					messages = append(messages, message("readings", int32(made%3), "k", text))
					texts = append(texts, text)
				}
				testbed.ProduceTo(t, addr, messages...)
				return texts
			},
			BadConfigs: map[string]connect.Config{"topics.regex": {"topics": "", "topics.regex": "("}, "offset.lost": {"offset.lost": "whatever"}},
		}
	})
}

func TestTheSinkKeepsItsPromises(t *testing.T) {
	connecttest.RunSink(t, Sink{}, nil, func(t testing.TB, cfg connect.Config) connecttest.SinkWorld {
		addr := testbed.Embedded(t, "test")
		cfg["target.bootstrap.servers"] = addr
		return connecttest.SinkWorld{
			Read: func() []string {
				return consumed(testbed.ConsumeUntil(t, addr, "test", time.Second, func([]*sarama.ConsumerMessage) bool { return false }))
			},
			Record: func(text string) (r connect.SinkRecord) {
				r.SetBytes([]byte(text))
				r.Timestamp = connect.NoTimestamp
				return r
			},
			BadConfigs: map[string]connect.Config{"topic.format": {"topic.format": ""}},
		}
	})
}
