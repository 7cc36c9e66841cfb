package avro

import "strings"

// Names that Confluent's converter gives a meaning (io.confluent.connect.avro.AvroData).
const (
	namespace   = "io.confluent.connect.avro"
	defaultName = "ConnectDefault"
	defaultFull = namespace + "." + defaultName
	entryName   = "MapEntry"
	entryFull   = namespace + "." + entryName
	keyField    = "key"
	valueField  = "value"

	anythingName = "Anything"
	anythingFull = namespace + "." + anythingName
	unionName    = namespace + ".Union"
	enumParam    = namespace + ".Enum"

	generalUnionParam = "org.apache.kafka.connect.data.Union"
	generalEnumParam  = "org.apache.kafka.connect.data.Enum"
	generalUnionName  = "connect_union_"
	generalUnionField = "connect_union_field_"

	nameProp       = "connect.name"
	docProp        = "connect.doc"
	versionProp    = "connect.version"
	defaultProp    = "connect.default"
	parametersProp = "connect.parameters"
	typeProp       = "connect.type"
	internalProp   = "connect.internal.type"

	recordDocParam    = namespace + ".record.doc"
	fieldDocParam     = namespace + ".field.doc."
	fieldDefaultParam = namespace + ".field.default"
	enumDocParam      = namespace + ".enum.doc."
	enumDefaultParam  = namespace + ".enum.default."

	fixedSizeParam = "connect.fixed.size"
	precisionParam = "connect.decimal.precision"

	// defaultPrecision is written for decimals that do not say theirs.
	defaultPrecision = 64

	logicalProp   = "logicalType"
	precisionProp = "precision"
	scaleProp     = "scale"

	// ownProps begin properties that pass between parameters and Avro schemas as they are.
	ownProps = "avro"
)

// split parts a full name; with scrub each part is made fit for Avro.
func split(full string, scrub bool) (space, name string) {
	if scrub && full != "" {
		parts := strings.Split(full, ".")
		for i := range parts {
			parts[i] = scrubbed(parts[i])
		}
		full = strings.Join(parts, ".")
	}
	if dot := strings.LastIndexByte(full, '.'); dot >= 0 {
		return full[:dot], full[dot+1:]
	}
	return "", full
}

// scrubbed makes a name that Avro takes, as scrub.invalid.names wants it: other characters become those of their URL encoding (java.net.URLEncoder), of
// which what does not fit becomes an underscore, and a leading digit gets an x.
func scrubbed(name string) string {
	if fits(name) {
		return name
	}
	out := make([]byte, 0, len(name)+8)
	if name[0] >= '0' && name[0] <= '9' {
		out = append(out, 'x')
	}
	const hex = "0123456789ABCDEF"
	for i := range len(name) {
		switch c := name[i]; {
		case wordByte(c):
			out = append(out, c)
		case c == ' ' || c == '.' || c == '-' || c == '*':
			out = append(out, '_')
		default:
			out = append(out, '_', hex[c>>4], hex[c&15])
		}
	}
	return string(out)
}

func fits(name string) bool {
	for i := range len(name) {
		if !wordByte(name[i]) {
			return false
		}
	}
	return name == "" || name[0] < '0' || name[0] > '9'
}

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}
