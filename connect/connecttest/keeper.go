package connecttest

import (
	"fmt"

	"github.com/sluice-connect/sluice/connect"
)

// keeper holds polled records over several polls, as the worker does until Kafka has them, and finds those whose bytes changed.
type keeper struct {
	kept []keptRecord
	poll int
}

type keptRecord struct {
	poll   int
	record connect.SourceRecord
	clone  connect.SourceRecord
}

// How long records are kept: a buffer that is reused is so within a few polls.
const (
	keptPolls   = 8
	keptRecords = 4096
)

// keep takes the records of one poll and returns clones of them.
func (k *keeper) keep(records []connect.SourceRecord) []connect.SourceRecord {
	k.poll++
	clones := make([]connect.SourceRecord, 0, len(records))
	for i := range records {
		clone := cloneSourceRecord(records[i])
		clones = append(clones, clone)
		k.kept = append(k.kept, keptRecord{poll: k.poll, record: records[i], clone: clone})
	}
	drop := max(0, len(k.kept)-keptRecords)
	for drop < len(k.kept) && k.kept[drop].poll+keptPolls < k.poll {
		drop++
	}
	k.kept = append(k.kept[:0:0], k.kept[drop:]...)
	return clones
}

// check returns an error that names a record that is not any more what Poll returned.
func (k *keeper) check() error {
	for i := range k.kept {
		r, was := &k.kept[i].record.Record, &k.kept[i].clone.Record
		if !sameRecord(r, was) {
			return fmt.Errorf("a record changed after Poll had returned it: key %s, value %s became key %s, value %s. "+
				"What a record points to belongs to the runtime: copy bytes of a buffer that is reused with Batch.Copy, and fill a new Struct a record",
				show(was.Key), show(was.Value), show(r.Key), show(r.Value))
		}
	}
	return nil
}

// schemaCheck finds schemas that are built anew for each record: converters keep what they derive from a schema under its pointer.
type schemaCheck struct{ places map[schemaPlace]*schemasSeen }

type schemaPlace struct{ topic, role string }

type schemasSeen struct {
	records int
	schemas map[*connect.Schema]bool
}

// sameSchemas is how many equal schemas at different addresses one place may have: a source may have as many tables that look alike.
const sameSchemas = 8

func (c *schemaCheck) check(records []connect.SourceRecord) error {
	for i := range records {
		r := &records[i].Record
		if err := c.see(schemaPlace{r.Topic, "key"}, r.KeySchema); err != nil {
			return err
		}
		if err := c.see(schemaPlace{r.Topic, "value"}, r.ValueSchema); err != nil {
			return err
		}
	}
	return nil
}

func (c *schemaCheck) see(at schemaPlace, schema *connect.Schema) error {
	if schema == nil {
		return nil
	}
	seen := c.places[at]
	if seen == nil {
		seen = &schemasSeen{schemas: map[*connect.Schema]bool{}}
		if c.places == nil {
			c.places = map[schemaPlace]*schemasSeen{}
		}
		c.places[at] = seen
	}
	seen.records++
	if seen.schemas[schema] || len(seen.schemas) > sameSchemas {
		return nil
	}
	seen.schemas[schema] = true
	alike := 0
	for s := range seen.schemas {
		if s.Equal(schema) {
			alike++
		}
	}
	if alike >= sameSchemas && 2*alike > seen.records {
		return fmt.Errorf("the %s schema of topic %s is built anew for each record: %d records have %d equal schemas. "+
			"Build it once, in a variable or at Open: what converters derive from it is kept under its pointer",
			at.role, at.topic, seen.records, alike)
	}
	return nil
}
