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

func TestTheFrameworksKeysAreThoseOfKafkaConnect(t *testing.T) {
	for _, c := range goldenCases(t, "definitions") {
		kind, ours := kinds[c.Of]
		if !ours {
			continue // converters have their own test, other classes are not here
		}
		t.Run(c.ID, func(t *testing.T) {
			def := Definition(kind)
			require.Equal(t, c.Groups, groups(def, nil))
			require.Len(t, def, len(c.Keys))
			for i, want := range c.Keys {
				got := map[string]any{}
				data, err := json.Marshal(KeyInfo(def[i]))
				require.NoError(t, err)
				require.NoError(t, json.Unmarshal(data, &got))
				delete(got, "documentation")
				require.Equal(t, want, got)
			}
		})
	}
}

func TestConfigurationsAreJudgedAsKafkaConnectDoes(t *testing.T) {
	judged := 0
	for _, c := range goldenCases(t, "validate") {
		kind, ours := kinds[c.Kind]
		if !ours || usesTransforms(c.Props) || c.Props["key.converter"] == "java.lang.String" {
			continue // transforms come with their own issue; a class of Java's that is no converter is here no class at all
		}
		judged++
		t.Run(c.ID, func(t *testing.T) {
			v := &Validator{Catalog: emptyCatalog(t)}
			def := Definition(kind)
			v.offer(def, &catalog.Class{Type: kind}, c.Props)
			r := newReport()
			r.add(def.Validate(c.Props))
			v.converterClasses(c.Props, r)
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
				if !strings.HasSuffix(want.Name, versionSuffix) { // the vectors were made without a list of plugins
					require.Equal(t, want.Value, got.Value, want.Name)
				}
				if c.Props["connector.class"] != "" { // without it nobody gets this far
					require.Equal(t, want.Visible, got.Visible, want.Name)
				}
			}
		})
	}
	require.Greater(t, judged, 30)
}

func usesTransforms(cfg connect.Config) bool {
	for key := range cfg {
		if strings.HasPrefix(key, "transforms") || strings.HasPrefix(key, "predicates") {
			return true
		}
	}
	return false
}
