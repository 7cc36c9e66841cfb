//go:build unix

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/testbed"
)

// fake puts programs into PATH, alone there, that note how they are called and then run the script; it returns the notes'
// file.
func fake(t *testing.T, script string, programs ...string) string {
	dir := t.TempDir()
	notes := filepath.Join(dir, "notes")
	text := "#!/bin/sh\necho \"${0##*/} $*\" >>" + notes + "\n" + script + "\n"
	for _, program := range programs {
		require.NoError(t, os.WriteFile(filepath.Join(dir, program), []byte(text), 0o755))
	}
	t.Setenv("PATH", dir)
	return notes
}

func TestInstallGetsThePackagesAndStopsTheServiceThatComesWithThem(t *testing.T) {
	notes := fake(t, "", "apt-get", "service")

	require.NoError(t, install(t.Context(), []testbed.Prerequisite{testbed.Maven, testbed.MosquittoServer}))

	text, err := os.ReadFile(notes)
	require.NoError(t, err)
	assert.Equal(t, "apt-get update\napt-get install -y --no-install-recommends maven mosquitto\nservice mosquitto stop\n",
		string(text))
}

func TestAServiceOfTheUserIsLeftAloneWhenMosquittoIsNotInstalled(t *testing.T) {
	notes := fake(t, "", "apt-get", "service")

	require.NoError(t, install(t.Context(), []testbed.Prerequisite{testbed.Java}))

	text, err := os.ReadFile(notes)
	require.NoError(t, err)
	assert.NotContains(t, string(text), "service")
}

func TestAFailedInstallationSaysWhatAptSaid(t *testing.T) {
	fake(t, "echo no network; exit 100", "apt-get")

	err := install(t.Context(), []testbed.Prerequisite{testbed.Java})

	require.ErrorContains(t, err, "running apt-get update")
	assert.ErrorContains(t, err, "no network")
}
