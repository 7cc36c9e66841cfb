package avro

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// fuzzed has every type, the recursive schemaless one, a record that holds itself and elements without bytes among them.
const fuzzed = `{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"array","items":["null","string",{"type":"map","values":"bytes"}]}},` +
	`{"name":"f","type":{"type":"array","items":{"type":"fixed","name":"F","size":0}}},{"name":"e","type":{"type":"enum","name":"E","symbols":["A"]}},` +
	`{"name":"d","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}},{"name":"m","type":{"type":"array","items":` +
	`{"type":"record","name":"MapEntry","namespace":"io.confluent.connect.avro","fields":[{"name":"key","type":"long"},{"name":"value","type":"double"}]}}},` +
	`{"name":"t","type":["null",{"type":"record","name":"T","fields":[{"name":"kids","type":{"type":"array","items":"T"}},{"name":"next","type":["null","T"]},` +
	`{"name":"named","type":{"type":"map","values":"T"}}]}]},{"name":"skipped","type":{"type":"map","values":{"type":"array","items":"T"}}}]}`

// Whatever the bytes are, reading ends with a value or an error, and takes memory in proportion to them.
func FuzzAvroMessage(f *testing.F) {
	o := options{metadata: true, flatten: true}
	w, err := parse(fuzzed, nil)
	require.NoError(f, err)
	r, err := parse(fuzzed, nil)
	require.NoError(f, err)
	r.fields = r.fields[:len(r.fields)-1]
	s, err := o.toConnect(r, 0)
	require.NoError(f, err)
	d, err := o.compileDecoder(w, r, s)
	require.NoError(f, err)
	f.Add([]byte{0, 0, 0, 2, 1, 0, 0, 0})
	f.Add([]byte{0, 0, 0, 2, 1, 0, 2, 2, 0, 0, 0, 0, 2, 0, 0, 2, 2, 'k', 0, 0, 0, 0, 2, 2, 's', 2, 0, 0, 0, 0, 0})
	f.Add([]byte{4, 2, 2, 'x', 4, 2, 2, 'k', 2, 9, 0, 0, 6, 0, 0, 2, 1, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{0xfe, 0xff, 0xff, 0xff, 0x0f, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		var v connect.Value
		var err error
		used := testbed.Allocated(func() {
			v, err = d.value(&source{data: data, spare: maxSpare})
			_, _ = readAnything(&source{data: data, spare: maxSpare})
		})
		if used > uint64(8<<20+1000*len(data)) {
			t.Errorf("%d bytes of memory for a message of %d", used, len(data))
		}
		if err == nil && connect.CheckValue(s, v) != nil {
			t.Errorf("read %v, which does not fit its schema: %v", v, connect.CheckValue(s, v))
		}
	})
}

// A schema of the registry is read or refused; what was read can be written, and read again.
func FuzzAvroSchema(f *testing.F) {
	o := options{metadata: true, flatten: true}
	f.Add(fuzzed)
	f.Add(anything.String())
	f.Add(`{"type":"record","name":"A","fields":[{"name":"b","type":{"type":"record","name":"B","fields":[{"name":"a","type":["null","A"],"default":null},` +
		`{"name":"all","type":{"type":"array","items":"A"},"default":[]}]},"default":{"all":[]}},{"name":"self","type":["A","null"],"default":{}}]}`)
	for _, m := range mappings {
		f.Add(m.avro)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4<<10 {
			return // names that refer to each other can mean more than their text
		}
		n, err := parse(text, nil)
		if err != nil {
			return
		}
		s, err := o.toConnect(n, 0)
		if err != nil {
			return
		}
		if _, err := o.compileDecoder(n, n, s); err != nil {
			t.Fatal(err)
		}
		if s != nil && !s.Equal(s.With()) {
			t.Fatal("a schema differs from its copy")
		}
		_, _ = o.fromConnect(s)
		again, err := parse(n.String(), nil)
		if err != nil {
			t.Fatalf("%s: %v", n, err)
		}
		if again.String() != n.String() {
			t.Fatalf("%s became %s", n, again)
		}
	})
}
