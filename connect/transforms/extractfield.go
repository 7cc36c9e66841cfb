package transforms

import (
	"fmt"

	"github.com/sluice-connect/sluice/connect"
)

// extractField puts one field in the place of the whole (org.apache.kafka.connect.transforms.ExtractField). Null stays null. A field that a schema
// lacks is an error, one that a map lacks is null.
type extractField struct {
	without
	side  side
	path  fieldPath
	text  string
	nulls nulls
}

var extractFieldKey = connect.StringKey("field", "The field to extract.")

var extractFieldDefinitions = halves("ExtractField", func(s side, cfg connect.Config) (connect.Transform, error) {
	text := extractFieldKey.Get(cfg)
	path, err := newFieldPath(text, fieldSyntaxKey.Get(cfg))
	if err != nil {
		return nil, &connect.ConfigError{Key: extractFieldKey.Name(), Reason: err.Error()}
	}
	return &extractField{side: s, path: path, text: text, nulls: nulls(replaceNullKey.Get(cfg))}, nil
}, extractFieldKey, replaceNullKey, fieldSyntaxKey)

const extractPurpose = "field extraction"

func (e *extractField) Apply(r *connect.Record) (bool, error) {
	v, schema := e.side.value(r), e.side.schema(r)
	if schema == nil {
		if v.IsNull() {
			return true, nil
		}
		m, err := requireMap(v, extractPurpose)
		if err != nil {
			return true, err
		}
		if v, err = e.path.inMap(m); err == nil {
			e.side.set(r, nil, v)
		}
		return true, err
	}
	var st *connect.Struct
	if !v.IsNull() {
		var err error
		if st, err = requireStruct(v, extractPurpose); err != nil {
			return true, err
		}
	}
	field, err := e.path.schema(schema)
	if err == nil && field == nil {
		err = fmt.Errorf("%w: Unknown field: %s", connect.ErrData, e.text)
	}
	if err == nil && st != nil {
		v, err = e.path.inStruct(st, e.nulls)
	}
	if err == nil {
		e.side.set(r, field, v)
	}
	return true, err
}
