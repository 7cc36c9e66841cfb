package herder

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/configproviders"
	"github.com/sluice-connect/sluice/connect/stores"
)

// secretFile is a file provider and a properties file with a secret. The provider has the file looked at again and again.
func secretFile(t *testing.T, secret string) (path string, p *configproviders.Providers) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "secrets.properties")
	putSecret(t, path, secret)
	p, err := configproviders.Open(configproviders.All(), connect.Config{
		"config.providers": "file", "config.providers.file.class": "FileConfigProvider", "config.providers.file.param.sluice.ttl.ms": "20",
	})
	require.NoError(t, err)
	return path, p
}

// putSecret replaces the file as a whole, as whoever rotates secrets does.
func putSecret(t *testing.T, path, secret string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path+".new", []byte("secret="+secret+"\n"), 0o600))
	require.NoError(t, os.Rename(path+".new", path))
}

func TestASecretOfAConfigProviderIsSeenByNobodyButItsTask(t *testing.T) {
	path, providers := secretFile(t, "hunter22-first")
	h := mindWith(t, providers, nil)
	reference := "${file:" + path + ":secret}"
	config := connect.Config{"name": "a", "connector.class": "test.ScriptedConnector", "script": "tell", "topic": "a", "secret": reference}
	created, err := h.Create(t.Context(), NewConnector{Name: "a", Config: config})
	require.NoError(t, err)
	require.Equal(t, reference, created.Info.Config["secret"])
	shows(t, h, "a", func(s TaskState) bool { return s.State == "FAILED" && s.Trace == "the login with [hidden] was refused" })
	stored := h.configs.Snapshot()
	require.Equal(t, reference, stored.Connector("a")["secret"])
	require.Equal(t, reference, stored.Task(stores.TaskID{Connector: "a"})["secret"])
	tasks, err := h.Tasks(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, reference, tasks[0].Config["secret"])
	shown, err := h.Config(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, reference, shown["secret"])
	infos, err := h.Validate(t.Context(), "Scripted", config)
	require.NoError(t, err)
	require.NotContains(t, fmt.Sprintf("%+v", infos), "hunter22")
}

func TestWhatUsesASecretThatHasChangedIsRestarted(t *testing.T) {
	path, providers := secretFile(t, "[too:short]")
	h := mindWith(t, providers, nil)
	_, err := h.Create(t.Context(), NewConnector{Name: "a", Config: connect.Config{
		"name": "a", "connector.class": "test.ScriptedConnector", "script": "${file:" + path + ":secret}", "topic": "a",
	}})
	require.NoError(t, err)
	shows(t, h, "a", inState("RUNNING"))
	putSecret(t, path, "fail")
	shows(t, h, "a", func(s TaskState) bool { return s.State == "FAILED" && s.Trace == "the dog ate it" })
	putSecret(t, path, "flow")
	shows(t, h, "a", inState("RUNNING"))
}

func TestPartOfASecretIsHiddenEvenBesideAReference(t *testing.T) {
	h := mindOf(t, nil)
	_, err := h.Create(t.Context(), NewConnector{Name: "a", Config: connect.Config{
		"name": "a", "connector.class": "test.ScriptedConnector", "script": "flow", "topic": "a", "secret": "${env:USER} and hunter22",
	}})
	require.NoError(t, err)
	shows(t, h, "a", inState("RUNNING"))
	tasks, err := h.Tasks(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, "[hidden]", tasks[0].Config["secret"])
}
