package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheGeneratedFilesAreThoseOfTheContract(t *testing.T) {
	files, err := generate(t.Context(), "..")
	require.NoError(t, err)
	require.Len(t, files, len(generators))
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join("..", name))
		require.NoError(t, err)
		require.Equalf(t, want, string(got), "%s is not what plugin.proto generates: run go generate ./plugins/contract", name)
	}
}
