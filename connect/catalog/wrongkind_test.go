package catalog

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

func TestAClassOfAnotherKindIsNamedWithItsKind(t *testing.T) {
	c, err := New([]connect.SourceConnector{source{"org.x.LinesConnector"}}, nil)
	require.NoError(t, err)
	const (
		cast    = "org.apache.kafka.connect.transforms.Cast"
		filter  = "org.apache.kafka.connect.transforms.Filter"
		noBase  = "does not implement the "
		noMatch = ""
	)
	for _, k := range []struct {
		name string
		base Base
		want string
	}{
		{"java.lang.String", ConverterBase, "Class class java.lang.String " + noBase + "Converter interface"},
		{"org.x.LinesConnector", PredicateBase, "Class class org.x.LinesConnector " + noBase + "Predicate interface"},
		{"Filter", HeaderConverterBase, "Class class " + filter + " " + noBase + "HeaderConverter interface"},
		{cast, TransformationBase, "This class is abstract and cannot be created. Did you mean " + cast + "$Key, " + cast + "$Value?"},
		{cast, PredicateBase, "Class class " + cast + " " + noBase + "Predicate interface"},
		{"org.apache.kafka.connect.storage.Converter", ConverterBase, "This class is abstract and cannot be created."},
		{"org.apache.kafka.connect.storage.Converter", PredicateBase,
			"Class interface org.apache.kafka.connect.storage.Converter " + noBase + "Predicate interface"},
		{"no.Such", TransformationBase, noMatch},
		{"Cast$Value", PredicateBase, noMatch},
	} {
		wrong := c.WrongKind(k.name, k.base)
		if k.want == noMatch {
			require.Nil(t, wrong, k.name)
			continue
		}
		require.NotNil(t, wrong, k.name)
		require.EqualError(t, wrong, k.want)
	}
}

func TestAHalfOfATransformHasNoShortName(t *testing.T) {
	c, err := New(nil, nil)
	require.NoError(t, err)
	for name, there := range map[string]bool{
		"Filter": true, "RegexRouter": true, "org.apache.kafka.connect.transforms.Cast$Value": true, "Cast$Value": false, "Value": false, "Cast": false,
	} {
		_, err := c.Transform(name)
		require.Equal(t, there, err == nil, name)
	}
}
