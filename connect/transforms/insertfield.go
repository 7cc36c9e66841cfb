package transforms

import (
	"fmt"

	"github.com/sluice-connect/sluice/connect"
)

// insertField adds what is known of the record as fields (org.apache.kafka.connect.transforms.InsertField). A partition or timestamp that is not there
// adds a field without value; where the name says ! that makes a struct which no converter takes.
type insertField struct {
	without
	side                                side
	topic, partition, offset, at, fixed *insertion
	value                               string // of fixed
	nulls                               nulls
	schemas                             derived[*connect.Schema, *connect.Schema]
}

// insertion is a new field.
type insertion struct {
	name   string
	schema *connect.Schema
}

func insertKey(name, of string) connect.Key[string] {
	return connect.StringKey(name, "The field for the "+of+". A name that ends in ! is a required field, one in ? or neither an optional one.").Optional()
}

var (
	topicFieldKey     = insertKey("topic.field", "topic")
	partitionFieldKey = insertKey("partition.field", "partition")
	offsetFieldKey    = insertKey("offset.field", "offset, which only sinks know")
	timestampFieldKey = insertKey("timestamp.field", "timestamp")
	staticFieldKey    = insertKey("static.field", "text of static.value")
	staticValueKey    = connect.StringKey("static.value", "The value of static.field.").Optional()
)

var insertFieldDefinitions = halves("InsertField", newInsertField,
	topicFieldKey, partitionFieldKey, offsetFieldKey, timestampFieldKey, staticFieldKey, staticValueKey, replaceNullKey)

func newInsertField(s side, cfg connect.Config) (connect.Transform, error) {
	value, hasValue := staticValueKey.Lookup(cfg)
	f := &insertField{
		side: s, nulls: nulls(replaceNullKey.Get(cfg)), value: value,
		topic:     newInsertion(topicFieldKey, cfg, connect.StringSchema, connect.OptionalStringSchema),
		partition: newInsertion(partitionFieldKey, cfg, connect.Int32Schema, connect.OptionalInt32Schema),
		offset:    newInsertion(offsetFieldKey, cfg, connect.Int64Schema, connect.OptionalInt64Schema),
		at:        newInsertion(timestampFieldKey, cfg, connect.TimestampSchema, optionalTimestamp),
		fixed:     newInsertion(staticFieldKey, cfg, connect.StringSchema, connect.OptionalStringSchema),
	}
	if len(f.insertions()) == 0 {
		return nil, &connect.ConfigError{Key: topicFieldKey.Name(), Reason: "No field insertion configured"}
	}
	if f.fixed != nil && !hasValue {
		return nil, &connect.ConfigError{Key: staticValueKey.Name(), Reason: "No value specified for static field: " + f.fixed.name}
	}
	f.schemas.derive = f.schema
	return f, nil
}

// newInsertion reads a name with its suffix; nil if there is none.
func newInsertion(key connect.Key[string], cfg connect.Config, required, optional *connect.Schema) *insertion {
	name, given := key.Lookup(cfg)
	if !given {
		return nil
	}
	if n := len(name); n > 0 {
		switch name[n-1] {
		case '!':
			return &insertion{name[:n-1], required}
		case '?':
			name = name[:n-1]
		}
	}
	return &insertion{name, optional}
}

// insertions are the new fields in their order.
func (f *insertField) insertions() (all []*insertion) {
	for _, i := range []*insertion{f.topic, f.partition, f.offset, f.at, f.fixed} {
		if i != nil {
			all = append(all, i)
		}
	}
	return all
}

func (f *insertField) Apply(r *connect.Record) (bool, error) { return true, f.insert(r, nil) }

// ApplySink knows the offset.
func (f *insertField) ApplySink(r *connect.SinkRecord) (bool, error) {
	return true, f.insert(&r.Record, r)
}

const insertPurpose = "field insertion"

// insert adds the fields. sink is the record as a sink's, nil for a source's.
func (f *insertField) insert(r *connect.Record, sink *connect.SinkRecord) error {
	v := f.side.value(r)
	if v.IsNull() {
		return nil
	}
	if f.offset != nil && sink == nil {
		return fmt.Errorf("%w: Only SinkRecord supported for [%s], found: org.apache.kafka.connect.source.SourceRecord", connect.ErrData, insertPurpose)
	}
	if f.side.schema(r) == nil {
		m, err := requireMap(v, insertPurpose)
		if err == nil {
			f.insertIntoMap(r, sink, m)
		}
		return err
	}
	st, err := requireStruct(v, insertPurpose)
	if err != nil {
		return err
	}
	schema, err := f.schemas.of(st.Schema())
	if err != nil {
		return err
	}
	out := connect.NewStruct(schema)
	next := len(st.Schema().Fields())
	for i := range next {
		if err := put(out, i, f.nulls.at(st, i)); err != nil {
			return err
		}
	}
	add := func(i *insertion, v connect.Value) {
		if i != nil {
			out.SetAt(next, v)
			next++
		}
	}
	add(f.topic, connect.String(r.Topic))
	add(f.partition, partitionOf(r))
	if sink != nil {
		add(f.offset, connect.Int64(sink.Offset))
	}
	add(f.at, timestampOf(r, connect.Instant))
	add(f.fixed, connect.String(f.value))
	f.side.own(r, out)
	return nil
}

func (f *insertField) insertIntoMap(r *connect.Record, sink *connect.SinkRecord, m *connect.Map) {
	out := m.Clone()
	add := func(i *insertion, v connect.Value) {
		if i != nil && !v.IsNull() {
			out.Put(connect.String(i.name), v)
		}
	}
	add(f.topic, connect.String(r.Topic))
	add(f.partition, partitionOf(r))
	if sink != nil {
		add(f.offset, connect.Int64(sink.Offset))
	}
	add(f.at, timestampOf(r, connect.Int64))
	add(f.fixed, connect.String(f.value))
	f.side.ownMap(r, out)
}

func partitionOf(r *connect.Record) connect.Value {
	if r.Partition == connect.NoPartition {
		return connect.Value{}
	}
	return connect.Int32(r.Partition)
}

func timestampOf(r *connect.Record, form func(int64) connect.Value) connect.Value {
	if r.Timestamp == connect.NoTimestamp {
		return connect.Value{}
	}
	return form(r.Timestamp)
}

func (f *insertField) schema(s *connect.Schema) (*connect.Schema, error) {
	fields := append([]connect.Field(nil), s.Fields()...)
	for _, i := range f.insertions() {
		fields = append(fields, connect.F(i.name, i.schema))
	}
	return structSchema(fields, basics(s)...)
}
