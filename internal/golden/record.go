package golden

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sluice-connect/sluice/connect"
)

// Record is a record in the notation; a sink's has an offset.
type Record struct {
	Topic     string   `json:"topic"`
	Partition *int32   `json:"partition"`
	Timestamp *string  `json:"timestamp"`
	Key       Datum    `json:"key"`
	Value     Datum    `json:"value"`
	Headers   []Header `json:"headers"`
	Offset    string   `json:"offset"`
}

// Header is a header in the notation: a list of name and datum.
type Header struct {
	Name  string
	Datum Datum
}

// UnmarshalJSON reads the notation.
func (h *Header) UnmarshalJSON(raw []byte) error {
	return json.Unmarshal(raw, &[]any{&h.Name, &h.Datum})
}

// SinkRecord is the record for a sink. A source's is the Record in it.
func (r Record) SinkRecord() (connect.SinkRecord, error) {
	out := connect.SinkRecord{Record: connect.Record{
		Topic: r.Topic, Partition: connect.NoPartition, Timestamp: connect.NoTimestamp,
		Key: r.Key.Value, KeySchema: r.Key.Schema, Value: r.Value.Value, ValueSchema: r.Value.Schema,
	}}
	if r.Partition != nil {
		out.Partition = *r.Partition
	}
	for _, h := range r.Headers {
		out.Header(h.Name, h.Datum.Schema, h.Datum.Value)
	}
	out.Consumed = connect.TopicPartition{Topic: r.Topic, Partition: out.Partition}
	var err error
	if r.Timestamp != nil {
		if out.Timestamp, err = strconv.ParseInt(*r.Timestamp, 10, 64); err != nil {
			return out, fmt.Errorf("reading a timestamp: %w", err)
		}
	}
	if r.Offset != "" {
		if out.Offset, err = strconv.ParseInt(r.Offset, 10, 64); err != nil {
			return out, fmt.Errorf("reading an offset: %w", err)
		}
	}
	return out, nil
}

// AssertRecord compares a record with the wanted one.
func AssertRecord(t testing.TB, want, got *connect.Record) {
	t.Helper()
	assert.Equal(t, want.Topic, got.Topic, "topic")
	assert.Equal(t, want.Partition, got.Partition, "partition")
	assert.Equal(t, want.Timestamp, got.Timestamp, "timestamp")
	assertDatum(t, "key", want.KeySchema, got.KeySchema, want.Key, got.Key)
	assertDatum(t, "value", want.ValueSchema, got.ValueSchema, want.Value, got.Value)
	if assert.Len(t, got.Headers, len(want.Headers)) {
		for i, h := range want.Headers {
			assert.Equal(t, h.Key, got.Headers[i].Key, "name of header %d", i)
			assertDatum(t, "header "+h.Key, h.Schema, got.Headers[i].Schema, h.Value, got.Headers[i].Value)
		}
	}
}

func assertDatum(t testing.TB, what string, wantSchema, gotSchema *connect.Schema, want, got connect.Value) {
	t.Helper()
	if assert.Equal(t, Describe(wantSchema), Describe(gotSchema), "schema of %s", what) {
		assert.True(t, wantSchema.Equal(gotSchema), "schemas of %s are equal", what)
	}
	assert.True(t, equal(want, got), "%s: want %s, got %s", what, want, got)
}
