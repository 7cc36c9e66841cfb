package file

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/connecttest"
)

func write(t testing.TB, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	require.NoError(t, err)
	_, err = f.WriteString(text)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

func texts(records []connect.SourceRecord) (texts []string) {
	for _, r := range records {
		texts = append(texts, r.Value.Str())
	}
	return texts
}

func start(t testing.TB, path string, opts ...connecttest.Option) *connecttest.Source {
	t.Helper()
	return connecttest.StartSource(t, Source{}, connect.Config{"file": path, "topic": "lines"}, opts...)
}

func TestLinesBecomeRecordsAsKafkaMakesThem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in.txt")
	write(t, path, "one\ngrün\r\nhalf")
	src := start(t, path)
	got := src.Take(2)
	assert.Equal(t, []string{"one", "grün"}, texts(got))
	r := got[1]
	assert.Equal(t, "lines", r.Topic)
	assert.True(t, r.Key.IsNull())
	assert.Nil(t, r.KeySchema)
	assert.Same(t, connect.StringSchema, r.ValueSchema)
	assert.Equal(t, connect.NoPartition, r.Partition)
	assert.NotEqual(t, connect.NoTimestamp, r.Timestamp)
	assert.Equal(t, path, r.Source.Get("filename").Str())
	assert.Equal(t, "{position=11}", r.Offset.String(), "positions count bytes")
	assert.Empty(t, src.TakeAll(), "a line without its end waits")
	write(t, path, " done\n")
	assert.Equal(t, []string{"half done"}, texts(src.Take(1)))
}

func TestARestartGoesOnBehindTheLastAcknowledgedLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in.txt")
	write(t, path, "one\ntwo\nthree\n")
	src := start(t, path, connecttest.HoldAcks())
	src.Take(3)
	src.Ack(1)
	src.Kill()
	assert.Equal(t, []string{"two", "three"}, texts(src.Take(2)))
	src.Release()
	src.Restart()
	assert.Empty(t, src.TakeAll())
	assert.Equal(t, int64(14), src.Offset("filename", path).Int64())
}

func TestAMissingFileIsWaitedForAndTheStatusSaysSo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "later.txt")
	src := start(t, path)
	cause := src.AwaitWaiting()
	require.ErrorIs(t, cause, os.ErrNotExist)
	assert.Equal(t, fmt.Sprintf("file: stat %s: no such file or directory: create it, or correct the name", path), cause.Error())
	write(t, path, "there\n")
	assert.Equal(t, []string{"there"}, texts(src.Take(1)))
	src.AwaitHealthy()
}

func TestAFileThatCannotBeReadFailsWithTheFix(t *testing.T) {
	cause := start(t, t.TempDir()).AwaitFailed()
	assert.ErrorContains(t, cause, "is not a file that can be read by lines")
	if os.Getuid() == 0 {
		t.Log("root may read everything: the rest needs another user")
		return
	}
	path := filepath.Join(t.TempDir(), "secret.txt")
	require.NoError(t, os.WriteFile(path, []byte("x\n"), 0o200))
	cause = start(t, path).AwaitFailed()
	require.ErrorIs(t, cause, os.ErrPermission)
	assert.ErrorContains(t, cause, "check that the worker's user may read the file")
}

func TestPermissionDeniedNamesTheFix(t *testing.T) {
	err := explain(&os.PathError{Op: "open", Path: "/x", Err: os.ErrPermission})
	assert.EqualError(t, err, "open /x: permission denied: check that the worker's user may read the file and search its folders")
}

func TestATruncatedFileIsReadFromItsStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in.txt")
	write(t, path, "a long first line\n")
	src := start(t, path)
	src.Take(1)
	require.NoError(t, os.Truncate(path, 0))
	write(t, path, "new\n")
	r := src.Take(1)[0]
	assert.Equal(t, "new", r.Value.Str())
	assert.Equal(t, int64(4), r.Offset.Int64())
}

func TestAFileThatTookTheNameIsReadFromItsStartAfterTheRestOfTheOldOne(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "in.txt")
	write(t, path, "one\ntwo\n")
	src := start(t, path)
	src.Take(2)
	require.NoError(t, os.Rename(path, filepath.Join(dir, "in.txt.1")))
	require.ErrorIs(t, src.AwaitWaiting(), os.ErrNotExist)
	write(t, filepath.Join(dir, "in.txt.1"), "late\nunfinished")
	assert.Equal(t, []string{"late"}, texts(src.Take(1)))
	write(t, path, "three\n")
	got := src.Take(2)
	assert.Equal(t, []string{"unfinished", "three"}, texts(got))
	assert.Equal(t, int64(6), got[1].Offset.Int64())
	src.AwaitHealthy()
}

func TestAFileShorterThanItsStoredPositionIsReadFromItsStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in.txt")
	write(t, path, "short\n")
	src := start(t, path, connecttest.Stored(connect.At("position", 100), "filename", path))
	assert.Equal(t, []string{"short"}, texts(src.Take(1)))
}

func TestAStoredOffsetThatIsNoPositionIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in.txt")
	for _, bad := range []connect.Value{connect.Int64(-1), connect.String("7")} {
		at := connect.NewOffset(connect.Attr{Name: "position", Value: bad})
		cause := start(t, path, connecttest.Stored(at, "filename", path)).AwaitFailed()
		assert.ErrorContains(t, cause, "is not a position")
	}
}

func TestAPollBringsAtMostBatchSizeLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in.txt")
	write(t, path, strings.Repeat("x\n", 100))
	src := connecttest.StartSource(t, Source{}, connect.Config{"file": path, "topic": "lines", "batch.size": "7"}, connecttest.HoldAcks(), connecttest.Window(1))
	src.AwaitPolls(1)
	assert.Equal(t, 7, src.InFlight())
}

func TestTheStandardInputHasNoOffsetsAndSurvivesARestart(t *testing.T) {
	r, w := io.Pipe()
	t.Cleanup(func() { assert.NoError(t, w.Close()) })
	src := connecttest.StartSource(t, Source{stdin: &pump{in: r}}, connect.Config{"topic": "lines"})
	_, err := io.WriteString(w, "one\ntwo\n")
	require.NoError(t, err)
	got := src.Take(2)
	assert.Equal(t, []string{"one", "two"}, texts(got))
	assert.Nil(t, got[0].Source)
	src.Restart()
	_, err = io.WriteString(w, "three\n")
	require.NoError(t, err)
	assert.Equal(t, []string{"three"}, texts(src.Take(1)))
}

func TestAnInputThatCannotBeReadFailsTheTask(t *testing.T) {
	r, w := io.Pipe()
	require.NoError(t, w.CloseWithError(os.ErrPermission))
	src := connecttest.StartSource(t, Source{stdin: &pump{in: r}}, connect.Config{"topic": "lines"})
	require.ErrorIs(t, src.AwaitFailed(), os.ErrPermission)
}

func BenchmarkSource(b *testing.B) {
	for _, size := range []int{100, 256, 1024} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			const count = 200_000
			path := filepath.Join(b.TempDir(), "in.txt")
			write(b, path, strings.Repeat(strings.Repeat("x", size-1)+"\n", count))
			task := &fileTask{name: path, topic: "lines", most: 2000, part: new(connect.Partitions).Intern(connect.Strings("filename", path)...)}
			batch := connect.NewBatch(2048, 1<<20)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for n := 0; n < b.N; {
				if task.position == int64(size*count) {
					require.NoError(b, task.Close(b.Context()))
					task.file, task.position, task.lines = nil, 0, lines{}
				}
				batch.Reset()
				require.NoError(b, task.Poll(b.Context(), batch))
				n += batch.Len()
			}
		})
	}
}

func TestLinesOfAFileReachKafkaExactlyOnceAndThoseOfTheStandardInputDoNot(t *testing.T) {
	assert.True(t, Source{}.ExactlyOnce(connect.Config{"file": "/in.txt", "topic": "lines"}))
	assert.False(t, Source{}.ExactlyOnce(connect.Config{"topic": "lines"}))
}
