package validation

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/internal/testbed"
)

func TestAConnectorHasTheClientsThatItNeeds(t *testing.T) {
	for _, c := range []struct {
		what        string
		t           catalog.Type
		exactlyOnce bool
		cfg         connect.Config
		want        []client
	}{
		{"a source", catalog.Source, false, nil, []client{producer}},
		{"a source that makes topics", catalog.Source, false, connect.Config{"topic.creation.default.partitions": "1"}, []client{producer, admin}},
		{"a source with its own offsets topic", catalog.Source, false, connect.Config{"offsets.storage.topic": "o"}, []client{producer, consumer, admin}},
		{"an exactly-once source", catalog.Source, true, nil, []client{producer, consumer, admin}},
		{"a sink", catalog.Sink, true, connect.Config{"errors.deadletterqueue.topic.name": " "}, []client{consumer}},
		{"a sink with dead letters", catalog.Sink, false, connect.Config{"errors.deadletterqueue.topic.name": "d"}, []client{producer, consumer, admin}},
	} {
		require.Equal(t, c.want, clients(c.t, c.cfg, c.exactlyOnce), c.what)
	}
}

func TestAPolicyHoldsForStoredConfigurationsToo(t *testing.T) {
	cfg := creating()
	cfg["producer.override.linger.ms"], cfg["consumer.override.group.id"] = "5", "x"
	for policy, refused := range map[string]bool{"": false, "All": false, "Principal": true, "None": true, "com.acme.Mine": true, "all": true} {
		_, err := parse(t, cfg, map[string]string{"connector.client.config.override.policy": policy})
		require.Equal(t, refused, err != nil, policy)
		if refused {
			require.ErrorContains(t, err, "producer.override.linger.ms: The '"+policy+"' policy does not allow 'linger.ms' to be overridden")
			require.NotContains(t, err.Error(), "group.id", "a source without an offsets topic of its own has no consumer")
		}
	}
}

func TestAClientSettingThatDoesNotParseIsAnErrorOfItsKey(t *testing.T) {
	got, err := validator(t, nil).Validate(t.Context(), with("producer.override.linger.ms", "soon", "producer.override.my.secret", "hunter2"))
	require.NoError(t, err)
	require.Equal(t, map[string][]string{
		"producer.override.linger.ms": {"Invalid value soon for configuration linger.ms: Not a number of type LONG"},
	}, errorsOf(got.Infos))
	for _, c := range got.Infos.Configs {
		if c.Value.Name == "producer.override.my.secret" {
			require.Equal(t, connect.Hidden, *c.Value.Value)
		}
	}
}

// The table is written by go test ./connect/validation -run ClientKeys -record.
func TestTheTableOfClientKeysIsWhatKafkaHas(t *testing.T) {
	if testing.Short() {
		t.Skip("runs programs: not with -short")
	}
	testbed.Need(t, testbed.Java)
	java, err := testbed.Java.Path()
	require.NoError(t, err)
	table, err := exec.CommandContext(t.Context(), java, "-cp", filepath.Join(testbed.KafkaJars(t), "*"),
		filepath.Join("testdata", "ClientKeys.java")).Output()
	require.NoError(t, err)
	if *record {
		require.NoError(t, os.WriteFile("clientkeys.tsv", table, 0o644))
		return
	}
	require.Equal(t, string(table), clientKeyTable)
}
