package golden

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

func TestTheNotationOfSchemasIsRead(t *testing.T) {
	s, err := Schema(json.RawMessage(`{"type":"struct","optional":true,"name":"","version":0,"doc":"d","parameters":{"a":"b"},
		"fields":[["x",{"type":"int64","default":["int64","7"]}],["y",{"type":"map","keys":{"type":"string"},"values":null}]]}`))
	require.NoError(t, err)
	assert.Equal(t, `struct? name="" version=0 doc="d" a="b" x(int64 default=7) y(map of (string) to (null))`, Describe(s))
	none, err := Schema(json.RawMessage(`null`))
	require.NoError(t, err)
	assert.Nil(t, none)
	_, err = Schema(json.RawMessage(`{"type":"int"}`))
	require.ErrorContains(t, err, "int")
}

func TestTheNotationOfValuesIsRead(t *testing.T) {
	for text, want := range map[string]string{
		`null`: "null", `["int8",-5]`: "-5", `["int64","9223372036854775807"]`: "9223372036854775807", `["float32","1.5"]`: "1.5",
		`["float64","-Infinity"]`: "-Inf", `["boolean",true]`: "true", `["bytes","AQI="]`: "0102", `["decimal","150",2]`: "1.50",
		`["date","0"]`: "1970-01-01 00:00:00 +0000 UTC", `["array",[["string","a"],null]]`: "[a null]", `["map",[[["int8",1],["string","x"]]]]`: "{1: x}",
		`["struct",[["a",["int8",1]]],{"type":"struct","fields":[["a",{"type":"int8"}]]}]`: "Struct{a=1}",
	} {
		v, err := Value(json.RawMessage(text), nil)
		require.NoError(t, err, text)
		assert.Equal(t, want, v.String())
	}
	for _, text := range []string{`5`, `["int8"]`, `["int128",1]`, `["int8","x"]`, `["decimal","1"]`, `["struct",[]]`, `["map",[1]]`} {
		_, err := Value(json.RawMessage(text), nil)
		assert.Error(t, err, text)
	}
}

func TestAStructStandsUnderTheSchemaGiven(t *testing.T) {
	var d Datum
	require.NoError(t, json.Unmarshal([]byte(`{"schema":{"type":"struct","fields":[["a",{"type":"int8"}]]},"value":["struct",[["a",["int8",1]]]]}`), &d))
	assert.Same(t, d.Schema, d.Value.Struct().Schema())
	assert.Error(t, json.Unmarshal([]byte(`{"schema":{"type":"struct"},"value":["struct",[["b",null]]]}`), &d))
}

func TestBytesAreTextOrHexOrNone(t *testing.T) {
	var c struct {
		Text, Hex, None, Empty Bytes
		Plain                  Hex
	}
	require.NoError(t, json.Unmarshal([]byte(`{"Text":{"text":"a"},"Hex":{"hex":"ff"},"None":null,"Empty":{"text":""},"Plain":""}`), &c))
	assert.Equal(t, "a", string(c.Text))
	assert.Equal(t, "\xff", string(c.Hex))
	assert.Nil(t, c.None)
	assert.NotNil(t, c.Empty)
	assert.NotNil(t, c.Plain)
}

func TestCasesComeFromTheFolderOfTheEnvironment(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("SLUICE_GOLDEN", dir)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "x.json"), []byte(`{"area":"x","cases":[{"id":"one"}]}`), 0o600))
	cases := Load[struct{ ID string }](t, "x.json")
	assert.Equal(t, "one", cases[0].ID)
}

func TestFloatsMayBeShorterThanJDK17WritesThem(t *testing.T) {
	for _, c := range []struct{ want, got, becomes string }{
		{"2.14748365E9", "2.1474836E9", "2.1474836E9"},
		{`{"a":4.8557516999999996E19,"b":1.5}`, `{"a":4.8557517E19,"b":1.5}`, `{"a":4.8557517E19,"b":1.5}`},
		{"1.5 2.5", "2.5 1.5", "1.5 2.5"},
		{"2.14748365E9", "2.14748E9", "2.14748365E9"},
		{"1.50", "1.5", "1.5"},
		{"1.0000000001", "1.0", "1.0000000001"},
		{"1.5", "1.50", "1.5"},
		{"15", "1.5", "15"},
	} {
		assert.Equal(t, c.becomes, Shortest(c.want, c.got))
	}
	list := func(texts ...string) connect.Value {
		values := make([]connect.Value, len(texts))
		for i, text := range texts {
			values[i] = connect.String(text)
		}
		return connect.Array(values)
	}
	assert.True(t, equal(list("a", "2.14748365E9"), list("a", "2.1474836E9")))
	assert.False(t, equal(list("a", "2.14748365E9"), list("b", "2.1474836E9")))
	assert.False(t, equal(list("2.14748365E9"), list("2.1474836E9", "")))
}
