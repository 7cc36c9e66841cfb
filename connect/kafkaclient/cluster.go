package kafkaclient

import (
	"fmt"

	"github.com/IBM/sarama"
)

// ClusterID asks any broker that client knows for the id of its cluster.
func ClusterID(client sarama.Client) (string, error) {
	broker := client.LeastLoadedBroker()
	if broker == nil {
		return "", fmt.Errorf("reading the cluster id: %w", sarama.ErrOutOfBrokers)
	}
	answer, err := broker.GetMetadata(sarama.NewMetadataRequest(client.Config().Version, []string{"__consumer_offsets"}))
	if err != nil {
		return "", fmt.Errorf("reading the cluster id: %w", err)
	}
	if answer.ClusterID == nil {
		return "", fmt.Errorf("reading the cluster id: %w", sarama.ErrIncompleteResponse)
	}
	return *answer.ClusterID, nil
}
