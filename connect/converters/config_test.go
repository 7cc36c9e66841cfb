package converters

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

func TestABadSettingIsRefusedByItsName(t *testing.T) {
	for key, value := range map[string]string{
		"schemas.enable": "maybe", "schemas.cache.size": "many", "decimal.format": "HEX", "replace.null.with.default": "",
	} {
		_, err := definition(t, "JsonConverter").New(Value, connect.Config{key: value})
		var refused *connect.ConfigError
		require.ErrorAs(t, err, &refused)
		assert.Equal(t, key, refused.Key)
	}
}

func TestValidationRefusesWhatTheConverterRefuses(t *testing.T) {
	for _, d := range All() {
		for _, k := range d.Spec.Keys {
			if k.Check != nil {
				assert.Error(t, k.Check(connect.String("no such thing")), "%s %s", d.Spec.Class, k.Name)
			}
			if text, ok := k.Default.Text(); ok && k.Check != nil {
				assert.NoError(t, k.Check(connect.String(text)))
			}
		}
	}
}

func TestEveryConverterHasASeat(t *testing.T) {
	for _, d := range All() {
		require.NotNil(t, d.NewHeader, d.Spec.Class)
		_, err := d.NewHeader(nil)
		require.NoError(t, err)
		if d.New == nil {
			assert.Equal(t, "org.apache.kafka.connect.storage.SimpleHeaderConverter", d.Spec.Class)
		}
	}
}

func TestAValueThatDoesNotFitNamesTheKeyOfItsConverter(t *testing.T) {
	for _, name := range []string{"ByteArrayConverter", "BooleanConverter", "LongConverter"} {
		for _, seat := range []Seat{Key, Value} {
			c, err := definition(t, name).New(seat, nil)
			require.NoError(t, err)
			_, err = c.Encode(&Arena{}, "t", connect.StringSchema, connect.String("text"))
			require.ErrorIs(t, err, connect.ErrData)
			require.ErrorContains(t, err, "set "+string(seat)+".converter to one that fits")
		}
		header, err := definition(t, name).NewHeader(nil)
		require.NoError(t, err)
		_, err = header.EncodeHeader(&Arena{}, "t", "h", connect.StringSchema, connect.String("text"))
		require.ErrorContains(t, err, "set header.converter to one that fits")
	}
}
