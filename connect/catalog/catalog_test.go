package catalog

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/versions"
)

type source struct{ class string }

func (s source) Spec() connect.Spec { return connect.NewSpec(s.class, "1") }
func (source) Open(context.Context, connect.SourceContext) (connect.SourceTask, error) {
	return nil, nil
}

func TestAConnectorIsFoundByItsNames(t *testing.T) {
	c, err := New([]connect.SourceConnector{source{"org.x.FileStreamSourceConnector"}}, nil)
	require.NoError(t, err)
	for _, name := range []string{"org.x.FileStreamSourceConnector", "FileStreamSourceConnector", "FileStreamSource"} {
		k, err := c.Connector(name)
		require.NoError(t, err, name)
		require.Equal(t, Source, k.Type)
	}
	_, err = c.Connector("Nope")
	require.EqualError(t, err, "Failed to find any class that implements Connector and which name matches Nope, "+
		"available connectors are: org.x.FileStreamSourceConnector")
	require.Equal(t, "unknown", c.TypeOf("Nope"))
}

func TestANameOfTwoClassesIsRefused(t *testing.T) {
	c, err := New([]connect.SourceConnector{source{"a.XConnector"}, source{"b.XConnector"}}, nil)
	require.NoError(t, err)
	var ambiguous *AmbiguousError
	_, err = c.Connector("X")
	require.ErrorAs(t, err, &ambiguous)
	require.Equal(t, []string{"a.XConnector", "b.XConnector"}, ambiguous.Classes)
}

func TestConvertersAreFoundByShortNameToo(t *testing.T) {
	c, err := New(nil, nil)
	require.NoError(t, err)
	for _, name := range []string{"org.apache.kafka.connect.json.JsonConverter", "JsonConverter", "Json"} {
		d, err := c.Converter(name)
		require.NoError(t, err, name)
		require.Equal(t, "org.apache.kafka.connect.json.JsonConverter", d.Spec.Class)
	}
	for _, name := range []string{"SimpleHeaderConverter", "SimpleHeader", "Simple"} {
		d, err := c.Converter(name)
		require.NoError(t, err, name)
		require.Equal(t, "org.apache.kafka.connect.storage.SimpleHeaderConverter", d.Spec.Class)
	}
	_, err = c.Converter("all")
	require.EqualError(t, err, "Class all could not be found.")
}

type sink struct{ source }

func (sink) Open(context.Context, connect.SinkContext) (connect.SinkTask, error) { return nil, nil }

func TestTheListIsInTheOrderOfRest(t *testing.T) {
	c, err := New([]connect.SourceConnector{source{"b.Source"}, source{"a.Source"}}, []connect.SinkConnector{sink{source{"z.Sink"}}})
	require.NoError(t, err)
	require.Equal(t, []Listed{{"z.Sink", Sink, "1"}, {"a.Source", Source, "1"}, {"b.Source", Source, "1"}}, c.List(true))
	var order []Type
	for _, l := range c.List(false) {
		if len(order) == 0 || order[len(order)-1] != l.Type {
			order = append(order, l.Type)
		}
	}
	require.Equal(t, []Type{Sink, Source, Transformation, Predicate, Converter, HeaderConverter}, order)
}

type versioned struct {
	source
	version string
}

func (v versioned) Spec() connect.Spec { return connect.NewSpec(v.class, v.version) }

func TestVersionsOfAClassStandBesideOneAnother(t *testing.T) {
	own, err := New([]connect.SourceConnector{source{"a.X"}}, nil)
	require.NoError(t, err)
	c, problems := own.With(
		Addition{Origin: "plugin p 1", Sources: []connect.SourceConnector{versioned{source{"a.X"}, "1.10"}, versioned{source{"a.X"}, "1.9"}}},
		Addition{Origin: "plugin q 1", Sources: []connect.SourceConnector{versioned{source{"a.X"}, "1.9"}, versioned{source{"b.Y"}, ""}}},
	)
	require.Len(t, problems, 1)
	require.ErrorContains(t, problems[0], `plugin q 1: its class a.X in version "1.9" is here already`)
	require.Equal(t, []string{"1", "1.9", "1.10"}, c.Versions("a.X"))
	require.Empty(t, c.Versions("b.Y"))
	require.Equal(t, []Listed{{"a.X", Source, "1"}, {"a.X", Source, "1.9"}, {"a.X", Source, "1.10"}, {"b.Y", Source, ""}}, c.List(true))
	for asked, want := range map[string]string{"latest": "1.10", "1": "1", "1.9": "1.9", "[1,1.10)": "1.9", "(,1.9)": "1"} {
		k, err := c.ConnectorVersion("X", asked)
		require.NoError(t, err, asked)
		require.Equal(t, want, k.Spec.Version, asked)
	}
	_, err = c.ConnectorVersion("X", "2")
	require.EqualError(t, err, "Plugin a.X not found that matches the version range [2,2], available versions: [1, 1.9, 1.10]")
	_, err = c.ConnectorVersion("X", "[")
	require.EqualError(t, err, "Unbounded range: [")
	require.Equal(t, []Listed{{"a.X", Source, "1"}}, own.List(true), "the catalog itself stays as it is")
	wrong := new(NotFoundError)
	_, err = c.ConnectorVersion("Z", "2")
	require.ErrorAs(t, err, &wrong)
	require.Equal(t, []string{"a.X", "b.Y"}, wrong.Available)
}

func TestTwoConnectorsOfOneClassAreAMistake(t *testing.T) {
	_, err := New([]connect.SourceConnector{source{"a.X"}, source{"a.X"}}, nil)
	require.EqualError(t, err, "two connectors have the class a.X")
}

func TestHeaderConvertersAreNotOfferedForValues(t *testing.T) {
	c, err := New(nil, nil)
	require.NoError(t, err)
	const simple = "org.apache.kafka.connect.storage.SimpleHeaderConverter"
	require.NotContains(t, c.Converters(), simple)
	require.Contains(t, c.HeaderConverters(), simple)
	require.IsIncreasing(t, c.HeaderConverters())
}

func TestThePartsOfAConnectorAreFoundByTheirNames(t *testing.T) {
	c, err := New([]connect.SourceConnector{source{"a.Source"}}, nil)
	require.NoError(t, err)
	for name, class := range map[string]string{
		"Json":              "org.apache.kafka.connect.json.JsonConverter",
		"RegexRouter":       "org.apache.kafka.connect.transforms.RegexRouter",
		"RecordIsTombstone": "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone",
	} {
		spec, err := c.Part(name, versions.Latest)
		require.NoError(t, err, name)
		require.Equal(t, class, spec.Class)
	}
	_, err = c.Part("a.Source", versions.Latest)
	require.EqualError(t, err, "Class a.Source could not be found.")
}
