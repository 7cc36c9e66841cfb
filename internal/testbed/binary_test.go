package testbed

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAProgramIsBuiltFromWithinTheModule(t *testing.T) {
	path, err := build(t.Context(), "github.com/sluice-connect/sluice/internal/testbed/prepare", filepath.Join(t.TempDir(), "p"))
	require.NoError(t, err)

	output, err := exec.Command(path, "nonsense").CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(output), "usage: prepare")
}

func TestAProgramThatDoesNotBuildIsNamed(t *testing.T) {
	_, err := build(t.Context(), "github.com/sluice-connect/sluice/cmd/no-such-program", filepath.Join(t.TempDir(), "p"))
	assert.ErrorContains(t, err, "building github.com/sluice-connect/sluice/cmd/no-such-program")
}

func TestTheSluiceProgramOfTheRunWins(t *testing.T) {
	t.Setenv(BinaryEnv, "built/before")
	assert.Equal(t, "built/before", SluiceBinary(t))
}
