package golden

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"

	"github.com/sluice-connect/sluice/connect"
)

// Value decodes a value. The schema it stands under is needed for structs that do not bring their own; nil otherwise.
func Value(raw json.RawMessage, under *connect.Schema) (connect.Value, error) {
	if isNull(raw) {
		return connect.Value{}, nil
	}
	var parts []json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil || len(parts) < 2 {
		return connect.Value{}, fmt.Errorf("reading value %s: not a class and its content", raw)
	}
	var class string
	if err := json.Unmarshal(parts[0], &class); err != nil {
		return connect.Value{}, fmt.Errorf("reading class of %s: %w", raw, err)
	}
	v, err := content(class, parts, under)
	if err != nil {
		return connect.Value{}, fmt.Errorf("reading value %s: %w", raw, err)
	}
	return v, nil
}

func content(class string, parts []json.RawMessage, under *connect.Schema) (connect.Value, error) {
	switch class {
	case "int8", "int16", "int32", "int64", "date":
		return integer(class, parts[1])
	case "float32", "float64":
		return float(class, parts[1])
	case "boolean":
		return scalar(parts[1], connect.Boolean)
	case "string":
		return scalar(parts[1], connect.String)
	case "bytes":
		return scalar(parts[1], func(b []byte) connect.Value { return connect.Bytes(b) })
	case "decimal":
		return decimal(parts)
	case "array":
		return array(parts[1], under)
	case "map":
		return mapping(parts[1], under)
	case "struct":
		return structure(parts, under)
	}
	return connect.Value{}, fmt.Errorf("unknown class %q", class)
}

func scalar[T any](raw json.RawMessage, value func(T) connect.Value) (connect.Value, error) {
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		return connect.Value{}, err
	}
	return value(v), nil
}

// integer reads a number, or the text of one.
func integer(class string, raw json.RawMessage) (connect.Value, error) {
	text := string(raw)
	if raw[0] == '"' {
		text = text[1 : len(text)-1]
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return connect.Value{}, err
	}
	switch class {
	case "int8":
		return connect.Int8(int8(n)), nil
	case "int16":
		return connect.Int16(int16(n)), nil
	case "int32":
		return connect.Int32(int32(n)), nil
	case "int64":
		return connect.Int64(n), nil
	}
	return connect.Instant(n), nil
}

func float(class string, raw json.RawMessage) (connect.Value, error) {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return connect.Value{}, err
	}
	if class == "float32" {
		f, err := strconv.ParseFloat(text, 32)
		return connect.Float32(float32(f)), err
	}
	f, err := strconv.ParseFloat(text, 64)
	return connect.Float64(f), err
}

func decimal(parts []json.RawMessage) (connect.Value, error) {
	if len(parts) != 3 {
		return connect.Value{}, fmt.Errorf("a decimal has an unscaled value and a scale")
	}
	var text string
	var scale int32
	if err := json.Unmarshal(parts[1], &text); err != nil {
		return connect.Value{}, err
	}
	if err := json.Unmarshal(parts[2], &scale); err != nil {
		return connect.Value{}, err
	}
	unscaled, ok := new(big.Int).SetString(text, 10)
	if !ok {
		return connect.Value{}, fmt.Errorf("%q is not an integer", text)
	}
	return connect.DecimalOf(&connect.Decimal{Unscaled: unscaled, Scale: scale}), nil
}

func array(raw json.RawMessage, under *connect.Schema) (connect.Value, error) {
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return connect.Value{}, err
	}
	elems := make([]connect.Value, 0, len(items))
	for _, item := range items {
		v, err := Value(item, elem(under))
		if err != nil {
			return connect.Value{}, err
		}
		elems = append(elems, v)
	}
	return connect.Array(elems), nil
}

func mapping(raw json.RawMessage, under *connect.Schema) (connect.Value, error) {
	var pairs [][2]json.RawMessage
	if err := json.Unmarshal(raw, &pairs); err != nil {
		return connect.Value{}, err
	}
	var keys *connect.Schema
	if under != nil {
		keys = under.Keys()
	}
	m := connect.NewMap(len(pairs))
	for _, pair := range pairs {
		k, err := Value(pair[0], keys)
		if err != nil {
			return connect.Value{}, err
		}
		v, err := Value(pair[1], elem(under))
		if err != nil {
			return connect.Value{}, err
		}
		m.Put(k, v)
	}
	return connect.MapOf(m), nil
}

func structure(parts []json.RawMessage, under *connect.Schema) (connect.Value, error) {
	if len(parts) > 2 {
		own, err := Schema(parts[2])
		if err != nil {
			return connect.Value{}, err
		}
		under = own
	}
	if under == nil || under.Kind() != connect.KindStruct {
		return connect.Value{}, fmt.Errorf("a struct stands under the schema %s", Describe(under))
	}
	var fields []fieldNotation
	if err := json.Unmarshal(parts[1], &fields); err != nil {
		return connect.Value{}, err
	}
	st := connect.NewStruct(under)
	for _, f := range fields {
		i := under.Index(f.name)
		if i < 0 {
			return connect.Value{}, fmt.Errorf("the schema has no field %q", f.name)
		}
		v, err := Value(f.schema, under.Fields()[i].Schema)
		if err != nil {
			return connect.Value{}, err
		}
		st.SetAt(i, v)
	}
	return connect.StructOf(st), nil
}

func elem(s *connect.Schema) *connect.Schema {
	if s == nil {
		return nil
	}
	return s.Elem()
}
