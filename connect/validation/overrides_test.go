package validation

import (
	"fmt"
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
		want        []Client
	}{
		{"a source", catalog.Source, false, nil, []Client{Producer}},
		{"a source that makes topics", catalog.Source, false, connect.Config{"topic.creation.default.partitions": "1"}, []Client{Producer, Admin}},
		{"a source with its own offsets topic", catalog.Source, false, connect.Config{"offsets.storage.topic": "o"}, []Client{Producer, Consumer, Admin}},
		{"an exactly-once source", catalog.Source, true, nil, []Client{Producer, Consumer, Admin}},
		{"a sink", catalog.Sink, true, connect.Config{"errors.deadletterqueue.topic.name": " "}, []Client{Consumer}},
		{"a sink with dead letters", catalog.Sink, false, connect.Config{"errors.deadletterqueue.topic.name": "d"}, []Client{Producer, Consumer, Admin}},
	} {
		require.Equal(t, c.want, Clients(c.t, c.cfg, c.exactlyOnce), c.what)
	}
}

func TestAPolicyHoldsForStoredConfigurationsToo(t *testing.T) {
	cfg := connect.Config{"producer.override.linger.ms": "5", "consumer.override.group.id": "x", "producer.override.sasl.mechanism": "PLAIN"}
	const refused = "producer.override.linger.ms: The '%s' policy does not allow 'linger.ms' to be overridden in the connector configuration." +
		" (connector.client.config.override.policy)"
	for _, policy := range []OverridePolicy{"", "All"} {
		require.NoError(t, policy.Check(cfg, Producer), policy)
	}
	require.EqualError(t, OverridePolicy("Principal").Check(cfg, Producer), fmt.Sprintf(refused, "Principal"))
	for _, policy := range []OverridePolicy{"None", "com.acme.Mine", "all"} { // the last two are none of Kafka's: they allow nothing
		require.ErrorContains(t, policy.Check(cfg, Producer), "'sasl.mechanism'", policy)
		require.NotContains(t, policy.Check(cfg, Producer).Error(), "group.id", "it has no consumer")
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
