//go:build unix

package main

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// captureStdout returns what f prints there.
func captureStdout(t *testing.T, f func()) string {
	file, err := os.Create(filepath.Join(t.TempDir(), "stdout"))
	require.NoError(t, err)
	defer file.Close()
	stdout := os.Stdout
	os.Stdout = file
	defer func() { os.Stdout = stdout }()
	f()
	_, err = file.Seek(0, io.SeekStart)
	require.NoError(t, err)
	text, err := io.ReadAll(file)
	require.NoError(t, err)
	return string(text)
}

// module writes a small Go module with one test and works in it.
func module(t *testing.T, body string) {
	dir := t.TempDir()
	test := "package m\n\nimport \"testing\"\n\nfunc TestIt(t *testing.T) { " + body + " }\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module m\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "m_test.go"), []byte(test), 0o644))
	t.Chdir(dir)
}

func TestTheExitCodeAndTheEnvironmentReachAndLeaveTheCommand(t *testing.T) {
	var code int
	text := captureStdout(t, func() {
		code = execute(t.Context(), []string{"sh", "-c", "echo $GREETING; exit 7"}, []string{"GREETING=hello"})
	})
	assert.Equal(t, 7, code)
	assert.Equal(t, "hello\n", text)
}

func TestAGoTestThatSkipsSaysWhyAndFailsOnCI(t *testing.T) {
	module(t, `t.Skip("needs the moon")`)
	for ci, want := range map[string]int{"": 0, "true": 1} {
		t.Setenv("CI", ci)
		var code int
		text := captureStdout(t, func() { code = execute(t.Context(), []string{"go", "test", "./..."}, nil) })
		assert.Equal(t, want, code, "CI=%s", ci)
		assert.Regexp(t, `(?m)^ok  \tm\t`, text)
		assert.Contains(t, text, "m TestIt: needs the moon\n")
		assert.Regexp(t, `(?m)^0 passed, 0 failed, 1 skipped$`, text)
	}
}

func TestAGoTestThatFailsFails(t *testing.T) {
	module(t, `t.Error("wanted more")`)
	var code int
	text := captureStdout(t, func() { code = execute(t.Context(), []string{"go", "test", "./..."}, nil) })
	assert.Equal(t, 1, code)
	assert.Contains(t, text, "wanted more")
	assert.Regexp(t, `(?m)^0 passed, 1 failed, 0 skipped$`, text)
}
