package connect

import (
	"math"
	"unsafe"
)

// NoPartition asks the runtime to choose the Kafka partition, from the key where there is one.
const NoPartition int32 = -1

// NoTimestamp leaves the timestamp to Kafka's producer: the time of sending.
const NoTimestamp int64 = math.MinInt64

// Record is what sources and sinks have in common. Key, value and each header come with a schema or, where that is nil,
// without.
type Record struct {
	Topic       string
	Partition   int32 // NoPartition, or a partition of Topic
	Timestamp   int64 // milliseconds since 1970, or NoTimestamp
	Key, Value  Value
	KeySchema   *Schema
	ValueSchema *Schema
	Headers     []Header // ordered, names may repeat

	ownedKey, ownedValue unsafe.Pointer // the *Struct or *Map that is the record's own
}

// Header is one header. The name may occur several times in a record.
type Header struct {
	Key    string
	Schema *Schema
	Value  Value
}

// SetString sets a value of StringSchema.
func (r *Record) SetString(text string) { r.Value, r.ValueSchema = String(text), StringSchema }

// SetBytes sets a value of BytesSchema that shares p; nil is a tombstone.
func (r *Record) SetBytes(p []byte) { r.Value, r.ValueSchema = Bytes(p), BytesSchema }

// SetStruct sets a struct and its schema.
func (r *Record) SetStruct(s *Struct) { r.Value, r.ValueSchema = StructOf(s), s.schema }

// SetKey sets a key of StringSchema.
func (r *Record) SetKey(text string) { r.Key, r.KeySchema = String(text), StringSchema }

// Header appends a header.
func (r *Record) Header(key string, schema *Schema, v Value) {
	r.Headers = append(r.Headers, Header{Key: key, Schema: schema, Value: v})
}

// Edit returns the value's struct for changing in place. The first call of a record copies it, because its author may share
// it between records; the rest of a chain of transforms works in that copy. It panics where the value is not a struct.
func (r *Record) Edit() *Struct {
	if !r.Owns() {
		r.Own(r.Value.Struct().Clone())
	}
	return r.Value.Struct()
}

// EditKey is [Record.Edit] for the key.
func (r *Record) EditKey() *Struct {
	if !r.OwnsKey() {
		r.OwnKey(r.Key.Struct().Clone())
	}
	return r.Key.Struct()
}

// Own is [Record.SetStruct] for a struct that the caller has just made and that nothing else refers to: [Record.Edit] need not copy it.
func (r *Record) Own(s *Struct) {
	r.SetStruct(s)
	r.ownedValue = unsafe.Pointer(s)
}

// OwnKey is [Record.Own] for the key.
func (r *Record) OwnKey(s *Struct) {
	r.Key, r.KeySchema, r.ownedKey = StructOf(s), s.schema, unsafe.Pointer(s)
}

// OwnMap is [Record.Own] for a map, which has no schema.
func (r *Record) OwnMap(m *Map) {
	r.Value, r.ValueSchema, r.ownedValue = MapOf(m), nil, unsafe.Pointer(m)
}

// OwnKeyMap is [Record.OwnMap] for the key.
func (r *Record) OwnKeyMap(m *Map) {
	r.Key, r.KeySchema, r.ownedKey = MapOf(m), nil, unsafe.Pointer(m)
}

// Owns reports whether the value is a struct or a map that this record alone has, so that it may be changed in place: one that was given to Own or OwnMap,
// or that Edit has copied.
func (r *Record) Owns() bool { return r.ownedValue != nil && r.Value.ptr == r.ownedValue }

// OwnsKey is [Record.Owns] for the key.
func (r *Record) OwnsKey() bool { return r.ownedKey != nil && r.Key.ptr == r.ownedKey }

// Share ends that: whoever keeps what the record points to calls it, and the next change is made to a copy.
func (r *Record) Share() { r.ownedKey, r.ownedValue = nil, nil }

// size is what the record keeps in memory, near enough to bound a buffer by.
func (r *Record) size() int {
	n := 200 + r.Key.size() + r.Value.size()
	for i := range r.Headers {
		n += 56 + len(r.Headers[i].Key) + r.Headers[i].Value.size()
	}
	return n
}

// SourceRecord is a record on its way into Kafka.
type SourceRecord struct {
	Record
	// Source is the stream that the record belongs to, from [SourceContext.Partition]; nil for a source that keeps no
	// offsets, whose records are then acknowledged in the order of the whole task.
	Source *Partition
	// Offset is where to go on after this record. It is stored once Kafka has the record and all before it of that Source.
	Offset Offset
	// Tag is the author's own number; it comes back in the [Receipt].
	Tag uint64

	rejected error
	advances bool
}

// Reject says that the source could not make a proper record of what it read: Key, Value and Headers hold what there is
// of it, for the dead letter queue. The runtime then does what the connector's errors.* keys say: with errors.tolerance=none the
// task fails with cause and the record is not acknowledged; otherwise it is reported, counted as done, and its receipt says
// [DeadLettered] or [Dropped], in its place in the order.
func (r *SourceRecord) Reject(cause error) { r.rejected = cause }

// Rejected returns the cause given to [SourceRecord.Reject].
func (r *SourceRecord) Rejected() error { return r.rejected }

// Advances is for runtimes: it reports whether this is no record but a place that [Batch.Advance] added.
func (r *SourceRecord) Advances() bool { return r.advances }

// SinkRecord is a record on its way out of Kafka. Topic, Partition and Offset are where it was consumed, also after
// transforms have changed Record.Topic.
type SinkRecord struct {
	Record
	// TimestampType says who set the timestamp.
	TimestampType TimestampType
	// Consumed is the topic and partition that the record was read from.
	Consumed TopicPartition
	// Offset is its offset there.
	Offset int64

	raw any
}

// SetRaw is for runtimes: it keeps what the record was made of with the record, for the dead letter queue.
func (r *SinkRecord) SetRaw(raw any) { r.raw = raw }

// Raw is for runtimes: it returns what SetRaw was given; nil for a record that a task made itself.
func (r *SinkRecord) Raw() any { return r.raw }

// TimestampType says who set a consumed record's timestamp.
type TimestampType int8

// Who set the timestamp (org.apache.kafka.common.record.TimestampType).
const (
	NoTimestampType TimestampType = iota
	CreateTime
	LogAppendTime
)

// TopicPartition names a partition of a Kafka topic.
type TopicPartition struct {
	Topic     string
	Partition int32
}
