package transforms

import "github.com/sluice-connect/sluice/connect"

// filter drops every record that it gets: its predicate chooses (org.apache.kafka.connect.transforms.Filter).
type filter struct{ without }

var filterDefinition = define("Filter", func(connect.Config) (connect.Transform, error) { return filter{}, nil })

func (filter) Apply(*connect.Record) (bool, error) { return false, nil }
