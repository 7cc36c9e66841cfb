package stores

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/internal/golden"
)

type offsetCase struct {
	ID        string               `json:"id"`
	Op        string               `json:"op"`
	Connector string               `json:"connector"`
	Map       string               `json:"map"`
	Partition [][2]json.RawMessage `json:"partition_put_in_order"`
	Offset    [][2]json.RawMessage `json:"offset_put_in_order"`
	Key       *string              `json:"key"`
	Value     *string              `json:"value"`
	TopicPart int32                `json:"topic_partition_of_25"`
	Known     [][2]json.RawMessage `json:"known"`
	Error     string               `json:"error"`
}

// members decodes pairs; ok is false where a name is null, which a Go map of members cannot hold.
func members(t *testing.T, pairs [][2]json.RawMessage) (list []connect.Attr, ok bool) {
	t.Helper()
	for _, pair := range pairs {
		var name *string
		require.NoError(t, json.Unmarshal(pair[0], &name))
		if name == nil {
			return nil, false
		}
		v, err := golden.Value(pair[1], nil)
		require.NoError(t, err)
		list = append(list, connect.Attr{Name: *name, Value: v})
	}
	return list, true
}

func TestGoldenOffsetsAreEncodedAsJavaDoes(t *testing.T) {
	checked := 0
	for _, c := range golden.Load[offsetCase](t, "offset-keys.json") {
		partition, named := members(t, c.Partition)
		if c.Op != "write" || !named {
			continue
		}
		checked++
		t.Run(c.ID, func(t *testing.T) {
			offset, _ := members(t, c.Offset)
			p := new(connect.Partitions).Intern(partition...)
			if c.Map == "LinkedHashMap" && c.Error == "" {
				// Java's order came from the connector here; ours is what was read from the topic.
				key := append(appendObject(append(appendText([]byte{'['}, c.Connector), ','), partition), ']')
				assert.Equal(t, *c.Key, string(key))
				assert.Equal(t, *c.Value, string(appendObject(nil, offset)))
				return
			}
			records, err := newTestOffsets().Encode(nil, c.Connector, p, connect.NewOffset(offset...))
			if c.Error != "" {
				assert.ErrorAs(t, err, new(*NotPrimitiveError))
				return
			}
			require.NoError(t, err)
			require.Len(t, records, 1)
			assert.Equal(t, *c.Key, string(records[0].Key))
			assert.Equal(t, golden.Shortest(*c.Value, string(records[0].Value)), string(records[0].Value))
			assert.Equal(t, c.TopicPart, javaPartition(t, records[0].Key, 25))
		})
	}
	assert.Positive(t, checked, "nothing was compared")
}

func TestGoldenOffsetRecordsAreReadAsJavaDoes(t *testing.T) {
	checked := 0
	for _, c := range golden.Load[offsetCase](t, "offset-keys.json") {
		if c.Op != "read" {
			continue
		}
		checked++
		t.Run(c.ID, func(t *testing.T) {
			s := newTestOffsets()
			e := Entry{}
			if c.Key != nil {
				e.Key = []byte(*c.Key)
			}
			if c.Value != nil {
				e.Value = []byte(*c.Value)
			}
			s.replay(e)
			known := 0
			for _, partitions := range s.view.connectors {
				known += len(partitions)
			}
			require.Equal(t, len(c.Known), known)
			for _, pair := range c.Known {
				var connector string
				require.NoError(t, json.Unmarshal(pair[0], &connector))
				want, err := golden.Value(pair[1], nil)
				require.NoError(t, err)
				stored, err := s.Stored(t.Context(), connector)
				require.NoError(t, err)
				require.Len(t, stored, 1)
				assert.True(t, want.Equal(mapOf(stored[0].Partition.Attrs())))
			}
		})
	}
	assert.Positive(t, checked, "nothing was compared")
}

func TestGoldenPartitionsAreChosenAsJavaDoes(t *testing.T) {
	type partitionerCase struct {
		Key        golden.Hex       `json:"key_hex"`
		Partitions map[string]int32 `json:"partitions"`
	}
	for _, c := range golden.Load[partitionerCase](t, "partitioner.json") {
		for count, want := range c.Partitions {
			n := int32(0)
			require.NoError(t, json.Unmarshal([]byte(count), &n))
			require.Equal(t, want, javaPartition(t, c.Key, n), "key %x of %d", c.Key, n)
		}
	}
}

func TestAnOffsetIsFoundWhateverTheOrderOfItsKeyAndWrittenBackUnderTheSameKey(t *testing.T) {
	s := newTestOffsets()
	const foreign = `["c",{"table":"t","database":"d","schema":"s"}]`
	s.replay(Entry{Record: Record{Key: []byte(foreign), Value: []byte(`{"pos":7,"ratio":1.5}`)}})
	p := partition("schema", "s", "database", "d", "table", "t")

	found, err := s.Get(t.Context(), "c", []*connect.Partition{p, partition("table", "other")})
	require.NoError(t, err)
	assert.Equal(t, int64(7), found[0].Get("pos").Int64())
	assert.Equal(t, 1.5, found[0].Get("ratio").Float64())
	assert.True(t, found[1].IsZero())

	records, err := s.Encode(nil, "c", p, connect.At("pos", 8))
	require.NoError(t, err)
	assert.Equal(t, foreign, string(records[0].Key))
}

func TestOfTwoFormsOfOneKeyTheNewerCountsAndDeletionRemovesBoth(t *testing.T) {
	s := newTestOffsets()
	at := func(second int64, key, value string) {
		s.replay(Entry{Record: Record{Key: []byte(key), Value: []byte(value)}, Timestamp: time.Unix(second, 0)})
	}
	at(20, `["c",{"b":1,"a":2}]`, `{"pos":20}`)
	at(10, `["c",{"a":2,"b":1}]`, `{"pos":10}`) // read later, from another partition, but older
	p := new(connect.Partitions).Intern(
		connect.Attr{Name: "a", Value: connect.Int32(2)}, connect.Attr{Name: "b", Value: connect.Int64(1)})

	found, err := s.Get(t.Context(), "c", []*connect.Partition{p})
	require.NoError(t, err)
	assert.Equal(t, int64(20), found[0].Int64())

	records, err := EncodeReset(t.Context(), s, "c")
	require.NoError(t, err)
	require.Len(t, records, 2)
	for _, r := range records {
		assert.Nil(t, r.Value)
		s.replay(Entry{Record: r, Timestamp: time.Unix(30, 0)})
	}
	stored, err := s.Stored(t.Context(), "c")
	require.NoError(t, err)
	assert.Empty(t, stored)
}

func TestAnOffsetThatIsTheTextNullIsKnownAndATombstoneIsNot(t *testing.T) {
	s := newTestOffsets()
	s.replay(Entry{Record: Record{Key: []byte(`["c",{"a":1}]`), Value: []byte(`null`)}})
	stored, err := s.Stored(t.Context(), "c")
	require.NoError(t, err)
	require.Len(t, stored, 1)
	assert.True(t, stored[0].Offset.IsZero())

	s.replay(Entry{Record: Record{Key: []byte(`["c",{"a":1}]`)}})
	stored, err = s.Stored(t.Context(), "c")
	require.NoError(t, err)
	assert.Empty(t, stored)
}

func newTestOffsets() *offsets {
	s := &offsets{logger: orDiscard(nil)}
	s.journal = &memory{deliver: s.replay}
	return s
}

func partition(kv ...string) *connect.Partition {
	return new(connect.Partitions).Intern(connect.Strings(kv...)...)
}

func mapOf(members []connect.Attr) connect.Value {
	m := connect.NewMap(len(members))
	for _, a := range members {
		m.Put(connect.String(a.Name), a.Value)
	}
	return connect.MapOf(m)
}

func javaPartition(t *testing.T, key []byte, partitions int32) int32 {
	t.Helper()
	p, err := sarama.NewMurmur2Partitioner("").Partition(&sarama.ProducerMessage{Key: sarama.ByteEncoder(key)}, partitions)
	require.NoError(t, err)
	return p
}
