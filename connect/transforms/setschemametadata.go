package transforms

import (
	"fmt"

	"github.com/sluice-connect/sluice/connect"
)

// setSchemaMetadata names and numbers the schema of a struct (org.apache.kafka.connect.transforms.SetSchemaMetadata); those of other values are an
// error, as in Java, whose code means to allow them.
type setSchemaMetadata struct {
	without
	side    side
	set     []connect.SchemaOption
	nulls   nulls
	room    connect.Slab
	schemas derived[*connect.Schema, *connect.Schema]
}

var (
	schemaNameKey    = connect.StringKey("schema.name", "The name of the schema.").Optional().Importance(connect.High)
	schemaVersionKey = connect.IntKey("schema.version", "The version of the schema.").Optional().Importance(connect.High)
)

var setSchemaMetadataDefinitions = halves("SetSchemaMetadata", func(s side, cfg connect.Config) (connect.Transform, error) {
	t := &setSchemaMetadata{side: s, nulls: nulls(replaceNullKey.Get(cfg))}
	if name, given := schemaNameKey.Lookup(cfg); given {
		t.set = append(t.set, connect.Named(name))
	}
	if number, given := schemaVersionKey.Lookup(cfg); given {
		t.set = append(t.set, connect.Version(number))
	}
	if len(t.set) == 0 {
		return nil, &connect.ConfigError{Key: schemaNameKey.Name(), Reason: "Neither schema name nor version configured"}
	}
	t.schemas.derive = func(s *connect.Schema) (*connect.Schema, error) {
		if _, err := fieldsOf(s); err != nil {
			return nil, err
		}
		return s.With(t.set...), nil
	}
	return t, nil
}, schemaNameKey, schemaVersionKey, replaceNullKey)

func (t *setSchemaMetadata) Apply(r *connect.Record) (bool, error) {
	v, schema := t.side.value(r), t.side.schema(r)
	if schema == nil {
		if v.IsNull() {
			return true, nil
		}
		return true, fmt.Errorf("%w: Schema required for [updating schema metadata]", connect.ErrData)
	}
	updated, err := t.schemas.of(schema)
	if err != nil {
		return true, err
	}
	if v.Kind() != connect.KindStruct {
		t.side.set(r, updated, v)
		return true, nil
	}
	st := v.Struct()
	if !st.Schema().Equal(schema) {
		return true, fmt.Errorf("%w: a struct is not of the record's schema", connect.ErrData)
	}
	out := t.room.Struct(updated)
	for i := range updated.Fields() {
		if err := put(out, i, t.nulls.at(st, i)); err != nil {
			return true, err
		}
	}
	t.side.own(r, out)
	return true, nil
}
