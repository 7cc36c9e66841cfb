package transforms

import (
	"fmt"
	"slices"

	"github.com/sluice-connect/sluice/connect"
)

// insertField adds what is known of the record as fields (org.apache.kafka.connect.transforms.InsertField). A partition or timestamp that is not there
// adds a field without value; where the name says ! that makes a struct which no converter takes.
type insertField struct {
	without
	rewriter
	topic, partition, offset, at, fixed *insertion
	insertions                          []*insertion // those that there are, in this order
	value                               string       // of fixed
	nulls                               nulls
	plans                               derived[*connect.Schema, *structPlan] // the new fields are the last
	maps                                derived[*connect.Keys, *mapPlan]
	known                               []connect.Value // of the record in hand, as insertions
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
		rewriter: rewriter{side: s}, nulls: nulls(replaceNullKey.Get(cfg)), value: value,
		topic:     newInsertion(topicFieldKey, cfg, connect.StringSchema, connect.OptionalStringSchema),
		partition: newInsertion(partitionFieldKey, cfg, connect.Int32Schema, connect.OptionalInt32Schema),
		offset:    newInsertion(offsetFieldKey, cfg, connect.Int64Schema, connect.OptionalInt64Schema),
		at:        newInsertion(timestampFieldKey, cfg, connect.TimestampSchema, optionalTimestamp),
		fixed:     newInsertion(staticFieldKey, cfg, connect.StringSchema, connect.OptionalStringSchema),
	}
	for _, i := range []*insertion{f.topic, f.partition, f.offset, f.at, f.fixed} {
		if i != nil {
			f.insertions = append(f.insertions, i)
		}
	}
	if len(f.insertions) == 0 {
		return nil, &connect.ConfigError{Key: topicFieldKey.Name(), Reason: "No field insertion configured"}
	}
	if f.fixed != nil && !hasValue {
		return nil, &connect.ConfigError{Key: staticValueKey.Name(), Reason: "No value specified for static field: " + f.fixed.name}
	}
	f.plans.derive = f.plan
	f.maps = mapPlansBy(func(k *connect.Keys) (*mapPlan, error) {
		var names []string
		for _, i := range f.insertions {
			names = append(names, i.name)
		}
		return planAdding(k, names), nil
	})
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
	plan, err := f.plans.of(st.Schema())
	if err != nil {
		return err
	}
	if st, err = f.restruct(r, st, plan); err != nil {
		return err
	}
	next := len(plan.schema.Fields()) - len(f.insertions)
	for i, v := range f.values(r, sink, connect.Instant) {
		st.SetAt(next+i, v)
	}
	return nil
}

// insertIntoMap leaves out what is not known of the record.
func (f *insertField) insertIntoMap(r *connect.Record, sink *connect.SinkRecord, m *connect.Map) {
	known := f.values(r, sink, connect.Int64)
	if slices.ContainsFunc(known, connect.Value.IsNull) {
		m = f.editMap(r, m)
		for i, v := range known {
			if !v.IsNull() {
				m.Put(connect.String(f.insertions[i].name), v)
			}
		}
		return
	}
	plan, _ := f.maps.of(m.Keys()) // any keys will do
	m = f.remap(r, m, plan.keys, plan.moves)
	for i, at := range plan.at {
		m.SetAt(at, known[i])
	}
}

// values are what the insertions add, in their order.
func (f *insertField) values(r *connect.Record, sink *connect.SinkRecord, moment func(int64) connect.Value) []connect.Value {
	f.known = f.known[:0]
	if f.topic != nil {
		f.known = append(f.known, connect.String(r.Topic))
	}
	if f.partition != nil {
		f.known = append(f.known, partitionOf(r))
	}
	if f.offset != nil {
		f.known = append(f.known, connect.Int64(sink.Offset))
	}
	if f.at != nil {
		f.known = append(f.known, timestampOf(r, moment))
	}
	if f.fixed != nil {
		f.known = append(f.known, connect.String(f.value))
	}
	return f.known
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

func (f *insertField) plan(s *connect.Schema) (*structPlan, error) {
	fields := slices.Clone(s.Fields())
	var from []int
	for i := range fields {
		from = append(from, i)
	}
	for _, i := range f.insertions {
		fields, from = append(fields, connect.F(i.name, i.schema)), append(from, -1)
	}
	schema, err := structSchema(fields, basics(s)...)
	if err != nil {
		return nil, err
	}
	plan := newStructPlan(s, schema, from, f.nulls)
	return &plan, nil
}
