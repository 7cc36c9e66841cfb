package transforms

import "github.com/sluice-connect/sluice/connect"

// recordIsTombstone is true of records without a value, whatever their schema (org.apache.kafka.connect.transforms.predicates.RecordIsTombstone).
type recordIsTombstone struct{ without }

var recordIsTombstoneDefinition = definePredicate("RecordIsTombstone", func(connect.Config) (connect.Predicate, error) { return recordIsTombstone{}, nil })

func (recordIsTombstone) Test(r *connect.Record) (bool, error) { return r.Value.IsNull(), nil }
