package transforms

import (
	"slices"

	"github.com/sluice-connect/sluice/connect"
)

// hasHeaderKey is true of records with a header of the name (org.apache.kafka.connect.transforms.predicates.HasHeaderKey).
type hasHeaderKey struct {
	without
	name string
}

var headerNameKey = connect.StringKey("name", "The name of the header.").Must(connect.NonEmpty)

var hasHeaderKeyDefinition = definePredicate("HasHeaderKey", func(cfg connect.Config) (connect.Predicate, error) {
	return &hasHeaderKey{name: headerNameKey.Get(cfg)}, nil
}, headerNameKey)

func (p *hasHeaderKey) Test(r *connect.Record) (bool, error) {
	return slices.ContainsFunc(r.Headers, func(h connect.Header) bool { return h.Key == p.name }), nil
}
