package golden

import (
	"encoding/json"

	"github.com/sluice-connect/sluice/connect"
)

// Datum is a schema and the value under it, as key, value and headers of a record have them.
type Datum struct {
	Schema *connect.Schema
	Value  connect.Value
}

// UnmarshalJSON reads {"schema": ..., "value": ...} and ignores other members, so that a whole case can be read as its datum
// beside being read as a case. It must not be embedded into a case: the case would then read nothing else.
func (d *Datum) UnmarshalJSON(raw []byte) (err error) {
	var n struct {
		Schema json.RawMessage `json:"schema"`
		Value  json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(raw, &n); err != nil {
		return err
	}
	if d.Schema, err = Schema(n.Schema); err != nil {
		return err
	}
	d.Value, err = Value(n.Value, d.Schema)
	return err
}
