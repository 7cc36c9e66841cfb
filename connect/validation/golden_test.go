package validation

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
)

type goldenCase struct {
	ID, Op, Kind, Of string
	Props            connect.Config
	ErrorCount       int `json:"error_count"`
	Groups           []string
	Values           []struct {
		Name    string
		Value   *string
		Errors  []string
		Visible bool
	}
	Keys []map[string]any
	// Added are the definitions that transforms and predicates bring.
	Added []map[string]any `json:"added_definitions"`
}

// Vectors made by Kafka's own classes; $SLUICE_GOLDEN has others of the same form.
func goldenCases(t *testing.T, op string) []goldenCase {
	t.Helper()
	dir := os.Getenv("SLUICE_GOLDEN")
	if dir == "" {
		dir = filepath.Join("..", "testdata") // the SDK's: one copy serves both
	}
	data, err := os.ReadFile(filepath.Join(dir, "configdef.json"))
	require.NoError(t, err)
	var file struct{ Cases []goldenCase }
	require.NoError(t, json.Unmarshal(data, &file))
	var out []goldenCase
	for _, c := range file.Cases {
		if c.Op == op {
			out = append(out, c)
		}
	}
	require.NotEmpty(t, out)
	return out
}

func emptyCatalog(t *testing.T) *catalog.Catalog {
	t.Helper()
	c, err := catalog.New(nil, nil)
	require.NoError(t, err)
	return c
}

var kinds = map[string]catalog.Type{
	"ConnectorConfig": "", "SourceConnectorConfig": catalog.Source, "SinkConnectorConfig": catalog.Sink,
	"connector": "", "source": catalog.Source, "sink": catalog.Sink,
}

func TestGoldenTheFrameworksKeysAreThoseOfKafkaConnect(t *testing.T) {
	for _, c := range goldenCases(t, "definitions") {
		kind, ours := kinds[c.Of]
		if !ours {
			continue // converters have their own test, other classes are not here
		}
		t.Run(c.ID, func(t *testing.T) {
			def := Definition(kind)
			require.Equal(t, c.Groups, groups(def, nil))
			requireSameKeys(t, c.Keys, def)
		})
	}
}

func TestGoldenTheKeysOfTransformsAreThoseOfKafkaConnect(t *testing.T) {
	classes := emptyCatalog(t)
	for _, c := range goldenCases(t, "definitions") {
		if d, err := classes.Transform(c.Of); err == nil {
			t.Run(c.ID, func(t *testing.T) { requireSameKeys(t, c.Keys, d.Spec.Keys) })
		}
	}
}

func requireSameKeys(t *testing.T, want []map[string]any, got connect.ConfigDef) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		members := map[string]any{}
		data, err := json.Marshal(KeyInfo(got[i]))
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(data, &members))
		delete(members, "documentation")
		require.Equal(t, want[i], members)
	}
}

func TestGoldenConfigurationsAreJudgedAsKafkaConnectDoes(t *testing.T) {
	for _, c := range goldenCases(t, "validate") {
		kind, ours := kinds[c.Kind]
		require.True(t, ours, c.Kind)
		t.Run(c.ID, func(t *testing.T) {
			v := &Validator{Catalog: emptyCatalog(t)}
			def, named := v.definition(&catalog.Class{Type: kind}, c.Props, nil)
			require.Equal(t, c.Groups, groups(def, nil))
			requireSameKeys(t, c.Added, def[len(Definition(kind)):])
			r := newReport()
			r.add(def.Validate(c.Props))
			v.converterClasses(c.Props, r)
			checkStages(named, func(key string) bool { _, given := c.Props[key]; return given }, r)
			if kind == catalog.Sink { // the vectors were made without a worker, which adds the other checks
				checkTopics(c.Props, r)
				checkDeadLetters(c.Props, r)
			}
			require.Equal(t, c.ErrorCount, r.errors())
			require.Len(t, r.ordered(), len(c.Values))
			for i, want := range c.Values {
				got := r.ordered()[i].Value
				require.Equal(t, want.Name, got.Name)
				require.Equal(t, want.Errors, got.Errors, want.Name)
				if !strings.HasSuffix(want.Name, "r"+versionSuffix) { // of connector and converters: the vectors were made without a list of plugins
					require.Equal(t, want.Value, got.Value, want.Name)
				}
				if c.Props["connector.class"] != "" { // without it nobody gets this far
					require.Equal(t, want.Visible, got.Visible, want.Name)
				}
			}
		})
	}
}
