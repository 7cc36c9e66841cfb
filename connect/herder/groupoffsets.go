package herder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/connect/worker"
)

// Groups reads and changes the offsets of sinks' consumer groups; a [worker.Groups]. Its calls may last as long as ctx.
type Groups interface {
	// Committed lists the offsets of a sink's group; a group that there is not has none.
	Committed(ctx context.Context, connector string, config connect.Config) (connect.Offsets, error)
	// Commit stores offsets and forgets partitions whose offset is [connect.NoOffset]. It is a [worker.ErrGroupActive] while the group has members.
	Commit(ctx context.Context, connector string, config connect.Config, offsets connect.Offsets) error
	// Delete removes the group with all its offsets; one that there is not is removed. It is a [worker.ErrGroupActive] while the group has members.
	Delete(ctx context.Context, connector string, config connect.Config) error
}

// The members of a sink's partitions and offsets (SinkUtils).
const (
	kafkaTopic     = "kafka_topic"
	kafkaPartition = "kafka_partition"
	kafkaOffset    = "kafka_offset"
)

func groupOffsets(offsets connect.Offsets) ConnectorOffsets {
	list := ConnectorOffsets{Offsets: []ConnectorOffset{}}
	for _, tp := range slices.SortedFunc(maps.Keys(offsets), byTopic) {
		list.Offsets = append(list.Offsets, ConnectorOffset{
			Partition: stores.Members{
				{Name: kafkaTopic, Value: connect.String(tp.Topic)}, {Name: kafkaPartition, Value: connect.Int64(int64(tp.Partition))},
			},
			Offset: stores.Members{{Name: kafkaOffset, Value: connect.Int64(offsets[tp])}},
		})
	}
	return list
}

func byTopic(a, b connect.TopicPartition) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
}

// parseGroupOffsets reads what REST was given for a sink (SinkUtils.parseSinkConnectorOffsets): numbers may be texts. An error is an [*InvalidError],
// but for a negative offset.
func parseGroupOffsets(offsets []ConnectorOffset) (connect.Offsets, error) {
	wanted := connect.Offsets{}
	for _, o := range offsets {
		tp, err := parseGroupPartition(o.Partition)
		if err != nil {
			return nil, err
		}
		if wanted[tp], err = parseGroupOffset(o.Offset); err != nil {
			return nil, err
		}
	}
	return wanted, nil
}

func parseGroupPartition(m stores.Members) (tp connect.TopicPartition, err error) {
	if m == nil {
		return tp, invalid("The partition for a sink connector offset cannot be null or missing")
	}
	topic, hasTopic := m.Get(kafkaTopic)
	partition, hasPartition := m.Get(kafkaPartition)
	switch {
	case !hasTopic || !hasPartition:
		return tp, invalid("The partition for a sink connector offset must contain the keys '%s' and '%s'", kafkaTopic, kafkaPartition)
	case topic.IsNull():
		return tp, invalid("Kafka topic names must be valid strings and may not be null")
	case partition.IsNull():
		return tp, invalid("Kafka partitions must be valid numbers and may not be null")
	}
	n, err := strconv.ParseInt(stores.JavaText(partition), 10, 32)
	if err != nil {
		return tp, invalid("Failed to parse the following Kafka partition value in the provided offsets: '%s'. Partition values for sink connectors "+
			"need to be integers.", stores.JavaText(partition))
	}
	return connect.TopicPartition{Topic: stores.JavaText(topic), Partition: int32(n)}, nil
}

// parseGroupOffset is [connect.NoOffset] for null.
func parseGroupOffset(m stores.Members) (int64, error) {
	if m == nil {
		return connect.NoOffset, nil
	}
	offset, given := m.Get(kafkaOffset)
	if !given {
		return 0, invalid("The offset for a sink connector should either be null or contain the key '%s'", kafkaOffset)
	}
	n, err := strconv.ParseInt(stores.JavaText(offset), 10, 64)
	switch {
	case err != nil:
		return 0, invalid("Failed to parse the following Kafka offset value in the provided offsets: '%s'. Offset values for sink connectors need to be "+
			"integers.", stores.JavaText(offset))
	case n < 0:
		return 0, fmt.Errorf("the offset %d is negative", n)
	}
	return n, nil
}

func invalid(format string, args ...any) error {
	return &InvalidError{Message: fmt.Sprintf(format, args...)}
}

// alterGroup commits offsets in the group's name. Nothing keeps the connector stopped meanwhile but Kafka, which refuses while the group has members.
func (c *stoppedConnector) alterGroup(ctx context.Context, offsets []ConnectorOffset) (Message, error) {
	wanted, err := parseGroupOffsets(offsets)
	if wrong := new(InvalidError); errors.As(err, &wrong) {
		return Message{}, err
	} else if err != nil { // not the client's mistake, in Java's eyes
		return Message{}, c.failed(err)
	}
	vouched, err := c.consultSink(ctx, wanted)
	if err != nil {
		return Message{}, err
	}
	if err := c.h.Groups.Commit(ctx, c.name, c.config, wanted); err != nil {
		return Message{}, c.groupFailed("alter", "connector", err)
	}
	return altered.message(vouched), nil
}

// resetGroup deletes the group.
func (c *stoppedConnector) resetGroup(ctx context.Context) (Message, error) {
	committed, err := c.h.Groups.Committed(ctx, c.name, c.config)
	if err != nil {
		return Message{}, &OffsetsError{
			Message: "Failed to list offsets prior to resetting offsets for sink connector " + c.name, Cause: c.secrets.Error(err),
		}
	}
	for tp := range committed {
		committed[tp] = connect.NoOffset
	}
	vouched, err := c.consultSink(ctx, committed)
	if err != nil {
		return Message{}, err
	}
	if err := c.h.Groups.Delete(ctx, c.name, c.config); err != nil {
		return Message{}, c.groupFailed("reset", "sink connector", err)
	}
	return reset.message(vouched), nil
}

func (c *stoppedConnector) consultSink(ctx context.Context, offsets connect.Offsets) (vouched bool, err error) {
	alterer, ok := c.class.Plugin.(connect.SinkOffsetAlterer)
	if !ok {
		return false, nil
	}
	return true, c.consult(ctx, func(ctx context.Context) error {
		return alterer.AlterOffsets(ctx, maps.Clone(c.config), maps.Clone(offsets))
	})
}

// groupFailed puts a failure into Kafka Connect's words (Worker.alterSinkConnectorOffsets, resetSinkConnectorOffsets).
func (c *stoppedConnector) groupFailed(verb, what string, cause error) error {
	cause = c.secrets.Error(cause)
	if errors.Is(cause, worker.ErrGroupActive) {
		return &OffsetsError{Message: fmt.Sprintf("Failed to %[1]s consumer group offsets for connector %[2]s either because its tasks haven't stopped "+
			"completely yet or the connector was resumed before the request to %[1]s its offsets could be successfully completed. If the connector is in a "+
			"stopped state, this operation can be safely retried. If it doesn't eventually succeed, the Connect cluster may need to be restarted to get rid "+
			"of the zombie sink tasks.", verb, c.name), Cause: cause}
	}
	return &OffsetsError{Message: fmt.Sprintf("Failed to %s consumer group offsets for %s %s", verb, what, c.name), Cause: cause}
}
