package transforms

import (
	"errors"
	"fmt"
	"math"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/dateformat"
)

// timeForm is a form in which a time may stand, by its name in target.type.
type timeForm string

const (
	textTime      timeForm = "string"
	unixTime      timeForm = "unix"
	dateTime      timeForm = "Date"
	timeTime      timeForm = "Time"
	timestampTime timeForm = "Timestamp"
)

var (
	optionalDate      = connect.DateSchema.With(connect.Optional())
	optionalTime      = connect.TimeSchema.With(connect.Optional())
	optionalTimestamp = connect.TimestampSchema.With(connect.Optional())
)

// schema is the schema of a form.
func (f timeForm) schema(optional bool) *connect.Schema {
	required, or := connect.TimestampSchema, optionalTimestamp
	switch f {
	case textTime:
		required, or = connect.StringSchema, connect.OptionalStringSchema
	case unixTime:
		required, or = connect.Int64Schema, connect.OptionalInt64Schema
	case dateTime:
		required, or = connect.DateSchema, optionalDate
	case timeTime:
		required, or = connect.TimeSchema, optionalTime
	}
	if optional {
		return or
	}
	return required
}

// formOf is the form that a schema says.
func formOf(s *connect.Schema) (timeForm, error) {
	switch s.Name() {
	case connect.TimestampName:
		return timestampTime, nil
	case connect.DateName:
		return dateTime, nil
	case connect.TimeName:
		return timeTime, nil
	}
	switch s.Kind() {
	case connect.KindString:
		return textTime, nil
	case connect.KindInt64:
		return unixTime, nil
	}
	return "", fmt.Errorf("a schema of type %s does not correspond to a known timestamp type format", s.Kind())
}

// formOfUntyped is the form of a value without schema. Null is of any.
func formOfUntyped(v connect.Value) (timeForm, error) {
	switch v.Kind() {
	case connect.KindInstant, connect.KindNull:
		return timestampTime, nil
	case connect.KindInt64:
		return unixTime, nil
	case connect.KindString:
		return textTime, nil
	}
	return "", fmt.Errorf("%w: TimestampConverter does not support class %s objects as timestamps", connect.ErrData, className(v))
}

// precision is what a number of unixTime counts.
type precision string

const (
	seconds      precision = "seconds"
	milliseconds precision = "milliseconds"
	microseconds precision = "microseconds"
	nanoseconds  precision = "nanoseconds"
)

// perMilli is how many of a unit make a millisecond; 0 for seconds.
func (p precision) perMilli() int64 {
	switch p {
	case milliseconds:
		return 1
	case microseconds:
		return 1000
	case nanoseconds:
		return 1000 * 1000
	}
	return 0
}

// toMillis and fromMillis are java.util.concurrent.TimeUnit: divisions go towards zero, and what is too large is the largest there is.
func (p precision) toMillis(n int64) int64 {
	if p == seconds {
		return times(n, 1000)
	}
	return n / p.perMilli()
}

func (p precision) fromMillis(ms int64) int64 {
	if p == seconds {
		return ms / 1000
	}
	return times(ms, p.perMilli())
}

func times(n, factor int64) int64 {
	switch {
	case n > math.MaxInt64/factor:
		return math.MaxInt64
	case n < math.MinInt64/factor:
		return math.MinInt64
	}
	return n * factor
}

// timeForms is what the forms depend on.
type timeForms struct {
	format    *dateformat.Format // nil if none was given
	precision precision
}

// errNoFormat is what Java has a NullPointerException for.
var errNoFormat = errors.New("a string can be read as a time only with the key format")

// convert changes a time from one form to another.
func (f *timeForms) convert(v connect.Value, from, to timeForm) (connect.Value, error) {
	if v.IsNull() {
		return v, nil
	}
	ms, err := f.read(v, from)
	if err != nil {
		return v, err
	}
	switch to {
	case textTime:
		return connect.String(string(f.format.Append(nil, ms))), nil
	case unixTime:
		return connect.Int64(f.precision.fromMillis(ms)), nil
	case dateTime:
		return connect.Instant(ms - timeOfDay(ms)), nil
	case timeTime:
		return connect.Instant(timeOfDay(ms)), nil
	}
	return connect.Instant(ms), nil
}

// timeOfDay is the milliseconds since midnight, also before 1970.
func timeOfDay(ms int64) int64 {
	if rest := ms % millisPerDay; rest < 0 {
		return rest + millisPerDay
	} else {
		return rest
	}
}

func (f *timeForms) read(v connect.Value, from timeForm) (ms int64, err error) {
	wants := connect.KindInstant
	switch from {
	case textTime:
		wants = connect.KindString
	case unixTime:
		wants = connect.KindInt64
	}
	if v.Kind() != wants {
		return 0, fmt.Errorf("%w: Expected %s timestamp to be a %s, but found class %s", connect.ErrData, from, classNames[wants], className(v))
	}
	switch from {
	case unixTime:
		return f.precision.toMillis(v.Int64()), nil
	case textTime:
		if f.format == nil {
			return 0, errNoFormat
		}
		if ms, err = f.format.Parse(v.Str()); err != nil {
			return 0, fmt.Errorf("%w: Could not parse timestamp: value (%s) does not match pattern (%s)", connect.ErrData, v.Str(), f.format)
		}
		return ms, nil
	}
	return v.Int64(), nil
}
