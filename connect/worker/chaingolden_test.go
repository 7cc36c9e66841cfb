package worker

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/validation"
	"github.com/sluice-connect/sluice/internal/golden"
)

// goldenChain is a case of transforms.json. Those of single transforms are the transforms' own.
type goldenChain struct {
	ID     string          `json:"id"`
	Op     string          `json:"op"`
	Config connect.Config  `json:"config"`
	Kind   string          `json:"kind"`
	In     json.RawMessage `json:"in"`
	Out    *golden.Record  `json:"out"`
	Error  string          `json:"error"`
	Stage  string          `json:"stage"`
}

// configuredChain makes the chain of a configuration, as a task of the worker does.
func configuredChain(t testing.TB, cfg connect.Config) (chain, error) {
	t.Helper()
	classes, err := catalog.New(nil, []connect.SinkConnector{&sinkScript{}})
	require.NoError(t, err)
	all := connect.Config{"name": "s", "connector.class": "test.SinkScriptConnector", "topics": "t"}
	maps.Copy(all, cfg)
	class, err := classes.Connector(all["connector.class"])
	require.NoError(t, err)
	f, err := validation.ParseFramework(classes, class, all, nil)
	if err != nil {
		return nil, err
	}
	return newChain(classes, f, all)
}

func TestGoldenChains(t *testing.T) {
	run := 0
	for _, c := range golden.Load[goldenChain](t, "transforms.json") {
		if c.Op != "chain" {
			continue
		}
		run++
		t.Run(c.ID, func(t *testing.T) {
			transforms, err := configuredChain(t, c.Config)
			if c.Stage == "configure" {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			defer transforms.close()
			var in golden.Record
			require.NoError(t, json.Unmarshal(c.In, &in))
			r, err := in.SinkRecord()
			require.NoError(t, err)
			var keep bool
			if c.Kind == "sink" {
				keep, err = transforms.applySink(&r)
			} else {
				keep, err = transforms.apply(&r.Record)
			}
			if c.Error != "" {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.Out != nil, keep)
			if keep {
				want, err := c.Out.SinkRecord()
				require.NoError(t, err)
				golden.AssertRecord(t, &want.Record, &r.Record)
			}
		})
	}
	require.Positive(t, run)
}

func TestAChainThatCannotBeBuiltNamesTheKey(t *testing.T) {
	const prefix = "org.apache.kafka.connect.transforms."
	for key, cfg := range map[string]connect.Config{
		"transforms.a.type":      {"transforms": "a"},
		"transforms.b.type":      {"transforms": "b", "transforms.b.type": "no.Such"},
		"transforms.a.field":     {"transforms": "a", "transforms.a.type": prefix + "HoistField$Key"},
		"transforms.a.negate":    {"transforms": "a", "transforms.a.type": prefix + "Filter", "transforms.a.negate": "true"},
		"transforms.a.spec":      {"transforms": "a", "transforms.a.type": prefix + "Cast$Value", "transforms.a.spec": "x:nope"},
		"predicates.p.pattern":   {"predicates": "p", "predicates.p.type": "TopicNameMatches", "predicates.p.pattern": "["},
		"predicates.p.type":      {"predicates": "p"},
		"predicates.nobody.type": {"transforms": "a", "transforms.a.type": "Filter", "transforms.a.predicate": "nobody"},
	} {
		_, err := configuredChain(t, cfg)
		var refused *connect.ConfigError
		require.ErrorAs(t, err, &refused, key)
		require.Equal(t, key, refused.Key)
	}
}
