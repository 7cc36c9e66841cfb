package workerconfig

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect/configproviders"
)

func TestAWorkersOwnPropertiesMayReferToConfigProviders(t *testing.T) {
	secrets := filepath.Join(t.TempDir(), "secrets.properties")
	require.NoError(t, os.WriteFile(secrets, []byte("password=hunter22\n"), 0o600))
	p := Properties{
		"group.id": "g", "key.converter": "k", "value.converter": "v", "config.storage.topic": "c", "offset.storage.topic": "o", "status.storage.topic": "s",
		"config.providers": "file", "config.providers.file.class": "org.apache.kafka.common.config.provider.FileConfigProvider",
		"producer.sasl.jaas.config": `x required password="${file:` + secrets + `:password}";`, "client.id": "${nobody:x}", "plugin.path": "${file:" + secrets + ":password}",
	}
	w, err := Open(t.Context(), Distributed, p, configproviders.All())
	require.NoError(t, err)
	require.Equal(t, `x required password="hunter22";`, w.Properties["producer.sasl.jaas.config"])
	require.Equal(t, "${nobody:x}", w.Properties["client.id"])
	require.Equal(t, p["plugin.path"], w.Properties["plugin.path"], "Java reads it raw")
	require.Equal(t, "no [hidden]", w.Secrets.Removed("no hunter22"))
	require.True(t, w.Providers.Has("file"))
	require.NotContains(t, w.Properties.Clients(), "config.providers.file.class")

	p["offset.flush.interval.ms"] = "${file:" + secrets + ":password}"
	_, err = Open(t.Context(), Distributed, p, configproviders.All())
	require.ErrorContains(t, err, "Invalid value [hidden] for configuration offset.flush.interval.ms")
	p["offset.flush.interval.ms"] = "${file:/nowhere:x}"
	_, err = Open(t.Context(), Distributed, p, configproviders.All())
	require.EqualError(t, err, "offset.flush.interval.ms: config provider file, path /nowhere, key x: reading the properties file: open /nowhere: "+
		"no such file or directory")
	p["config.providers.file.param.allowed.paths"] = "here"
	_, err = Open(t.Context(), Distributed, p, configproviders.All())
	require.ErrorContains(t, err, "config.providers.file.param.allowed.paths: path here is not absolute")
}

func TestTheRestartPolicyOfAWorkerIsCheckedWhenItStarts(t *testing.T) {
	p := Properties{
		"group.id": "g", "key.converter": "k", "value.converter": "v", "config.storage.topic": "c", "offset.storage.topic": "o", "status.storage.topic": "s",
		"sluice.restart.policy": "on-failure",
	}
	w, err := Parse(Distributed, p)
	require.NoError(t, err)
	require.NotContains(t, w.Properties.Clients(), "sluice.restart.policy")
	p["sluice.restart.max.delay.ms"] = "1"
	_, err = Parse(Distributed, p)
	require.EqualError(t, err, "sluice.restart.max.delay.ms (1) must not be less than sluice.restart.initial.delay.ms (1000)")
}
