package wire

import (
	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/contract"
)

// FromTopicPartitions, and the next three, turn what a sink is told of partitions and offsets into the contract's form (To) and back (From).
func FromTopicPartitions(of []*contract.TopicPartition) []connect.TopicPartition {
	out := make([]connect.TopicPartition, 0, len(of))
	for _, tp := range of {
		out = append(out, connect.TopicPartition{Topic: tp.GetTopic(), Partition: tp.GetPartition()})
	}
	return out
}

func ToTopicPartitions(tps []connect.TopicPartition) []*contract.TopicPartition {
	out := make([]*contract.TopicPartition, 0, len(tps))
	for _, tp := range tps {
		out = append(out, &contract.TopicPartition{Topic: tp.Topic, Partition: tp.Partition})
	}
	return out
}

func FromSinkOffsets(of []*contract.SinkOffset) connect.Offsets {
	out := make(connect.Offsets, len(of))
	for _, o := range of {
		out[connect.TopicPartition{Topic: o.GetTopic(), Partition: o.GetPartition()}] = o.GetOffset()
	}
	return out
}

func ToSinkOffsets(offsets connect.Offsets) []*contract.SinkOffset {
	out := make([]*contract.SinkOffset, 0, len(offsets))
	for tp, at := range offsets {
		out = append(out, &contract.SinkOffset{Topic: tp.Topic, Partition: tp.Partition, Offset: at})
	}
	return out
}
