package catalog

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
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
	_, err = c.Converter("all")
	require.EqualError(t, err, "Class all could not be found.")
}
