package jaas_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect/jaas"
)

func TestAFileHasEntriesWithTheirLoginModulesInOrder(t *testing.T) {
	entries, err := jaas.ParseFile(`// who may use REST
KafkaConnect{
  org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule required
    file="/etc/a; {b}.properties" debug=true;
  x.Other sufficient;
};
/* of the brokers */
KafkaClient { x.PlainLoginModule required username="u" password="p"; };
Empty { };
`)
	require.NoError(t, err)
	require.Equal(t, map[string][]jaas.Login{
		"KafkaConnect": {
			{Class: "org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule",
				Options: map[string]string{"file": "/etc/a; {b}.properties", "debug": "true"}},
			{Class: "x.Other", Options: map[string]string{}},
		},
		"KafkaClient": {{Class: "x.PlainLoginModule", Options: map[string]string{"username": "u", "password": "p"}}},
		"Empty":       nil,
	}, entries)
	require.Equal(t, "PropertyFileLoginModule", entries["KafkaConnect"][0].Module())
}

func TestABrokenFileIsNamedByItsEntryAndShowsNoValue(t *testing.T) {
	for text, says := range map[string]string{
		`x.M required password="hunter2";`:                      "entry 1 does not begin with its name and a brace",
		`{ x.M required; };`:                                    "entry 1 does not begin",
		`A { x.M required password="hunter2"; }`:                "entry A must end with a brace and a semicolon",
		`A { x.M required password="hunter2" };`:                "name=value",
		`A { x.M required password="hunter2"; `:                 "login module 2: it must end with a semicolon",
		`A { x.M password="hunter2"; };`:                        "login module 1: the word after",
		`A { x.M required password=; };`:                        "name=value",
		`A { x.M required p="hunter2; };`:                       "does not end",
		`A { x.M required p="hunter2"; }; A { y.M required; };`: "two entries A",
	} {
		_, err := jaas.ParseFile(text)
		require.ErrorContains(t, err, says, text)
		assert.NotContains(t, err.Error(), "hunter2")
	}
}

func FuzzParseFile(f *testing.F) {
	f.Add(`A { x.M required a="b\061" c=d; };`)
	f.Add(`A { x.M required "a" = b; }; // end`)
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = jaas.ParseFile(text)
		_, _ = jaas.Parse(text)
	})
}
