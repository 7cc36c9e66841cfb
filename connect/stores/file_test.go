package stores

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/internal/testbed"
)

func TestAnOffsetFileOfJavaIsReadAndWrittenBackByteForByte(t *testing.T) {
	for _, name := range []string{"offsets-empty.ser", "offsets-one.ser"} {
		java, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(t, err)
		records, err := readHashMap(bytes.NewReader(java))
		require.NoError(t, err)
		assert.Equal(t, java, appendHashMap(nil, records), name)
	}
}

func TestOffsetsOfAJavaWorkerGoOn(t *testing.T) {
	path := copyOf(t, "offsets-many.ser")
	s := startedFileStore(t, path)
	var all connect.Partitions
	for n := range int64(20) {
		p := all.Intern(connect.Attr{Name: "n", Value: connect.Int64(n)})
		found, err := s.Get(t.Context(), "c", []*connect.Partition{p})
		require.NoError(t, err)
		assert.Equal(t, n, found[0].Int64())
	}
	stored, err := s.Stored(t.Context(), "gone")
	require.NoError(t, err)
	assert.Empty(t, stored, "a null value is no offset")
}

func TestJavaReadsTheFileThatWeWrite(t *testing.T) {
	testbed.Need(t, testbed.Java)
	path := filepath.Join(t.TempDir(), "connect.offsets")
	s := startedFileStore(t, path)
	var want strings.Builder
	for n := range 30 {
		put(t, s, "c", partition("file", fmt.Sprintf("%02d-ü", n)), connect.At("position", int64(n)))
		fmt.Fprintf(&want, "[\"c\",{\"file\":\"%02d-ü\"}] {\"position\":%d}\n", n, n)
	}
	out, err := exec.CommandContext(t.Context(), "java", filepath.Join("testdata", "OffsetFile.java"), "read", path).CombinedOutput()
	require.NoError(t, err, string(out))
	_, lines, _ := strings.Cut("\n"+string(out), "\n[") // before it, notes of the compiler
	assert.Equal(t, want.String(), "["+lines)
}

func TestTheFileStoreForgetsDeletedOffsetsAndSurvivesRestarts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "connect.offsets")
	s := startedFileStore(t, path)
	put(t, s, "c", partition("file", "a"), connect.At("position", 1))
	put(t, s, "c", partition("file", "b"), connect.At("position", 2))
	put(t, s, "c", partition("file", "a"), connect.At("position", 3))
	put(t, s, "c", partition("file", "b"), connect.Offset{})

	stored, err := startedFileStore(t, path).Stored(t.Context(), "c")
	require.NoError(t, err)
	require.Len(t, stored, 1)
	assert.Equal(t, "{file=a}", stored[0].Partition.String())
	assert.Equal(t, int64(3), stored[0].Offset.Int64())
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Len(t, left, 1, "no temporary file is left behind")
}

func TestAnOffsetFileThatCannotBeWrittenRefusesToStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "absent", "offsets")
	err := NewFileOffsetStore(path, nil).Start(t.Context())
	var refused *connect.ConfigError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "offset.storage.file.filename", refused.Key)
	assert.Contains(t, refused.Reason, path+" cannot be written: ")
	assert.NotContains(t, refused.Reason, ".probe")
}

func TestACutOrForeignOffsetFileRefusesToStart(t *testing.T) {
	whole, err := os.ReadFile(filepath.Join("testdata", "offsets-many.ser"))
	require.NoError(t, err)
	foreign, err := os.ReadFile(filepath.Join("testdata", "foreign.ser"))
	require.NoError(t, err)
	cases := map[string][]byte{"empty": {}, "foreign": foreign, "text": []byte("hello"), "longer": append(bytes.Clone(whole), 0)}
	for _, length := range []int{1, 20, 82, len(whole) / 2, len(whole) - 1} {
		cases[fmt.Sprint("cut at ", length)] = whole[:length]
	}
	for name, content := range cases {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "connect.offsets")
			require.NoError(t, os.WriteFile(path, content, 0o600))
			err := NewFileOffsetStore(path, nil).Start(t.Context())
			var refused *connect.ConfigError
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, fileKey, refused.Key)
			assert.Contains(t, refused.Reason, path)
		})
	}
}

func FuzzReadHashMap(f *testing.F) {
	for _, name := range []string{"offsets-empty.ser", "offsets-one.ser", "foreign.ser"} {
		content, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(f, err)
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		records, err := readHashMap(bytes.NewReader(content))
		if err != nil {
			return
		}
		again, err := readHashMap(bytes.NewReader(appendHashMap(nil, records)))
		require.NoError(t, err)
		assert.Equal(t, len(records), len(again))
	})
}

func startedFileStore(t *testing.T, path string) OffsetStore {
	t.Helper()
	s := NewFileOffsetStore(path, nil)
	require.NoError(t, s.Start(t.Context()))
	return s
}

func put(t *testing.T, s OffsetStore, connector string, p *connect.Partition, o connect.Offset) {
	t.Helper()
	records, err := s.Encode(nil, connector, p, o)
	require.NoError(t, err)
	require.NoError(t, s.Put(t.Context(), records))
}

func copyOf(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "connect.offsets")
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}
