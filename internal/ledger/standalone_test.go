package ledger

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/testbed"
)

// feed is a file that a connector of a standalone worker reads into a topic of the same name.
type feed struct {
	t       *testing.T
	name    string
	path    string
	written int // lines
	bytes   int
	inKafka *counter
}

func newFeed(t *testing.T, kafka, name string) *feed {
	t.Helper()
	testbed.CreateTopic(t, kafka, name, 1, nil)
	return &feed{t: t, name: name, path: File(t, name+".txt", ""), inKafka: count(kafka, name, nil)}
}

// write appends so many lines and waits until they are in Kafka. More than those are found at the next call.
func (f *feed) write(lines int) {
	f.t.Helper()
	file, err := os.OpenFile(f.path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(f.t, err)
	for range lines {
		n, err := fmt.Fprintf(file, "line %d\n", f.written)
		require.NoError(f.t, err)
		f.written++
		f.bytes += n
	}
	require.NoError(f.t, file.Close())
	testbed.Await(f.t, 20*time.Second, f.name+" in Kafka", f.inKafka.atLeast(f.written))
	assert.Equal(f.t, f.written, f.inKafka.seen, "lines of %s in Kafka: more means that offsets were forgotten", f.name)
}

// awaitStored waits until the worker has stored the offset of the file's end.
func (f *feed) awaitStored(w *Worker) {
	f.t.Helper()
	testbed.Await(f.t, 10*time.Second, "the offset of "+f.name, func(ctx context.Context) error {
		a, err := w.Ask(ctx, http.MethodGet, "/connectors/"+f.name+"/offsets", nil)
		if err == nil && !strings.Contains(a.Body, fmt.Sprintf(`"position":%d}`, f.bytes)) {
			err = errors.New(a.Body)
		}
		return err
	})
}

func TestAStandaloneWorkerCarriesRecordsAndKeepsItsOffsetsOverRestartAndKill(t *testing.T) {
	needsProcesses(t)
	kafka := testbed.Embedded(t)
	flat, properties := newFeed(t, kafka, "flat"), newFeed(t, kafka, "properties")
	port := testbed.FreePort(t)
	rest := REST{URL: fmt.Sprintf("http://127.0.0.1:%d", port)}
	w := &Worker{testbed.Start(t, testbed.Command{
		Name: "sluice standalone", Path: testbed.SluiceBinary(t), Ready: rest.Ready, Args: []string{
			"standalone", standaloneProperties(t, port),
			File(t, "flat.json", fmt.Sprintf(`{"name": "flat", "connector.class": "FileStreamSource", "file": %q, "topic": "flat", "tasks.max": 1}`, flat.path)),
			File(t, "lines.properties", "name=properties\nconnector.class=FileStreamSource\ntopic=properties\nfile="+filepath.ToSlash(properties.path)+"\n"),
			"--set", "bootstrap.servers=" + kafka, "--set", "offset.flush.interval.ms=100",
		},
	}), rest, t}
	feeds := []*feed{flat, properties}
	for _, end := range []func(){func() { assert.Zero(t, w.Terminate(), "exit code after SIGTERM") }, w.Kill, w.Kill} {
		for _, f := range feeds {
			f.write(50)
			f.awaitStored(w)
		}
		end()
		w.Relaunch()
		w.WaitReady()
	}
	for _, f := range feeds {
		w.AwaitFlowing(f.name)
		f.write(50)
	}
	names, err := w.Connectors(t.Context())
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"flat", "properties"}, names)
	sober(t, w.Log())
}
