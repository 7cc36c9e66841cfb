package transforms

import (
	"slices"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/values"
)

// insertHeader adds a header (org.apache.kafka.connect.transforms.InsertHeader), whose type [values.Parse] guesses: 42 is a number.
type insertHeader struct {
	without
	header connect.Header
}

var (
	insertHeaderKey = connect.StringKey("header", "The name of the header.").Importance(connect.High).Must(connect.NotNull)
	literalKey      = connect.StringKey("value.literal", "The value of the header. Numbers, booleans, dates, lists and maps are recognised.").
			Importance(connect.High).Must(connect.NotNull)
)

var insertHeaderDefinition = define("InsertHeader", func(cfg connect.Config) (connect.Transform, error) {
	schema, v, err := values.Parse(literalKey.Get(cfg))
	if err != nil {
		return nil, &connect.ConfigError{Key: literalKey.Name(), Reason: err.Error()}
	}
	return &insertHeader{header: connect.Header{Key: insertHeaderKey.Get(cfg), Schema: schema, Value: v}}, nil
}, insertHeaderKey, literalKey)

func (i *insertHeader) Apply(r *connect.Record) (bool, error) {
	r.Headers = append(slices.Clip(r.Headers), i.header) // the record may share its headers with others
	return true, nil
}
