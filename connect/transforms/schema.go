package transforms

import (
	"fmt"

	"github.com/sluice-connect/sluice/connect"
)

// basics are the attributes that a schema built after another one keeps (SchemaUtil.copySchemaBasics): not its being optional and its default.
func basics(s *connect.Schema) []connect.SchemaOption {
	var opts []connect.SchemaOption
	if s.HasName() {
		opts = append(opts, connect.Named(s.Name()))
	}
	if s.HasVersion() {
		opts = append(opts, connect.Version(s.Version()))
	}
	if s.HasDoc() {
		opts = append(opts, connect.Doc(s.Doc()))
	}
	for k, v := range s.Params() {
		opts = append(opts, connect.Param(k, v))
	}
	return opts
}

// structSchema builds a struct's schema under SchemaBuilder's conditions.
func structSchema(fields []connect.Field, opts ...connect.SchemaOption) (*connect.Schema, error) {
	for _, f := range fields {
		if f.Name == "" {
			return nil, fmt.Errorf("%w: fieldName cannot be null.", connect.ErrData) //lint:ignore ST1005 Kafka's text
		}
	}
	s, err := connect.BuildStructSchema(fields, opts...)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", connect.ErrData, err)
	}
	return s, nil
}

// fieldsOf are the fields of a struct's schema; other schemas have none.
func fieldsOf(s *connect.Schema) ([]connect.Field, error) {
	if s.Kind() != connect.KindStruct {
		return nil, fmt.Errorf("%w: Cannot list fields on non-struct type", connect.ErrData)
	}
	return s.Fields(), nil
}

// withDefault adds a default under SchemaBuilder's condition; null adds none.
func withDefault(s *connect.Schema, dflt connect.Value) (*connect.Schema, error) {
	if dflt.IsNull() {
		return s, nil
	}
	if err := connect.CheckValue(s, dflt); err != nil {
		return nil, fmt.Errorf("invalid default value: %w", err)
	}
	return s.With(connect.DefaultValue(dflt)), nil
}
