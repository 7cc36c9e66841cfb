package file

import (
	"context"
	"errors"

	"github.com/sluice-connect/sluice/connect"
)

var (
	_ connect.SourceOffsetAlterer = Source{}
	_ connect.SinkOffsetAlterer   = Sink{}
)

// AlterOffsets checks offsets with the rules and texts of Kafka's FileStreamSourceConnector. Whatever is stored may be deleted, however odd it is;
// and a position need not be one of the file's: that is for the task to find out.
func (Source) AlterOffsets(_ context.Context, cfg connect.Config, offsets []connect.SourceOffset) error {
	if sourceFile.Get(cfg) == "" {
		return refused("Offsets cannot be modified if the 'file' configuration is unspecified. " +
			"This is because stdin is used for input and offsets are not tracked.")
	}
	for _, o := range offsets {
		if err := checkOffset(o); err != nil {
			return err
		}
	}
	return nil
}

func checkOffset(o connect.SourceOffset) error {
	if o.Offset.IsZero() {
		return nil
	}
	switch at, given := find(o.Offset.Attrs(), "position"); {
	case !given:
		return refused("Offset objects should either be null or contain the key 'position'")
	case at.Kind() != connect.KindInt64:
		return refused("The value for the 'position' key in the offset is expected to be a Long value")
	case at.Int64() < 0:
		return refused("The value for the 'position' key in the offset should be a non-negative value")
	}
	if o.Partition == nil {
		return refused("Partition objects cannot be null")
	}
	if _, given := find(o.Partition.Attrs(), "filename"); !given {
		return refused("Partition objects should contain the key 'filename'")
	}
	return nil
}

// refused is an error with a text of Kafka's own, which is a sentence.
func refused(text string) error { return errors.New(text) }

func find(members []connect.Attr, name string) (v connect.Value, found bool) {
	for _, m := range members {
		if m.Name == name {
			return m.Value, true
		}
	}
	return v, false
}

// AlterOffsets agrees to everything: the consumer group's offsets are the only ones there are.
func (Sink) AlterOffsets(context.Context, connect.Config, connect.Offsets) error { return nil }
