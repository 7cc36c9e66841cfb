package payload_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connectors/mqtt/payload"
)

func TestJSONKeepsNumbersWhole(t *testing.T) {
	for text, want := range map[string]connect.Value{
		"21":                     connect.Int64(21),
		"-9223372036854775808":   connect.Int64(-1 << 63),
		"9223372036854775808":    connect.String("9223372036854775808"),
		"21.5":                   connect.Float64(21.5),
		"1.10":                   connect.Float64(1.1),
		"-2.5e-3":                connect.Float64(-0.0025),
		"0.0":                    connect.Float64(0),
		"0.30000000000000004":    connect.Float64(0.30000000000000004),
		"3.14159265358979323846": connect.String("3.14159265358979323846"),
		"1e400":                  connect.String("1e400"),
		"1e-400":                 connect.String("1e-400"),
		`"x"`:                    connect.String("x"),
		"true":                   connect.Boolean(true),
		"null":                   {},
		" [1, [] , {}] ":         connect.Array([]connect.Value{connect.Int64(1), connect.Array(nil), connect.MapOf(connect.NewMap(0))}),
		`{"b":1,"a":{"c":2},"b":3.5}`: connect.MapOf(connect.NewMap(2).Put(connect.String("b"), connect.Float64(3.5)).
			Put(connect.String("a"), connect.MapOf(connect.NewMap(1).Put(connect.String("c"), connect.Int64(2))))),
	} {
		got, err := payload.JSON([]byte(text))
		require.NoError(t, err, text)
		assert.True(t, want.Equal(got), "%s: want %v (%s), got %v (%s)", text, want, want.Kind(), got, got.Kind())
	}
}

func TestJSONRefusesWhatIsNone(t *testing.T) {
	for _, text := range []string{"", "{", `{"a":}`, "1 2", "[1,]", "nul", "\xff", "\"\xff\"", "21.", strings.Repeat("[", 1001) + strings.Repeat("]", 1001)} {
		_, err := payload.JSON([]byte(text))
		assert.Error(t, err, text)
	}
}

func TestCBORComesAsJSONWould(t *testing.T) {
	data, err := cbor.Marshal(map[any]any{
		"t": 21.5, "n": uint64(1 << 63), "i": -3, "b": []byte{1}, 7: "seven", "l": []any{true, nil}, "tag": cbor.Tag{Number: 32, Content: "urn:x"},
	})
	require.NoError(t, err)
	v, err := payload.CBOR(data)
	require.NoError(t, err)
	text, err := payload.AppendJSON(nil, v)
	require.NoError(t, err)
	assert.Equal(t, `{"7":"seven","b":"AQ==","i":-3,"l":[true,null],"n":"9223372036854775808","t":21.5,"tag":"urn:x"}`, string(text))
	for _, bad := range [][]byte{nil, {0x18}, {0x01, 0x01}, {0xa2, 0x01, 0x02, 0x01, 0x03}, {0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}} {
		_, err := payload.CBOR(bad)
		assert.Error(t, err, "%x", bad)
	}
}

func TestEveryCompressionIsUndoneAlsoWhenGuessed(t *testing.T) {
	const text = "a reading, a reading, a reading"
	packed := map[string]func() []byte{
		"gzip": func() []byte {
			var b bytes.Buffer
			w := gzip.NewWriter(&b)
			_, _ = w.Write([]byte(text))
			require.NoError(t, w.Close())
			return b.Bytes()
		},
		"zlib": func() []byte {
			var b bytes.Buffer
			w := zlib.NewWriter(&b)
			_, _ = w.Write([]byte(text))
			require.NoError(t, w.Close())
			return b.Bytes()
		},
		"zstd": func() []byte {
			w, err := zstd.NewWriter(nil)
			require.NoError(t, err)
			return w.EncodeAll([]byte(text), nil)
		},
		"lz4": func() []byte {
			var b bytes.Buffer
			w := lz4.NewWriter(&b)
			_, _ = w.Write([]byte(text))
			require.NoError(t, w.Close())
			return b.Bytes()
		},
		"snappy": func() []byte {
			var b bytes.Buffer
			w := snappy.NewBufferedWriter(&b)
			_, _ = w.Write([]byte(text))
			require.NoError(t, w.Close())
			return b.Bytes()
		},
	}
	for kind, pack := range packed {
		for _, as := range []string{kind, "auto"} {
			got, err := payload.NewDecompressor(as, 1000).Decompress(pack())
			require.NoError(t, err, as)
			assert.Equal(t, text, string(got), as)
			_, err = payload.NewDecompressor(as, 10).Decompress(pack())
			if as != "auto" || kind != "zlib" {
				assert.Error(t, err, "%s: longer than allowed", as)
			}
		}
		_, err := payload.NewDecompressor(kind, 1000).Decompress([]byte("plain"))
		assert.Error(t, err, kind)
	}
	block, err := payload.NewDecompressor("snappy", 1000).Decompress(snappy.Encode(nil, []byte(text)))
	require.NoError(t, err)
	assert.Equal(t, text, string(block))
	for _, plain := range []string{"", "plain", "x^2 is a formula", "{}"} {
		got, err := payload.NewDecompressor("auto", 1000).Decompress([]byte(plain))
		require.NoError(t, err)
		assert.Equal(t, plain, string(got))
	}
}

func TestJSONIsWrittenForDevices(t *testing.T) {
	schema := connect.StructSchema("s", connect.F("name", connect.StringSchema), connect.F("n", connect.Int32Schema),
		connect.F("list", connect.ArraySchema(connect.Float64Schema)), connect.F("raw", connect.BytesSchema))
	v := connect.StructOf(connect.NewStruct(schema).Set("name", connect.String("<\"a\"\n>")).Set("n", connect.Int32(-1)).
		Set("list", connect.Array([]connect.Value{connect.Float64(1), connect.Float64(2.5)})).Set("raw", connect.Bytes([]byte{1, 2})))
	text, err := payload.AppendJSON(nil, v)
	require.NoError(t, err)
	assert.Equal(t, `{"name":"<\"a\"\n>","n":-1,"list":[1,2.5],"raw":"AQI="}`, string(text))
	back, err := payload.JSON(text)
	require.NoError(t, err)
	n, _ := back.Map().Get(connect.String("n"))
	assert.EqualValues(t, -1, n.Int64())
}

func FuzzDecoding(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.5,"x",null]}`, "\xa1\x61a\x01", "\x1f\x8b\x08", "\x04\x22\x4d\x18", "\xff\x06\x00\x00sNaPpY", "x\x9c"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if v, err := payload.JSON(data); err == nil {
			text, err := payload.AppendJSON(nil, v)
			require.NoError(t, err)
			again, err := payload.JSON(text)
			require.NoError(t, err)
			twice, err := payload.AppendJSON(nil, again)
			require.NoError(t, err)
			require.Equal(t, string(text), string(twice), "%s", data)
		}
		_, _ = payload.CBOR(data)
		out, err := payload.NewDecompressor("auto", 1<<16).Decompress(data)
		if err == nil && len(out) > max(1<<16, len(data)) {
			t.Fatalf("%d bytes became %d", len(data), len(out))
		}
	})
}
