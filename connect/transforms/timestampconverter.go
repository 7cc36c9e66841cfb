package transforms

import (
	"fmt"
	"slices"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/dateformat"
)

// timestampConverter changes a field, or the whole, from one form of a time to another (org.apache.kafka.connect.transforms.TimestampConverter). Null
// stays null, and without schema a field that is missing is added as null.
type timestampConverter struct {
	without
	rewriter
	field string // "" for the whole
	forms timeForms
	to    timeForm
	nulls nulls
	plans derived[*connect.Schema, *timePlan]
	maps  derived[*connect.Keys, *mapPlan]
}

// timePlan is the new schema, and where in it the field is, with the form that the old one says; -1 for a schema without the field.
type timePlan struct {
	schema *connect.Schema
	at     int
	from   timeForm
	err    error // the field's old schema is of no form
}

var (
	timeFieldKey  = connect.StringKey("field", "The field with the time; empty if the whole is one.").Default("").Importance(connect.High)
	targetTypeKey = connect.StringKey("target.type", "The form to get: string, unix (a number), Date, Time or Timestamp.").
			Importance(connect.High).Must(connect.OneOf(string(textTime), string(unixTime), string(dateTime), string(timeTime), string(timestampTime)))
	timeFormatKey = connect.StringKey("format", "The format of a string, for java.text.SimpleDateFormat in UTC.").Default("")
	precisionKey  = connect.StringKey("unix.precision", "What a number counts: seconds, milliseconds, microseconds or nanoseconds. Below milliseconds nothing is kept.").
			Default(string(milliseconds)).Importance(connect.Low).
			Must(connect.OneOf(string(nanoseconds), string(microseconds), string(milliseconds), string(seconds)))
)

var timestampConverterDefinitions = halves("TimestampConverter", func(s side, cfg connect.Config) (connect.Transform, error) {
	t := &timestampConverter{
		rewriter: rewriter{side: s}, field: timeFieldKey.Get(cfg), to: timeForm(targetTypeKey.Get(cfg)), nulls: nulls(replaceNullKey.Get(cfg)),
	}
	t.forms.precision = precision(precisionKey.Get(cfg))
	if text := timeFormatKey.Get(cfg); text != "" {
		var err error
		if t.forms.format, err = dateformat.Compile(text); err != nil {
			return nil, &connect.ConfigError{Key: timeFormatKey.Name(), Reason: fmt.Sprintf(
				"TimestampConverter requires a SimpleDateFormat-compatible pattern for string timestamps: %s (%v)", text, err)}
		}
	} else if t.to == textTime {
		return nil, &connect.ConfigError{Key: timeFormatKey.Name(),
			Reason: "TimestampConverter requires format option to be specified when using string timestamps"}
	}
	t.plans.derive = t.plan
	t.maps = mapPlansBy(func(k *connect.Keys) (*mapPlan, error) { return planAdding(k, []string{t.field}), nil })
	return t, nil
}, timeFieldKey, targetTypeKey, timeFormatKey, precisionKey, replaceNullKey)

const timePurpose = "converting timestamp formats"

func (t *timestampConverter) Apply(r *connect.Record) (bool, error) {
	v, schema := t.side.value(r), t.side.schema(r)
	switch {
	case schema == nil && (v.IsNull() || t.field == ""):
		converted, err := t.convertUntyped(v)
		if err == nil {
			t.side.set(r, nil, converted)
		}
		return true, err
	case schema == nil:
		return true, t.applyMap(r, v)
	case t.field == "":
		from, err := formOf(schema)
		if err == nil {
			v, err = t.forms.convert(v, from, t.to)
		}
		if err == nil {
			t.side.set(r, t.to.schema(schema.Optional()), v)
		}
		return true, err
	}
	return true, t.applyStruct(r, schema, v)
}

func (t *timestampConverter) convertUntyped(v connect.Value) (connect.Value, error) {
	from, err := formOfUntyped(v)
	if err != nil {
		return v, err
	}
	return t.forms.convert(v, from, t.to)
}

func (t *timestampConverter) applyMap(r *connect.Record, v connect.Value) error {
	m, err := requireMap(v, timePurpose)
	if err != nil {
		return err
	}
	plan, _ := t.maps.of(m.Keys()) // any keys will do
	at := plan.at[0]
	v = connect.Value{}
	if at < m.Len() {
		v = m.At(at)
	}
	if v, err = t.convertUntyped(v); err != nil {
		return err
	}
	t.remap(r, m, plan.keys, plan.moves).SetAt(at, v)
	return nil
}

func (t *timestampConverter) applyStruct(r *connect.Record, schema *connect.Schema, v connect.Value) error {
	if v.IsNull() {
		plan, err := t.plans.of(schema)
		if err == nil {
			t.side.set(r, plan.schema, v)
		}
		return err
	}
	st, err := requireStruct(v, timePurpose)
	if err != nil {
		return err
	}
	plan, err := t.plans.of(st.Schema())
	if err != nil {
		return err
	}
	out, err := t.converted(st, plan)
	if err == nil {
		t.side.own(r, out)
	}
	return err
}

// converted is a struct after the change.
func (t *timestampConverter) converted(st *connect.Struct, plan *timePlan) (*connect.Struct, error) {
	out := t.room.Struct(plan.schema)
	for i := range st.Schema().Fields() {
		v := t.nulls.at(st, i)
		if i == plan.at {
			if plan.err != nil {
				return nil, plan.err
			}
			var err error
			if v, err = t.forms.convert(v, plan.from, t.to); err != nil {
				return nil, err
			}
		}
		if err := put(out, i, v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (t *timestampConverter) plan(s *connect.Schema) (*timePlan, error) {
	fields, err := fieldsOf(s)
	if err != nil {
		return nil, err
	}
	fields = slices.Clone(fields)
	plan := &timePlan{at: s.Index(t.field)}
	if plan.at >= 0 {
		f := &fields[plan.at]
		plan.from, plan.err = formOf(f.Schema)
		f.Schema = t.to.schema(f.Schema.Optional())
	}
	opts := basics(s)
	if s.Optional() {
		opts = append(opts, connect.Optional())
	}
	if plan.schema, err = structSchema(fields, opts...); err != nil || s.Default().IsNull() {
		return plan, err
	}
	dflt, err := t.converted(s.Default().Struct(), plan)
	if err != nil {
		return nil, err
	}
	plan.schema, err = withDefault(plan.schema, connect.StructOf(dflt))
	return plan, err
}
