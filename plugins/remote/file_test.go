package remote

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/connecttest"
	"github.com/sluice-connect/sluice/connectors/file"
)

func write(t testing.TB, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	require.NoError(t, err)
	_, err = f.WriteString(text)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

func TestLinesOfAFileCrossTheBoundary(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in.txt")
	write(t, path, "one\ngrün\nhalf")
	src := connecttest.StartSource(t, run(t).source(file.Source{}.Spec().Class), connect.Config{"file": path, "topic": "lines"})
	got := src.Take(2)
	assert.Equal(t, "one", got[0].Value.Str())
	r := got[1]
	assert.Equal(t, "grün", r.Value.Str())
	assert.Equal(t, "lines", r.Topic)
	assert.Same(t, connect.StringSchema, r.ValueSchema)
	assert.True(t, r.Key.IsNull())
	assert.Equal(t, connect.NoPartition, r.Partition)
	assert.Equal(t, path, r.Source.Get("filename").Str())
	assert.Equal(t, "{position=10}", r.Offset.String())
	assert.Empty(t, src.TakeAll())
	write(t, path, " done\n")
	assert.Equal(t, "half done", src.Take(1)[0].Value.Str())
	src.Restart()
	assert.Empty(t, src.TakeAll(), "the stored offset crosses too")
}

func TestRecordsReachAFileAcrossTheBoundary(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.txt")
	snk := connecttest.StartSink(t, run(t).sink(file.Sink{}.Spec().Class), connect.Config{"file": path})
	var want strings.Builder
	for i := range 5000 {
		r := connect.SinkRecord{}
		r.SetString(fmt.Sprint("line ", i))
		snk.Send(r)
		fmt.Fprintln(&want, "line", i)
	}
	snk.AwaitTaken()
	assert.Equal(t, connect.Offsets{{Topic: "test"}: 5000}, snk.Commit())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, want.String(), string(text))
}
