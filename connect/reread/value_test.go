package reread_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect/reread"
)

func TestWhatCannotBeReadAtFirstIsNoValue(t *testing.T) {
	broken := errors.New("broken")
	_, err := reread.Of(func() (string, error) { return "", broken }, nil, "nowhere")
	require.ErrorIs(t, err, broken)
}

func TestAChangedFileIsReadAgainAndABrokenOneIsNot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	age := time.Now()
	write := func(text string) {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		age = age.Add(time.Second)
		require.NoError(t, os.Chtimes(path, age, age))
	}
	reads := 0
	var told []error
	broken := errors.New("broken")
	write("one")
	v, err := reread.Of(func() (string, error) {
		reads++
		data, err := os.ReadFile(path)
		if string(data) == "half" {
			return "", broken
		}
		return string(data), err
	}, func(err error) { told = append(told, err) }, path, "")
	require.NoError(t, err)
	require.Equal(t, "one", v.Current())
	require.Equal(t, 1, reads, "what has not changed is not read")

	write("half")
	require.Equal(t, "one", v.Current())
	require.Equal(t, "one", v.Current())
	require.Equal(t, []error{broken}, told, "it is said once")
	require.NoError(t, os.Remove(path))
	require.Equal(t, "one", v.Current())
	require.ErrorIs(t, told[1], os.ErrNotExist)

	write("two")
	require.Equal(t, "two", v.Current())
	require.Equal(t, "two", v.Current())
	require.Len(t, told, 3)
	require.NoError(t, told[2])
	write("half")
	require.Equal(t, "two", v.Current())
	require.Len(t, told, 4)
}
