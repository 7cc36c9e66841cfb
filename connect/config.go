package connect

// Config is a configuration as Kafka Connect has it: text to text. Connectors read it through typed keys ([StringKey] and
// others), which parse, check and document it in one declaration.
type Config map[string]string

// Spec describes a connector (or, later, a converter or a transform).
type Spec struct {
	// Class is the name under which the runtime lists it: what connector.class says, usually a Java class name so that existing
	// manifests fit.
	Class string
	// Aliases are other names that connector.class may have. A name's last part, with and without "Connector", is understood by itself.
	Aliases []string
	// TaskClass is what Java's task configs carry as task.class; "" where there is no Java original.
	TaskClass string
	Version   string
	Keys      ConfigDef
	// DeadLetterTopic is a key of a source's own that means errors.deadletterqueue.topic.name, with context headers unless the framework's key says
	// otherwise; "" for none. Where both are set, the framework's counts.
	DeadLetterTopic string
	// Prefixes begin keys that the connector passes on without defining them, "source." to a client for instance: they count as known.
	Prefixes []string
}

// NewSpec describes a connector by its class, its version and its keys, in the order in which they are shown.
func NewSpec(class, version string, keys ...Definer) Spec {
	def := make(ConfigDef, 0, len(keys))
	for _, k := range keys {
		def = append(def, k.Definition())
	}
	return Spec{Class: class, Version: version, Keys: def}
}

// Definer is a typed key.
type Definer interface{ Definition() KeyDef }

// ConfigDef is an ordered set of keys (org.apache.kafka.common.config.ConfigDef).
type ConfigDef []KeyDef

// KeyDef is the definition of one key.
type KeyDef struct {
	Name        string
	Type        Type
	Default     Default
	Doc         string
	Importance  Importance
	Width       Width
	Group       string // "" for none
	Order       int    // within the group; -1 for none
	DisplayName string // "" for the name
	Dependents  []string
	// Check refuses a parsed value; nil accepts all. As Java's validators it also sees null: for a required key that is missing, and for text
	// that does not parse. It is not asked about defaults.
	Check Check
	// Recommend lists values to offer and says whether the key matters at present; nil for neither.
	Recommend Recommender

	embedded int // how much of Name [ConfigDef.Embed] put before it
}

// Type is the type of a key.
type Type string

// The types of keys, by the names that REST shows.
const (
	TypeBoolean  Type = "BOOLEAN"
	TypeString   Type = "STRING"
	TypeInt      Type = "INT"
	TypeShort    Type = "SHORT"
	TypeLong     Type = "LONG"
	TypeDouble   Type = "DOUBLE"
	TypeList     Type = "LIST"
	TypeClass    Type = "CLASS"
	TypePassword Type = "PASSWORD"
)

// Importance ranks a key.
type Importance string

// How much a key matters.
const (
	High   Importance = "HIGH"
	Medium Importance = "MEDIUM"
	Low    Importance = "LOW"
)

// Width is how wide a form shows the key's field.
type Width string

// Widths of form fields.
const (
	WidthNone   Width = "NONE"
	WidthShort  Width = "SHORT"
	WidthMedium Width = "MEDIUM"
	WidthLong   Width = "LONG"
)

// Default is what an unset key stands for. The zero Default means that the key is required.
type Default struct {
	kind defaultKind
	text string
}

type defaultKind uint8

const (
	required defaultKind = iota
	null
	text
)

// NullDefault makes a key optional without a value.
func NullDefault() Default { return Default{kind: null} }

// TextDefault is a default in the form in which a configuration would give it.
func TextDefault(value string) Default { return Default{kind: text, text: value} }

// Required reports whether the key must be given.
func (d Default) Required() bool { return d.kind == required }

// Text returns the default as text; ok is false where the key is required or its default is null.
func (d Default) Text() (value string, ok bool) { return d.text, d.kind == text }

// Check refuses a parsed value. Its error is the reason alone, without the frame "Invalid value v for configuration k: " ([Verbatim] keeps it away).
type Check func(v Value) error

// Recommender offers values for a key, given the whole configuration as submitted.
type Recommender interface {
	Values(key string, cfg Config) []string
	Visible(key string, cfg Config) bool
}
