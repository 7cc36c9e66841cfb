package connect_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/internal/golden"
)

// configCases are the vectors for one operation, made by Kafka's own ConfigDef.
func configCases(t *testing.T, op string) []configCase {
	t.Helper()
	var out []configCase
	for _, c := range golden.Load[configCase](t, "configdef.json") {
		if c.Op == op {
			out = append(out, c)
		}
	}
	require.NotEmpty(t, out, "there are no cases of %s", op)
	return out
}

type configCase struct {
	ID, Op, Type, Key, Error, Message, Validator string
	Text                                         *string
	AsText                                       *string `json:"as_text"`
	Value                                        json.RawMessage
}

func TestGoldenTextIsParsedAsJavaParsesIt(t *testing.T) {
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
			parsed, err := connect.Type(c.Type).Parse(*c.Text)
			require.NoError(t, err)
			requireParsed(t, c.Value, parsed)
		})
	}
}

// requireParsed compares texts, passwords and lists, whose shown form may hide a difference.
func requireParsed(t *testing.T, want json.RawMessage, got connect.Value) {
	t.Helper()
	var class, text string
	require.NoError(t, json.Unmarshal(want, &[]any{&class}))
	switch class {
	case "string", "password":
		require.NoError(t, json.Unmarshal(want, &[]any{&class, &text}))
		require.Equal(t, text, got.Str())
	case "array":
		var list [][2]string
		require.NoError(t, json.Unmarshal(want, &[]any{&class, &list}))
		texts := []string{}
		for _, e := range list {
			texts = append(texts, e[1])
		}
		require.Equal(t, texts, connect.ListKey("l", "").Get(connect.Config{"l": connect.TypeList.Format(got)}))
	}
}

var validators = map[string]connect.Check{
	"Range.atLeast(1)":                       connect.AtLeast(1),
	"Range.between(1,10)":                    connect.Between(1, 10),
	"Range.between(0.5,1.5)":                 connect.Between(0.5, 1.5),
	"NonEmptyString":                         connect.NonEmpty,
	"NonEmptyStringWithoutControlChars":      connect.NonEmptyWithoutControls,
	"NonNullValidator":                       connect.NotNull,
	"ValidString.in(a,b)":                    connect.OneOf("a", "b"),
	"CaseInsensitiveValidString.in(one,TWO)": connect.OneOfFold("one", "TWO"),
	"ValidList.in(a,b)":                      connect.EachOneOf("a", "b"),
	"ListSize.atMostOfSize(2)":               connect.AtMost(2),
	"CompositeValidator.of(NonEmptyString, ValidString.in(a))": connect.All(connect.NonEmpty, connect.OneOf("a")),
}

func TestGoldenValuesAreRefusedInJavasWords(t *testing.T) {
	for _, c := range configCases(t, "validator") {
		t.Run(c.ID, func(t *testing.T) {
			check, ok := validators[c.Validator]
			require.True(t, ok, "no check for %s", c.Validator)
			typ, text, null := configText(t, c.Value)
			if typ == connect.TypeString && strings.TrimSpace(text) != text {
				return // the vector's value was never trimmed, as that of a configuration is
			}
			cfg, want := connect.Config{c.Key: text}, []string(nil)
			if null {
				// Kept for keys that are required and missing: that they are is said first.
				delete(cfg, c.Key)
				want = append(want, `Missing required configuration "`+c.Key+`" which has no default value.`)
			}
			if c.Error != "" {
				want = append(want, c.Message)
			}
			require.Equal(t, want, connect.ConfigDef{{Name: c.Key, Type: typ, Check: check}}.Validate(cfg)[0].Errors)
		})
	}
}

// configText is the type and the text of a key that would have a vector's value.
func configText(t *testing.T, value json.RawMessage) (typ connect.Type, text string, null bool) {
	t.Helper()
	if string(value) == "null" {
		return connect.TypeString, "", true
	}
	var class string
	var rest json.RawMessage
	require.NoError(t, json.Unmarshal(value, &[]any{&class, &rest}))
	switch class {
	case "int16", "int32":
		return connect.TypeInt, string(rest), false
	case "array":
		var list [][2]string
		require.NoError(t, json.Unmarshal(rest, &list))
		var entries []string
		for _, e := range list {
			entries = append(entries, e[1])
		}
		return connect.TypeList, strings.Join(entries, ","), false
	}
	require.NoError(t, json.Unmarshal(rest, &text))
	if class == "float64" {
		return connect.TypeDouble, text, false
	}
	return connect.TypeString, text, false
}
