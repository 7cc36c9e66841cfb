package validation

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	hoistField = "org.apache.kafka.connect.transforms.HoistField$Value"
	tombstones = "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone"
)

func TestAPredicateThatIsNotThereIsAWarning(t *testing.T) {
	cfg := with("transforms", "a", "transforms.a.type", hoistField, "transforms.a.field", "f", "transforms.a.predicate", "p")
	got, err := validator(t, nil).Validate(t.Context(), cfg)
	require.NoError(t, err)
	require.Zero(t, got.Infos.ErrorCount, "Java accepts it")
	require.Equal(t, []string{"transforms.a.predicate: predicates does not list p, and tasks will fail: add it there, or remove the key"}, got.Warnings)
	cfg["predicates"], cfg["predicates.p.type"] = "p", tombstones
	got, err = validator(t, nil).Validate(t.Context(), cfg)
	require.NoError(t, err)
	require.Empty(t, got.Warnings)
}

func TestAMisspelledKeyOfATransformIsAWarning(t *testing.T) {
	got, err := validator(t, nil).Validate(t.Context(), with("transforms", "a", "transforms.a.type", hoistField, "transforms.a.field", "f",
		"transforms.a.feild", "g", "transforms.b.type", hoistField))
	require.NoError(t, err)
	require.Equal(t, []string{
		"transforms.a.feild: no such key of " + hoistField + ", it has no effect",
		"transforms.b.type: no such key of S, it has no effect",
	}, got.Warnings)
}

func TestAVersionOfATransformThatIsNotHereIsRefused(t *testing.T) {
	got, err := validator(t, nil).Validate(t.Context(), with("transforms", "a", "transforms.a.type", hoistField, "transforms.a.field", "f",
		"transforms.a.plugin.version", "[1,2)"))
	require.NoError(t, err)
	refusal := []string{"Plugin " + hoistField + " not found that matches the version range [1,2), available versions: [4.1.2]"}
	require.Equal(t, map[string][]string{"transforms.a.type": refusal, "transforms.a.plugin.version": refusal}, errorsOf(got.Infos))
}

func TestAStoredConfigurationWithABadTransformIsRefused(t *testing.T) {
	cfg := creating()
	cfg["transforms"], cfg["transforms.a.type"], cfg["transforms.b.type"], cfg["transforms.b.negate"] = "a,b", "java.lang.String", hoistField, "true"
	_, err := parse(t, cfg, nil)
	require.ErrorContains(t, err, "Class class java.lang.String does not implement the Transformation interface")
	require.ErrorContains(t, err, "Config 'transforms.b.negate' was provided but there is no config 'transforms.b.predicate'")
	require.ErrorContains(t, err, missing("transforms.b.field"))
}
