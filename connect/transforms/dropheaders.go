package transforms

import (
	"slices"

	"github.com/sluice-connect/sluice/connect"
)

// dropHeaders removes all headers of some names (org.apache.kafka.connect.transforms.DropHeaders).
type dropHeaders struct {
	without
	names []string
}

var dropHeadersKey = connect.ListKey("headers", "The names of the headers to remove.").Importance(connect.High).Must(nonEmptyList)

var dropHeadersDefinition = define("DropHeaders", func(cfg connect.Config) (connect.Transform, error) {
	return &dropHeaders{names: dropHeadersKey.Get(cfg)}, nil
}, dropHeadersKey)

func (d *dropHeaders) Apply(r *connect.Record) (bool, error) {
	if slices.ContainsFunc(r.Headers, d.drops) { // the record may share its headers with others
		r.Headers = slices.DeleteFunc(slices.Clone(r.Headers), d.drops)
	}
	return true, nil
}

func (d *dropHeaders) drops(h connect.Header) bool { return slices.Contains(d.names, h.Key) }
