package file

import (
	"errors"
	"strconv"

	"github.com/sluice-connect/sluice/connect"
)

// Keys as FileStreamSourceConnector and FileStreamSinkConnector of Kafka 4.1 define them.
var (
	sourceFile = textKey{connect.KeyDef{
		Name: "file", Type: connect.TypeString, Default: connect.NullDefault(), Importance: connect.High, Width: connect.WidthNone, Order: -1,
		Doc: "Source filename. If not specified, the standard input will be used",
	}}
	topic = textKey{connect.KeyDef{
		Name: "topic", Type: connect.TypeString, Importance: connect.High, Width: connect.WidthNone, Order: -1, Check: notEmpty,
		Doc: "The topic to publish data to",
	}}
	batchSize = countKey{textKey{connect.KeyDef{
		Name: "batch.size", Type: connect.TypeInt, Default: connect.TextDefault("2000"), Importance: connect.Low, Width: connect.WidthNone, Order: -1,
		Doc: "The maximum number of records the source task can read from the file each time it is polled",
	}}}
	sinkFile = textKey{connect.KeyDef{
		Name: "file", Type: connect.TypeString, Default: connect.NullDefault(), Importance: connect.High, Width: connect.WidthNone, Order: -1,
		Doc: "Destination filename. If not specified, the standard output will be used",
	}}
)

func notEmpty(v connect.Value) error {
	if !v.IsNull() && v.Str() == "" {
		//lint:ignore ST1005 Java's text, which its clients know
		return errors.New("String must be non-empty")
	}
	return nil
}

// textKey reads a key as it stands.
type textKey struct{ def connect.KeyDef }

func (k textKey) Definition() connect.KeyDef { return k.def }
func (k textKey) Name() string               { return k.def.Name }

func (k textKey) Get(cfg connect.Config) string {
	if text, given := cfg[k.def.Name]; given {
		return text
	}
	text, _ := k.def.Default.Text()
	return text
}

// countKey reads a number of at least 1; what the key's type refuses does not come here.
type countKey struct{ textKey }

func (k countKey) Get(cfg connect.Config) int {
	n, _ := strconv.Atoi(k.textKey.Get(cfg))
	return max(n, 1)
}
