package transforms

import (
	"fmt"
	"math/big"
	"slices"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/values"
)

// maskField puts something harmless in the place of values: zero, the empty text, or a replacement for numbers and texts
// (org.apache.kafka.connect.transforms.MaskField). Null stays null, and a field that a map lacks is added as null.
type maskField struct {
	without
	rewriter
	fields []string
	nulls  nulls
	masks  [connect.KindInstant + 1]mask
	plans  derived[*connect.Schema, []bool]
	maps   derived[*connect.Keys, *mapPlan]
}

// mask is what values of a kind become.
type mask struct {
	value connect.Value
	err   error
}

var (
	maskFieldsKey      = connect.ListKey("fields", "The fields to mask.").Importance(connect.High).Must(nonEmptyList)
	maskReplacementKey = connect.StringKey("replacement", "What stands in the place of numbers and texts, read as a number where it must be one.").
				Optional().Importance(connect.Low).Must(connect.NonEmpty)
)

var maskFieldDefinitions = halves("MaskField", func(s side, cfg connect.Config) (connect.Transform, error) {
	m := &maskField{rewriter: rewriter{side: s}, fields: maskFieldsKey.Get(cfg), nulls: nulls(replaceNullKey.Get(cfg))}
	replacement, given := maskReplacementKey.Lookup(cfg)
	for k := connect.KindInt8; k <= connect.KindInstant; k++ {
		if given {
			m.masks[k] = replacedBy(replacement, k)
		} else {
			m.masks[k] = blank(k)
		}
	}
	m.maps = mapPlansBy(func(k *connect.Keys) (*mapPlan, error) { return planAdding(k, m.fields), nil })
	m.plans.derive = func(s *connect.Schema) ([]bool, error) {
		masked := make([]bool, len(s.Fields()))
		for i, f := range s.Fields() {
			masked[i] = slices.Contains(m.fields, f.Name)
		}
		return masked, nil
	}
	return m, nil
}, maskFieldsKey, maskReplacementKey, replaceNullKey)

// blank is a mask without a replacement.
func blank(k connect.Kind) mask {
	switch k {
	case connect.KindInt8, connect.KindInt16, connect.KindInt32, connect.KindInt64, connect.KindFloat32, connect.KindFloat64, connect.KindBoolean:
		return mask{value: ofInteger(0, k)}
	case connect.KindString:
		return mask{value: connect.String("")}
	case connect.KindDecimal:
		return mask{value: connect.DecimalOf(&connect.Decimal{Unscaled: new(big.Int)})}
	case connect.KindInstant:
		return mask{value: connect.Instant(0)}
	case connect.KindArray:
		return mask{value: connect.Array(nil)}
	case connect.KindMap:
		return mask{value: connect.MapOf(connect.NewMap(0))}
	}
	return mask{err: fmt.Errorf("%w: Cannot mask value of type: class %s", connect.ErrData, classNames[k])}
}

// replacedBy is a mask with a replacement. Numbers are cut to the kind's width without a word.
func replacedBy(text string, k connect.Kind) mask {
	switch k {
	case connect.KindString:
		return mask{value: connect.String(text)}
	case connect.KindInt8, connect.KindInt16, connect.KindInt32, connect.KindInt64, connect.KindFloat32, connect.KindFloat64, connect.KindDecimal:
	default:
		return mask{err: fmt.Errorf("%w: Cannot mask value of type class %s with custom replacement", connect.ErrData, classNames[k])}
	}
	d, err := values.ParseDecimal(text)
	if err != nil {
		return mask{err: fmt.Errorf("%w: Unable to convert %s to a number", connect.ErrData, text)}
	}
	switch k {
	case connect.KindDecimal:
		return mask{value: connect.DecimalOf(d)}
	case connect.KindFloat32:
		return mask{value: connect.Float32(float32(ofDecimal(d, connect.KindFloat64).Float64()))}
	}
	return mask{value: ofDecimal(d, k)}
}

// of masks one value.
func (m *maskField) of(v connect.Value) (connect.Value, error) {
	if v.IsNull() {
		return v, nil
	}
	masked := &m.masks[v.Kind()]
	return masked.value, masked.err
}

const maskPurpose = "mask fields"

func (m *maskField) Apply(r *connect.Record) (bool, error) {
	v := m.side.value(r)
	if m.side.schema(r) == nil {
		return true, m.applyMap(r, v)
	}
	st, err := requireStruct(v, maskPurpose)
	if err != nil {
		return true, err
	}
	masked, err := m.plans.of(st.Schema())
	if err != nil {
		return true, err
	}
	for i, f := range st.Schema().Fields() { // before anything is changed
		v := m.nulls.at(st, i)
		if v.IsNull() {
			err = nullable(f)
		} else if masked[i] {
			_, err = m.of(v)
		}
		if err != nil {
			return true, err
		}
	}
	st = m.side.edit(r)
	for i := range masked {
		v := m.nulls.at(st, i)
		if masked[i] {
			v, _ = m.of(v) // looked at above
		}
		st.SetAt(i, v)
	}
	return true, nil
}

func (m *maskField) applyMap(r *connect.Record, v connect.Value) error {
	in, err := requireMap(v, maskPurpose)
	if err != nil {
		return err
	}
	plan, _ := m.maps.of(in.Keys()) // any keys will do
	for _, at := range plan.at {    // before anything is changed
		if at < in.Len() {
			if _, err = m.of(in.At(at)); err != nil {
				return err
			}
		}
	}
	out := m.remap(r, in, plan.keys, plan.moves)
	for _, at := range plan.at {
		v, _ := m.of(out.At(at)) // looked at above
		out.SetAt(at, v)
	}
	return nil
}
