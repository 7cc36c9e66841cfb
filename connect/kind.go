package connect

// Kind is the type of a [Value] and of a [Schema]. The set is closed: Kafka Connect's schema types, and the two classes
// that its logical types put in place of their base type (Decimal for BYTES, Instant for INT32 and INT64).
type Kind uint8

// The kinds. A Schema has one of KindInt8 to KindStruct; a Value may also be KindNull, KindDecimal or KindInstant.
const (
	KindNull Kind = iota
	KindInt8
	KindInt16
	KindInt32
	KindInt64
	KindFloat32
	KindFloat64
	KindBoolean
	KindString
	KindBytes
	KindArray
	KindMap
	KindStruct
	// KindDecimal is an unscaled integer and a scale, the value under the logical schema Decimal.
	KindDecimal
	// KindInstant is milliseconds since 1970, the value under the logical schemas Date, Time and Timestamp
	// (java.util.Date in Kafka Connect).
	KindInstant
)

var kindNames = [...]string{
	"null", "int8", "int16", "int32", "int64", "float32", "float64", "boolean", "string", "bytes",
	"array", "map", "struct", "decimal", "instant",
}

// String returns Kafka Connect's lower-case name of the kind.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "invalid"
}
