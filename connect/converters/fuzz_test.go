package converters

import (
	"bytes"
	"encoding/json"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/values"
	"github.com/sluice-connect/sluice/internal/golden"
)

// FuzzJSONReading holds the reader against encoding/json: what that takes, it takes too, and to the same effect.
func FuzzJSONReading(f *testing.F) {
	for _, seed := range []string{
		`null`, `-0`, `1e5`, `[1,2.5,"a",null,true,[],{}]`, `{"a":{"b":[1]},"a":2}`, `[{"a":1,"b":2.25},{"a":1},{"b":1},{"a":1,"b":-0.0,"c":12345678901234567890}]`, `"\ud83d\ude00\ud800x"`, ` "\u00e9" `,
		`9223372036854775808`, `{"schema":{"type":"int32"},"payload":1}`, `{"schema":{"type":"struct","fields":[{"field":"a","type":"bytes"}]},"payload":{"a":"AQI="}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _, _ = NewJSON(JSONOptions{Schemas: true}).Decode("t", data) // must not panic
		c := NewJSON(JSONOptions{})
		_, v, err := c.Decode("t", data)
		again, errAgain := connect.Value{}, error(nil)
		for range 2 { // what was learnt of it the first time must not show
			_, again, errAgain = c.Decode("t", data)
		}
		require.Equal(t, err == nil, errAgain == nil)
		require.True(t, v.Equal(again))
		if !json.Valid(data) || !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
			return
		}
		if err != nil {
			require.ErrorIs(t, err, connect.ErrData)
			require.True(t, strings.Contains(err.Error(), "1000") || strings.Contains(err.Error(), "exponent"), "refused: %v", err)
			return
		}
		requireSame(t, parseUnordered(t, data), v)
	})
}

func parseUnordered(t *testing.T, data []byte) any {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	require.NoError(t, dec.Decode(&v))
	return v
}

func requireSame(t *testing.T, want any, got connect.Value) {
	switch want := want.(type) {
	case json.Number:
		requireSameNumber(t, want.String(), got)
	case []any:
		require.Equal(t, connect.KindArray, got.Kind())
		require.Len(t, got.Array(), len(want))
		for i, e := range got.Array() {
			requireSame(t, want[i], e)
		}
	case map[string]any:
		require.Equal(t, connect.KindMap, got.Kind())
		require.Equal(t, len(want), got.Map().Len())
		for _, e := range got.Map().Entries() {
			require.Contains(t, want, e.Key.Str())
			requireSame(t, want[e.Key.Str()], e.Value)
		}
	default:
		require.Equal(t, want, got.Any())
	}
}

func requireSameNumber(t *testing.T, want string, got connect.Value) {
	if strings.ContainsAny(want, ".eE") {
		f, _ := strconv.ParseFloat(want, 64)
		require.Equal(t, math.Abs(f), math.Abs(got.Float64()))
		return
	}
	n, ok := new(big.Int).SetString(want, 10)
	require.True(t, ok)
	require.Equal(t, int64(new(big.Int).And(n, new(big.Int).SetUint64(math.MaxUint64)).Uint64()), got.Int64())
}

// FuzzJSONWriting reads back what was written: the text must be JSON, and say the same.
func FuzzJSONWriting(f *testing.F) {
	f.Add("key", "va\"l\\ue\x01\U0001f600", 1.5, int64(-7), []byte{1, 2})
	f.Fuzz(func(t *testing.T, key, text string, num float64, n int64, raw []byte) {
		if !utf8.ValidString(key) || !utf8.ValidString(text) || math.IsNaN(num) || math.IsInf(num, 0) {
			return
		}
		schema := connect.StructSchema(key, connect.F(key, connect.OptionalStringSchema), connect.F(key+"2", connect.Float64Schema),
			connect.F(key+"3", connect.Int64Schema), connect.F(key+"4", connect.OptionalBytesSchema))
		v := connect.StructOf(connect.NewStruct(schema).Set(key, connect.String(text)).Set(key+"2", connect.Float64(num+0)).
			Set(key+"3", connect.Int64(n)).Set(key+"4", connect.Bytes(raw)))
		c := NewJSON(JSONOptions{Schemas: true})
		out, err := c.Encode(&Arena{}, "t", schema, v)
		require.NoError(t, err)
		require.True(t, json.Valid(out), "%s", out)
		for range 2 { // the second time by the beginning it knows
			gotSchema, got, err := c.Decode("t", out)
			require.NoError(t, err)
			require.Equal(t, golden.Describe(schema), golden.Describe(gotSchema))
			require.True(t, v.Equal(got) || num == 0, "want %s, got %s", v, got)
		}
	})
}

// FuzzPlainJSONWriting writes what has no schema, the names once key by key and then as they are known, and reads it back by a shape that is known.
func FuzzPlainJSONWriting(f *testing.F) {
	f.Add("key", "va\"l\\ue\x01\U0001f600", 1.5, int64(-7))
	f.Fuzz(func(t *testing.T, key, text string, num float64, n int64) {
		if !utf8.ValidString(key) || !utf8.ValidString(text) || math.IsNaN(num) || math.IsInf(num, 0) {
			return
		}
		within := connect.NewMap(1).Put(connect.String(text), connect.Boolean(true))
		m := connect.NewMap(4).Put(connect.String(key), connect.String(text)).Put(connect.String(key+"2"), connect.Float64(num+0)).
			Put(connect.String(key+"3"), connect.Int64(n)).Put(connect.String(key+"4"), connect.MapOf(within))
		c := NewJSON(JSONOptions{})
		first, err := c.Encode(&Arena{}, "t", nil, connect.MapOf(m))
		require.NoError(t, err)
		require.True(t, json.Valid(first), "%s", first)
		for range 3 {
			again, err := c.Encode(&Arena{}, "t", nil, connect.MapOf(m))
			require.NoError(t, err)
			require.Equal(t, string(first), string(again))
			_, got, err := c.Decode("t", again)
			require.NoError(t, err)
			require.True(t, connect.MapOf(m).Equal(got) || num == 0, "want %s, got %s", m, got)
		}
	})
}

// FuzzHeaderText looks for texts that make the guessing of types fail.
func FuzzHeaderText(f *testing.F) {
	for _, seed := range []string{"007", "12:30:00.000Z", `{"a":[1,2.5],b}`, "1e999999999", "[[[[", `["2023-01-02"]`, "٣٤", "\\\\,:"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		schema, v, err := values.Parse(text)
		require.NoError(t, err)
		if schema != nil && schema.Kind() == connect.KindString {
			require.Equal(t, connect.KindString, v.Kind())
		}
		_ = values.Append(nil, v)
	})
}
