package transforms

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/internal/golden"
)

// goldenCase is a case of transforms.json. Chains are the worker's.
type goldenCase struct {
	ID        string          `json:"id"`
	Op        string          `json:"op"`
	Transform string          `json:"transform"`
	Predicate string          `json:"predicate"`
	Config    connect.Config  `json:"config"`
	Kind      string          `json:"kind"`
	In        json.RawMessage `json:"in"`
	Out       *golden.Record  `json:"out"`
	Result    bool            `json:"result"`
	Error     string          `json:"error"`
	Stage     string          `json:"stage"`
}

func (c goldenCase) input(t *testing.T) *connect.SinkRecord {
	t.Helper()
	var in golden.Record
	require.NoError(t, json.Unmarshal(c.In, &in))
	r, err := in.SinkRecord()
	require.NoError(t, err)
	return &r
}

func TestGoldenTransforms(t *testing.T) {
	for _, c := range golden.Load[goldenCase](t, "transforms.json") {
		if c.Op == "transform" {
			t.Run(c.ID, func(t *testing.T) { runGolden(t, c) })
		}
	}
}

func runGolden(t *testing.T, c goldenCase) {
	d := all(t, c.Transform)
	transform, err := d.New(c.Config)
	if c.Stage == "configure" {
		var refused *connect.ConfigError
		require.ErrorAs(t, err, &refused)
		assert.True(t, d.Spec.Keys.Has(refused.Key), "the error names a key: %s", refused.Key)
		return
	}
	require.NoError(t, err)
	defer transform.Close()
	r, before := c.input(t), c.input(t)
	var keep bool
	if sink, ok := transform.(connect.SinkTransform); ok && c.Kind == "sink" {
		keep, err = sink.ApplySink(r)
	} else {
		keep, err = transform.Apply(&r.Record)
	}
	if c.Error != "" {
		require.Error(t, err)
		if slices.Contains([]string{"DataException", "SchemaBuilderException"}, c.Error) {
			require.ErrorIs(t, err, connect.ErrData)
		}
		golden.AssertRecord(t, &before.Record, &r.Record)
		return
	}
	require.NoError(t, err)
	require.Equal(t, c.Out != nil, keep)
	if keep {
		want, err := c.Out.SinkRecord()
		require.NoError(t, err)
		golden.AssertRecord(t, &want.Record, &r.Record)
	}
}

// all finds the definition of a class.
func all(t testing.TB, class string) Definition {
	t.Helper()
	i := slices.IndexFunc(All(), func(d Definition) bool { return d.Spec.Class == class })
	require.GreaterOrEqual(t, i, 0, "no such transform: %s", class)
	return All()[i]
}

func TestGoldenPredicates(t *testing.T) {
	for _, c := range golden.Load[goldenCase](t, "transforms.json") {
		if c.Op != "predicate" {
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			i := slices.IndexFunc(AllPredicates(), func(d PredicateDefinition) bool { return d.Spec.Class == c.Predicate })
			require.GreaterOrEqual(t, i, 0, "no such predicate: %s", c.Predicate)
			predicate, err := AllPredicates()[i].New(c.Config)
			if c.Error != "" {
				require.ErrorAs(t, err, new(*connect.ConfigError))
				return
			}
			require.NoError(t, err)
			defer predicate.Close()
			met, err := predicate.Test(&c.input(t).Record)
			require.NoError(t, err)
			require.Equal(t, c.Result, met)
		})
	}
}

// goldenDefinition is the definition of a class in configdef.json.
type goldenDefinition struct {
	ID   string `json:"id"`
	Op   string `json:"op"`
	Of   string `json:"of"`
	Keys []struct {
		Name       string   `json:"name"`
		Type       string   `json:"type"`
		Required   bool     `json:"required"`
		Default    *string  `json:"default_value"`
		Importance string   `json:"importance"`
		Group      *string  `json:"group"`
		Width      string   `json:"width"`
		Display    string   `json:"display_name"`
		Dependents []string `json:"dependents"`
		Order      int      `json:"order"`
	} `json:"keys"`
}

func TestGoldenDefinitions(t *testing.T) {
	specs := map[string]connect.Spec{}
	for _, d := range All() {
		specs[d.Spec.Class] = d.Spec
	}
	for _, d := range AllPredicates() {
		specs[d.Spec.Class] = d.Spec
	}
	for _, c := range golden.Load[goldenDefinition](t, "configdef.json") {
		spec, ours := specs[c.Of]
		if c.Op != "definitions" || !ours {
			continue // of other classes
		}
		t.Run(c.Of, func(t *testing.T) {
			require.Len(t, spec.Keys, len(c.Keys))
			for i, want := range c.Keys {
				got := spec.Keys[i]
				text, hasDefault := got.Default.Text()
				assert.Equal(t, want.Name, got.Name)
				assert.Equal(t, want.Type, string(got.Type), want.Name)
				assert.Equal(t, want.Required, got.Default.Required(), want.Name)
				assert.Equal(t, want.Default != nil, hasDefault, want.Name)
				if want.Default != nil {
					assert.Equal(t, *want.Default, text, want.Name)
				}
				assert.Equal(t, want.Importance, string(got.Importance), want.Name)
				assert.Equal(t, want.Group == nil, got.Group == "", want.Name)
				assert.Equal(t, want.Width, string(got.Width), want.Name)
				assert.Equal(t, want.Order, got.Order, want.Name)
				assert.Empty(t, got.Dependents)
				assert.NotEmpty(t, got.Doc)
			}
		})
	}
}
