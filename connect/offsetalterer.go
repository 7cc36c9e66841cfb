package connect

import "context"

// SourceOffset is a place in a source partition. A nil Partition stands for a source that has none.
type SourceOffset struct {
	Partition *Partition
	Offset    Offset
}

// SourceOffsetAlterer is a source connector that has a say when a user alters or resets the offsets that the framework keeps for it (KIP-875).
type SourceOffsetAlterer interface {
	// AlterOffsets is told what is about to be stored for a connector that is stopped and has no tasks. A zero Offset is one that will be deleted;
	// a reset is all that are stored, each zero. Members are strings, booleans, Int64 and Float64, or null; nothing else is checked before.
	//
	// nil says that these offsets are all there is, and that a task will be able to start from them. [errors.ErrUnsupported] says that offsets of
	// this connector cannot be altered at all; any other error refuses these, and the user reads its text. Then nothing is stored. The same
	// request may come again. ctx has the deadline.
	AlterOffsets(ctx context.Context, cfg Config, offsets []SourceOffset) error
}

// SinkOffsetAlterer is a sink connector that has a say when a user alters or resets the offsets of its consumer group: one that keeps offsets in
// its own system changes them there.
type SinkOffsetAlterer interface {
	// AlterOffsets is as for [SourceOffsetAlterer]. [NoOffset] stands for a partition that the group will forget.
	AlterOffsets(ctx context.Context, cfg Config, offsets Offsets) error
}

// NoOffset is where a partition stands of which a consumer group knows nothing: it begins as auto.offset.reset says.
const NoOffset int64 = -1
