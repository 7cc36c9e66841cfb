package connect_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

// allKeys recommends the names of all keys that it sees.
type allKeys struct{}

func (allKeys) Values(key string, cfg connect.Config) []string {
	out := []string{key}
	for name := range cfg {
		out = append(out, name)
	}
	return out
}

func (allKeys) Visible(key string, cfg connect.Config) bool { return cfg[key] != "" }

func names(def connect.ConfigDef) []string {
	var out []string
	for _, k := range def {
		out = append(out, k.Name)
	}
	return out
}

func TestEmbeddedKeysStandAsJavaSortsThem(t *testing.T) {
	def := connect.NewSpec("", "",
		connect.StringKey("low", "").Optional().Importance(connect.Low),
		connect.StringKey("grouped", "").Optional().Group("g", 1, connect.WidthLong, "Grouped"),
		connect.StringKey("b", "").Optional(),
		connect.StringKey("high", "").Optional().Importance(connect.High),
		connect.StringKey("a", "").Optional(),
		connect.StringKey("needed", "").Importance(connect.Low),
	).Keys
	embedded := def.Embed("p.", "P: x", 2)
	require.Equal(t, []string{"p.needed", "p.high", "p.a", "p.b", "p.low", "p.grouped"}, names(embedded))
	for i, k := range embedded {
		require.Equal(t, 2+i, k.Order)
	}
	require.Equal(t, "P: x", embedded[0].Group)
	require.Equal(t, "needed", embedded[0].DisplayName)
	require.Equal(t, "P: x: g", embedded[5].Group)
	require.Equal(t, "low", def[0].Name, "the definition itself stays as it was")
}

func TestAnEmbeddedKeyIsCheckedUnderItsOwnName(t *testing.T) {
	def := connect.NewSpec("", "", connect.IntKey("n", "").Must(connect.AtLeast(1)).Dependents("m"), connect.StringKey("m", "").Optional()).Keys
	inner := def.Embed("q.", "Q", 0).Embed("p.", "P", 0)
	require.Equal(t, []string{"p.q.m"}, inner[0].Dependents)
	require.Equal(t, []string{
		"Invalid value 0 for configuration n: Value must be at least 1", // as Java says it, although there may be several n
	}, inner.Validate(connect.Config{"p.q.n": "0"})[0].Errors)
	require.Equal(t, "Invalid value x for configuration p.q.n: Not a number of type INT", inner.Validate(connect.Config{"p.q.n": "x"})[0].Errors[0])
}

func TestAnEmbeddedRecommenderSeesItsOwnKeys(t *testing.T) {
	def := connect.NewSpec("", "", connect.StringKey("a", "").Optional().Recommend(allKeys{})).Keys.Embed("p.", "P", 0)
	found := def.Validate(connect.Config{"p.a": "1", "a": "2", "q.b": "3"})[0]
	require.Equal(t, []string{"a", "a"}, found.Recommended)
	require.True(t, found.Visible)
}

func TestAKeyThatIsGivenAsNullIsNotMissingAndHasNoDefault(t *testing.T) {
	def := connect.NewSpec("", "", connect.StringKey("s", ""), connect.IntKey("n", "").Default(3).Must(connect.AtLeast(1))).Keys
	found := def.Validate(nil, "s", "n")
	require.Empty(t, found[0].Errors)
	require.Nil(t, found[1].Value)
	require.Equal(t, []string{"Invalid value null for configuration n: Value must be non-null"}, found[1].Errors)
}
