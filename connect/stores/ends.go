package stores

import (
	"context"
	"errors"
	"fmt"

	"github.com/IBM/sarama"
)

// ends asks for the end of every partition, as a reader of that isolation level sees it, again and again until ctx ends or we are not allowed to.
func (l *Log) ends(ctx context.Context, isolation sarama.IsolationLevel) (map[int32]int64, error) {
	for attempt := 0; ; attempt++ {
		ends, err := l.askEnds(isolation)
		if err == nil || errors.Is(err, sarama.ErrTopicAuthorizationFailed) || errors.Is(err, sarama.ErrClosedClient) {
			return ends, err
		}
		if ended := pause(ctx, attempt); ended != nil {
			return nil, gaveUp(ended, err)
		}
		_ = l.asking.RefreshMetadata(l.topic.Name) // the next try tells what is still wrong
	}
}

func (l *Log) askEnds(isolation sarama.IsolationLevel) (map[int32]int64, error) {
	requests := map[*sarama.Broker]*sarama.OffsetRequest{}
	for _, p := range l.tail.partitions() {
		leader, err := l.asking.Leader(l.topic.Name, p)
		if err != nil {
			return nil, fmt.Errorf("finding the leader of partition %d: %w", p, err)
		}
		if requests[leader] == nil {
			requests[leader] = sarama.NewOffsetRequest(l.asking.Config().Version)
			requests[leader].IsolationLevel = isolation
		}
		requests[leader].AddBlock(l.topic.Name, p, sarama.OffsetNewest, 1)
	}
	ends := map[int32]int64{}
	for leader, request := range requests {
		response, err := leader.GetAvailableOffsets(request)
		if err != nil {
			return nil, fmt.Errorf("asking broker %s for the end: %w", leader.Addr(), err)
		}
		if err := l.addEnds(ends, response); err != nil {
			return nil, err
		}
	}
	if len(ends) < len(l.tail.partitions()) {
		return nil, sarama.ErrIncompleteResponse
	}
	return ends, nil
}

func (l *Log) addEnds(ends map[int32]int64, response *sarama.OffsetResponse) error {
	for p, block := range response.Blocks[l.topic.Name] {
		if !errors.Is(block.Err, sarama.ErrNoError) {
			return fmt.Errorf("asking for the end of partition %d: %w", p, block.Err)
		}
		if len(block.Offsets) != 1 {
			return sarama.ErrIncompleteResponse
		}
		ends[p] = block.Offsets[0]
	}
	return nil
}
