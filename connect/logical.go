package connect

import "strconv"

// Names of the logical types, which a schema's name identifies (org.apache.kafka.connect.data).
const (
	DecimalName   = "org.apache.kafka.connect.data.Decimal"
	DateName      = "org.apache.kafka.connect.data.Date"
	TimeName      = "org.apache.kafka.connect.data.Time"
	TimestampName = "org.apache.kafka.connect.data.Timestamp"
)

// ScaleParam is the parameter of a Decimal schema that holds its scale.
const ScaleParam = "scale"

// Schemas of the logical types that hold an [Instant].
var (
	// DateSchema is a day: milliseconds at midnight UTC, days since 1970 on the wire.
	DateSchema = NewSchema(KindInt32, Named(DateName), Version(1))
	// TimeSchema is a time of day: 0 to 86 400 000 milliseconds.
	TimeSchema = NewSchema(KindInt32, Named(TimeName), Version(1))
	// TimestampSchema is a moment: milliseconds since 1970.
	TimestampSchema = NewSchema(KindInt64, Named(TimestampName), Version(1))
)

// DecimalSchema is the schema of decimal numbers with that many digits behind the point.
func DecimalSchema(scale int32, opts ...SchemaOption) *Schema {
	all := append([]SchemaOption{Named(DecimalName), Version(1), Param(ScaleParam, strconv.Itoa(int(scale)))}, opts...)
	return NewSchema(KindBytes, all...)
}
