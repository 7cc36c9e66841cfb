package migration_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect/migration"
	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/connect/workerconfig"
	"github.com/sluice-connect/sluice/internal/ledger"
	"github.com/sluice-connect/sluice/internal/testbed"
)

func TestMain(m *testing.M) { testbed.Main(m) }

// A real Kafka makes topics for whoever asks for them by name in the wrong way.
func TestARealClusterOfJavaIsReadWhileItRunsAndWhenItIsStopped(t *testing.T) {
	addr, prefix := testbed.SharedKafka(t), testbed.Prefix(t)
	port := testbed.FreePort(t)
	properties := ledger.File(t, "worker.properties", ledger.WorkerProperties(addr, prefix, port, "plugin.discovery=service_load",
		"value.converter=org.apache.kafka.connect.storage.StringConverter"))
	java := ledger.RunJavaWorker(t, port, properties)
	input := ledger.File(t, "in.txt", "one\ntwo\n")
	java.Create(prefix+"lines", map[string]string{"connector.class": "FileStreamSource", "file": input, "topic": prefix + "out", "tasks.max": "1"})
	java.Create(prefix+"copy", map[string]string{"connector.class": "FileStreamSink", "topics": prefix + "out", "file": filepath.Join(t.TempDir(), "out"),
		"transforms": "mark", "transforms.mark.type": "org.apache.kafka.connect.transforms.InsertField$Value", "transforms.mark.static.field": "secret-field",
		"transforms.mark.static.value": "x", "errors.tolerance": "all"})

	look := func() *migration.Report {
		p, err := workerconfig.Load(properties, nil, nil)
		require.NoError(t, err)
		w, err := workerconfig.Parse(workerconfig.Distributed, p)
		require.NoError(t, err)
		return looked(t, checkOf(t, w))
	}
	running := look()
	assert.Equal(t, 1, running.Group.Members)
	assert.Equal(t, "Stable", running.Group.State)
	assert.Empty(t, running.Group.Problem)

	java.Terminate()
	before := everything(t, addr)
	stopped := look()
	assert.Zero(t, stopped.Group.Members)
	require.Len(t, stopped.Connectors, 2)
	assert.Equal(t, migration.AllRun, stopped.Verdict)
	lines := stopped.Connectors[slices.IndexFunc(stopped.Connectors, func(c migration.Connector) bool { return c.Type == "source" })]
	assert.True(t, lines.Runs)
	assert.Equal(t, migration.Offsets{Count: 1}, lines.Offsets)
	assert.Equal(t, stores.StateUnassigned, lines.Status.Connector)

	missing := check(t, addr, "config.storage.topic="+prefix+"elsewhere", "offset.storage.topic="+prefix+"nowhere", "status.storage.topic="+prefix+"never")
	assert.Equal(t, migration.Untold, looked(t, missing).Verdict)
	mine := func(all []string) []string {
		return slices.DeleteFunc(all, func(s string) bool { return !strings.Contains(s, prefix) })
	}
	assert.Equal(t, mine(before), mine(everything(t, addr)), "the cluster was touched")
}
