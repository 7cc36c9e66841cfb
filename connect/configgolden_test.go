package connect_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

// Vectors made by Kafka's own ConfigDef; $SLUICE_GOLDEN has others of the same form.
func configCases(t *testing.T, op string) []configCase {
	t.Helper()
	dir := os.Getenv("SLUICE_GOLDEN")
	if dir == "" {
		dir = "testdata"
	}
	data, err := os.ReadFile(filepath.Join(dir, "configdef.json"))
	require.NoError(t, err)
	var file struct{ Cases []configCase }
	require.NoError(t, json.Unmarshal(data, &file))
	var out []configCase
	for _, c := range file.Cases {
		if c.Op == op {
			out = append(out, c)
		}
	}
	require.NotEmpty(t, out)
	return out
}

type configCase struct {
	ID, Op, Type, Key, Error, Message, Validator string
	Text                                         *string
	AsText                                       *string `json:"as_text"`
	Value                                        json.RawMessage
}

func TestTextIsParsedAsJavaParsesIt(t *testing.T) {
	for _, c := range configCases(t, "parse") {
		t.Run(c.ID, func(t *testing.T) {
			if c.Text == nil || c.Type == "CLASS" {
				return // an unset key, and names of classes, which Java looks up and we leave to the catalog
			}
			def := connect.ConfigDef{{Name: c.Key, Type: connect.Type(c.Type)}}
			report := def.Validate(connect.Config{c.Key: *c.Text})[0]
			if c.Error != "" {
				require.Equal(t, []string{c.Message}, report.Errors)
				return
			}
			require.Empty(t, report.Errors)
			require.NotNil(t, report.Value)
			if c.Type == "DOUBLE" { // JDK 17 does not always write the shortest form
				want, err := connect.TypeDouble.Parse(*c.AsText)
				require.NoError(t, err)
				got, err := connect.TypeDouble.Parse(*report.Value)
				require.NoError(t, err)
				require.True(t, want.Equal(got), "want %s, got %s", *c.AsText, *report.Value)
				return
			}
			require.Equal(t, *c.AsText, *report.Value)
		})
	}
}

var validators = map[string]connect.Check{
	"Range.atLeast(1)":                       connect.AtLeast(1),
	"Range.between(1,10)":                    connect.Between(1, 10),
	"NonEmptyString":                         connect.NonEmpty,
	"NonEmptyStringWithoutControlChars":      connect.NonEmptyWithoutControls,
	"NonNullValidator":                       connect.NotNull,
	"ValidString.in(a,b)":                    connect.OneOf("a", "b"),
	"CaseInsensitiveValidString.in(one,TWO)": connect.OneOfFold("one", "TWO"),
	"ValidList.in(a,b)":                      connect.EachOneOf("a", "b"),
	"CompositeValidator.of(NonEmptyString, ValidString.in(a))": connect.All(connect.NonEmpty, connect.OneOf("a")),
}

func TestValuesAreRefusedInJavasWords(t *testing.T) {
	seen := 0
	for _, c := range configCases(t, "validator") {
		check, ok := validators[c.Validator]
		var value []any
		require.NoError(t, json.Unmarshal(c.Value, &value))
		if !ok || len(value) == 0 || value[0] == "array" {
			continue // ranges of fractions and lists of bounded size are not checks of ours; unset keys are not checked
		}
		text, typ := "", connect.TypeString
		switch v := value[1].(type) {
		case string:
			text = v
		case float64:
			text, typ = json.Number(string(mustJSON(t, v))).String(), connect.TypeLong
		}
		if value[0] == "float64" {
			typ = connect.TypeDouble
		}
		seen++
		t.Run(c.ID, func(t *testing.T) {
			def := connect.ConfigDef{{Name: c.Key, Type: typ, Check: check}}
			report := def.Validate(connect.Config{c.Key: text})[0]
			if typ == connect.TypeString && text != *report.Value {
				return // the vector's value was not trimmed, as that of a configuration is
			}
			if c.Error == "" {
				require.Empty(t, report.Errors)
				return
			}
			require.Equal(t, []string{c.Message}, report.Errors)
		})
	}
	require.Greater(t, seen, 10)
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return data
}
