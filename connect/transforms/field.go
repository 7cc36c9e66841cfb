package transforms

import (
	"fmt"

	"github.com/sluice-connect/sluice/connect"
)

// nulls is how a null in a field that has a default is read: true as the default, false as null.
type nulls bool

// at reads a field.
func (n nulls) at(st *connect.Struct, i int) connect.Value {
	v := st.At(i)
	if v.IsNull() && bool(n) {
		return st.Schema().Fields()[i].Schema.Default()
	}
	return v
}

// put sets a field of a struct to a value that fits the field's schema unless it is null (Struct.put).
func put(st *connect.Struct, i int, v connect.Value) error {
	if v.IsNull() {
		if err := nullable(st.Schema().Fields()[i]); err != nil {
			return err
		}
	}
	st.SetAt(i, v)
	return nil
}

// nullable refuses a null for a required field, whether or not it has a default.
func nullable(f connect.Field) error {
	if f.Schema.Optional() {
		return nil
	}
	return fmt.Errorf("%w: Invalid value: null used for required field: %q, schema type: %s", connect.ErrData, f.Name, f.Schema.Kind())
}

// requireStruct and requireMap are org.apache.kafka.connect.transforms.util.Requirements.
func requireStruct(v connect.Value, purpose string) (*connect.Struct, error) {
	if v.Kind() != connect.KindStruct {
		return nil, fmt.Errorf("%w: Only Struct objects supported for [%s], found: %s", connect.ErrData, purpose, className(v))
	}
	return v.Struct(), nil
}

func requireMap(v connect.Value, purpose string) (*connect.Map, error) {
	if v.Kind() != connect.KindMap {
		return nil, fmt.Errorf("%w: Only Map objects supported in absence of schema for [%s], found: %s", connect.ErrData, purpose, className(v))
	}
	return v.Map(), nil
}

var classNames = map[connect.Kind]string{
	connect.KindNull: "null", connect.KindInt8: "java.lang.Byte", connect.KindInt16: "java.lang.Short", connect.KindInt32: "java.lang.Integer",
	connect.KindInt64: "java.lang.Long", connect.KindFloat32: "java.lang.Float", connect.KindFloat64: "java.lang.Double",
	connect.KindBoolean: "java.lang.Boolean", connect.KindString: "java.lang.String", connect.KindBytes: "[B", connect.KindArray: "java.util.ArrayList",
	connect.KindMap: "java.util.HashMap", connect.KindStruct: "org.apache.kafka.connect.data.Struct", connect.KindDecimal: "java.math.BigDecimal",
	connect.KindInstant: "java.util.Date",
}

// className is the Java class of a value, as Kafka Connect's texts name it.
func className(v connect.Value) string { return classNames[v.Kind()] }
