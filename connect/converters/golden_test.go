package converters

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/internal/golden"
)

// goldenCase is one case of the converters' files. JSON and header cases have their bytes in `in` and `out`, the simple converters'
// in `in_hex` and `out_hex`.
type goldenCase struct {
	ID        string          `json:"id"`
	Op        string          `json:"op"`
	Converter string          `json:"converter"`
	Seat      Seat            `json:"seat"`
	Config    connect.Config  `json:"config"`
	Schema    json.RawMessage `json:"schema"`
	Value     json.RawMessage `json:"value"`
	In        golden.Bytes    `json:"in"`
	Out       golden.Bytes    `json:"out"`
	InHex     golden.Hex      `json:"in_hex"`
	OutHex    golden.Hex      `json:"out_hex"`
	Error     string          `json:"error"`
}

func (c goldenCase) datum(t *testing.T) golden.Datum {
	t.Helper()
	schema, err := golden.Schema(c.Schema)
	require.NoError(t, err)
	v, err := golden.Value(c.Value, schema)
	require.NoError(t, err)
	return golden.Datum{Schema: schema, Value: v}
}

func definition(t testing.TB, name string) Definition {
	t.Helper()
	for _, d := range All() {
		if strings.HasSuffix(d.Spec.Class, "."+name) {
			return d
		}
	}
	require.FailNow(t, "no such converter", name)
	return Definition{}
}

// configured makes the converter of a case, in its seat, and lets it be used as one of headers.
func configured(t *testing.T, c goldenCase) (HeaderConverter, error) {
	t.Helper()
	d := definition(t, c.Converter)
	if c.Seat == Key || c.Seat == Value {
		conv, err := d.New(c.Seat, c.Config)
		return asHeader{conv}, err
	}
	return d.NewHeader(c.Config)
}

func run(t *testing.T, c goldenCase, same func(t *testing.T, want, got []byte, d golden.Datum)) {
	conv, err := configured(t, c)
	if c.Error == "ConfigException" {
		var refused *connect.ConfigError
		require.ErrorAs(t, err, &refused)
		return
	}
	require.NoError(t, err)
	if c.Op == "from" {
		d := c.datum(t)
		out, err := conv.EncodeHeader(&Arena{}, "t", "h", d.Schema, d.Value)
		if c.Error != "" {
			require.ErrorIs(t, err, connect.ErrData)
			return
		}
		require.NoError(t, err)
		want := given(c.Out, c.OutHex)
		require.Equal(t, want == nil, out == nil, "null bytes")
		same(t, []byte(golden.Shortest(string(want), string(out))), out, d)
		return
	}
	schema, v, err := conv.DecodeHeader("t", "h", given(c.In, c.InHex))
	if c.Error != "" {
		require.ErrorIs(t, err, connect.ErrData)
		return
	}
	require.NoError(t, err)
	d := c.datum(t)
	assert.Equal(t, golden.Describe(d.Schema), golden.Describe(schema))
	assert.True(t, d.Schema.Equal(schema), "schemas are equal")
	assert.True(t, d.Value.Equal(v), "want %s, got %s", d.Value, v)
}

// given is whichever notation a file uses.
func given(text golden.Bytes, hex golden.Hex) []byte {
	if text != nil {
		return text
	}
	return hex
}

func TestGoldenJSONIsConvertedAsJavaDoes(t *testing.T) {
	for _, c := range golden.Load[goldenCase](t, "json-converter.json") {
		c.Converter, c.Seat = "JsonConverter", Value
		t.Run(c.ID, func(t *testing.T) { run(t, c, sameJSON) })
	}
}

func TestGoldenSimpleConvertersConvertWhatJavaConverts(t *testing.T) {
	for _, c := range golden.Load[goldenCase](t, "simple-converters.json") {
		t.Run(c.ID, func(t *testing.T) { run(t, c, sameBytes) })
	}
}

func TestGoldenHeadersAreWhatJavaMakesOfThem(t *testing.T) {
	for _, c := range golden.Load[goldenCase](t, "header-converter.json") {
		same := sameJSON
		if c.Converter == "SimpleHeaderConverter" {
			same = sameBytes
		}
		t.Run(c.ID, func(t *testing.T) { run(t, c, same) })
	}
}

// sameBytes compares bytes, or the pieces between delimiters where a map is in Java's own order.
func sameBytes(t *testing.T, want, got []byte, d golden.Datum) {
	if !hasMap(d.Value) {
		assert.Equal(t, string(want), string(got))
		return
	}
	assert.ElementsMatch(t, strings.FieldsFunc(string(want), delimiter), strings.FieldsFunc(string(got), delimiter))
	assert.Len(t, got, len(want))
}

func delimiter(r rune) bool { return strings.ContainsRune("{}[],: ", r) }

// sameJSON compares bytes, or, where a map or parameters are in Java's own order, what is in them.
func sameJSON(t *testing.T, want, got []byte, d golden.Datum) {
	if !hasMap(d.Value) && !hasParams(d.Schema) {
		assert.Equal(t, string(want), string(got))
		return
	}
	assert.Equal(t, parseJSON(t, want), parseJSON(t, got), "want %s\ngot  %s", want, got)
	assert.Len(t, got, len(want))
}

func parseJSON(t *testing.T, raw []byte) any {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	require.NoError(t, dec.Decode(&v), "%s", raw)
	require.ErrorIs(t, dec.Decode(new(any)), io.EOF)
	sortLists(v)
	return v
}

// sortLists takes the order out of lists: the pairs of a map with other than string keys are in a hash table's order.
func sortLists(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			sortLists(e)
		}
		slices.SortFunc(v, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	case map[string]any:
		for _, e := range v {
			sortLists(e)
		}
	}
}

func hasMap(v connect.Value) bool {
	switch v.Kind() {
	case connect.KindMap:
		return true
	case connect.KindArray:
		for _, e := range v.Array() {
			if hasMap(e) {
				return true
			}
		}
	case connect.KindStruct:
		for i, f := range v.Struct().Schema().Fields() {
			if hasMap(v.Struct().At(i)) || hasMap(f.Schema.Default()) {
				return true
			}
		}
	}
	return false
}

func hasParams(s *connect.Schema) bool {
	if s == nil {
		return false
	}
	for _, f := range s.Fields() {
		if hasParams(f.Schema) {
			return true
		}
	}
	return len(s.Params()) > 0 || hasMap(s.Default()) || hasParams(s.Keys()) || hasParams(s.Elem())
}
