package converters

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

func TestTextIsWrittenAndReadInTheConfiguredCharacterSet(t *testing.T) {
	for _, c := range []struct{ name, text, bytes, back string }{
		{"UTF8", "aü€", "a\xc3\xbc\xe2\x82\xac", "aü€"},
		{"ISO8859_1", "aü€", "a\xfc?", "aü?"},
		{"latin1", "aü", "a\xfc", "aü"},
		{"windows-1252", "€", "\x80", "€"},
		{"Cp1250", "ł", "\xb3", "ł"},
		{"US-ASCII", "aü", "a?", "a?"},
		{"UTF-16", "a😀", "\xfe\xff\x00a\xd8\x3d\xde\x00", "a😀"},
		{"UTF-16LE", "a", "a\x00", "a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			conv, err := definition(t, "StringConverter").New(Value, connect.Config{"converter.encoding": c.name})
			require.NoError(t, err)
			out, err := conv.Encode(&Arena{}, "t", connect.StringSchema, connect.String(c.text))
			require.NoError(t, err)
			assert.Equal(t, c.bytes, string(out))
			_, v, err := conv.Decode("t", out)
			require.NoError(t, err)
			assert.Equal(t, c.back, v.Str())
		})
	}
}

func TestAnUnknownCharacterSetIsRefusedWhenConfigured(t *testing.T) {
	_, err := definition(t, "StringConverter").New(Value, connect.Config{"converter.encoding": "klingon"})
	var refused *connect.ConfigError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "converter.encoding", refused.Key)
	assert.Contains(t, refused.Reason, "klingon")
}

func TestHalfACharacterIsReadAsAReplacement(t *testing.T) {
	conv, err := definition(t, "StringConverter").New(Value, connect.Config{"converter.encoding": "UTF-16"})
	require.NoError(t, err)
	_, v, err := conv.Decode("t", []byte("\xff\xfea\x00b"))
	require.NoError(t, err)
	assert.Equal(t, "a\ufffd", v.Str())
}
