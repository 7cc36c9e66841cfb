package file

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/connecttest"
)

func record(text string) (r connect.SinkRecord) {
	r.SetString(text)
	return r
}

func contents(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

func TestACommitMeansThatTheFileHasTheLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.txt")
	write(t, path, "before\n")
	sink := connecttest.StartSink(t, Sink{}, connect.Config{"file": path})
	sink.Put(record("one"), record("two"))
	assert.Equal(t, connect.Offsets{{Topic: "test"}: 2}, sink.Commit())
	assert.Equal(t, "before\none\ntwo\n", contents(t, path))
	sink.Put(record("three"))
	sink.Restart()
	assert.Equal(t, "before\none\ntwo\nthree\n", contents(t, path))
}

func TestMuchIsWrittenBeforeTheCommit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.txt")
	sink := connecttest.StartSink(t, Sink{}, connect.Config{"file": path})
	sink.Put(record(strings.Repeat("x", flushBytes)))
	assert.Len(t, contents(t, path), flushBytes+1)
}

func TestALineThatACrashCutIsEnded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.txt")
	write(t, path, "whole\ncu")
	sink := connecttest.StartSink(t, Sink{}, connect.Config{"file": path})
	sink.Put(record("cut"))
	sink.Commit()
	assert.Equal(t, "whole\ncu\ncut\n", contents(t, path))
}

func TestNothingIsWrittenWhileTheTaskIsSuspended(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.txt")
	sink := connecttest.StartSink(t, Sink{}, connect.Config{"file": path})
	sink.Put(record("one"))
	sink.Commit()
	sink.Put(record("two"))
	sink.Suspend()
	assert.Equal(t, connect.Offsets{{Topic: "test"}: 1}, sink.Commit())
	sink.AwaitHeldBack()
	assert.Equal(t, "one\n", contents(t, path))
	sink.Resume()
	sink.Put(record("three"))
	assert.Equal(t, connect.Offsets{{Topic: "test"}: 3}, sink.Commit())
	assert.Equal(t, "one\ntwo\nthree\n", contents(t, path))

	sink.Put(record("four"))
	sink.Suspend()
	sink.Kill() // another worker has the task
	assert.Equal(t, "one\ntwo\nthree\n", contents(t, path))
	sink.Resume()
	sink.AwaitTaken()
	sink.Commit()
	assert.Equal(t, "one\ntwo\nthree\nfour\n", contents(t, path), "it has come again")
}

func TestWithoutAFileLinesGoToTheStandardOutput(t *testing.T) {
	var out bytes.Buffer
	sink := connecttest.StartSink(t, Sink{stdout: &out}, nil)
	sink.Put(record("one"))
	sink.Commit()
	assert.Equal(t, "one\n", out.String())
}

func TestAFileThatCannotBeCreatedFailsWithTheFix(t *testing.T) {
	sink := connecttest.StartSink(t, Sink{}, connect.Config{"file": filepath.Join(t.TempDir(), "no", "out.txt")})
	cause := sink.AwaitFailed()
	require.ErrorIs(t, cause, os.ErrNotExist)
	assert.ErrorContains(t, cause, "check that the folder exists")
}

// full is a disk that takes so many bytes.
type full struct {
	bytes.Buffer
	room atomic.Int64
}

var errNoSpace = errors.New("no space left on device")

func (f *full) Write(p []byte) (int, error) {
	n := min(len(p), int(f.room.Load())-f.Len())
	f.Buffer.Write(p[:n])
	if n < len(p) {
		return n, errNoSpace
	}
	return n, nil
}

func TestAFullDiskLosesAndRepeatsNothing(t *testing.T) {
	disk := &full{}
	disk.room.Store(5)
	sink := connecttest.StartSink(t, Sink{stdout: disk}, nil)
	sink.Put(record("one"), record("two"))
	assert.Empty(t, sink.Commit(), "nothing is committed while something is not written")
	require.ErrorIs(t, sink.Waiting(), errNoSpace)
	sink.Send(record("three"))
	disk.room.Store(1000)
	sink.AwaitTaken()
	assert.Equal(t, connect.Offsets{{Topic: "test"}: 3}, sink.Commit())
	assert.Equal(t, "one\ntwo\nthree\n", disk.String())
	assert.NoError(t, sink.Waiting())
}

func TestValuesAreWrittenAsJavaPrintsThem(t *testing.T) {
	point := connect.StructSchema("point", connect.F("x", connect.Float64Schema), connect.F("name", connect.OptionalStringSchema))
	tests := map[string]connect.Value{
		"null":                         {},
		"text":                         connect.String("text"),
		"raw":                          connect.Bytes([]byte("raw")),
		"-7":                           connect.Int8(-7),
		"true":                         connect.Boolean(true),
		"1.0":                          connect.Float64(1),
		"1.0E7":                        connect.Float64(1e7),
		"1.5E-4":                       connect.Float32(1.5e-4),
		"-Infinity":                    connect.Float64(math.Inf(-1)),
		"Infinity":                     connect.Float64(math.Inf(1)),
		"NaN":                          connect.Float32(float32(math.NaN())),
		"[1, a]":                       connect.Array([]connect.Value{connect.Int32(1), connect.String("a")}),
		"{a=1, b=null}":                connect.MapOf(connect.NewMap(2).Put(connect.String("a"), connect.Int32(1)).Put(connect.String("b"), connect.Value{})),
		"Struct{x=0.5}":                connect.StructOf(connect.NewStruct(point).Set("x", connect.Float64(0.5))),
		"Thu Jan 01 00:00:01 UTC 1970": connect.Instant(1000),
	}
	for want, v := range tests {
		assert.Equal(t, want, string(appendText(nil, v)))
	}
}

func BenchmarkSink(b *testing.B) {
	task := &sinkTask{rt: free{}, out: discard{}}
	records := make([]connect.SinkRecord, 500)
	for i := range records {
		records[i] = record(strings.Repeat("x", 256))
	}
	b.SetBytes(257)
	b.ReportAllocs()
	for n := 0; n < b.N; n += len(records) {
		require.NoError(b, task.Put(b.Context(), records))
	}
}

// free is the context of a task that may write.
type free struct{ connect.SinkContext }

func (free) Suspended() <-chan struct{} { return nil }

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
