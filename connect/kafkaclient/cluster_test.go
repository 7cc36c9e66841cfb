package kafkaclient

import (
	"testing"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/testbed"
)

func TestEveryClusterTellsItsID(t *testing.T) {
	for name, start := range map[string]func(t *testing.T) string{
		"embedded": func(t *testing.T) string { return testbed.Embedded(t) },
		"real":     func(t *testing.T) string { return testbed.SharedKafka(t) },
	} {
		t.Run(name, func(t *testing.T) {
			s, err := AdminSettings(Properties{"bootstrap.servers": start(t)})
			require.NoError(t, err)
			client, err := sarama.NewClient(s.Brokers, s.Sarama)
			require.NoError(t, err)
			defer func() { _ = client.Close() }()
			id, err := ClusterID(client)
			require.NoError(t, err)
			require.NotEmpty(t, id)
		})
	}
}
