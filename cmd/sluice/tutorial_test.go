package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/ledger"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// step is what a reader of the tutorial does next: lines for the shell, or a change of files.
type step struct{ shell, diff string }

// tutorial are the steps of a section of the README: its indented blocks and its diffs.
func tutorial(t *testing.T, heading string) (steps []step) {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(readme), "\n"+heading+"\n")
	require.True(t, found, heading)
	section, _, _ = strings.Cut(section, "\n## ")
	section, _, _ = strings.Cut(section, "\n### ")
	block := step{}
	end := func() {
		if block != (step{}) {
			steps = append(steps, block)
		}
		block = step{}
	}
	diff := false
	for line := range strings.Lines(section) {
		command, indented := strings.CutPrefix(line, "    ")
		switch {
		case strings.HasPrefix(line, "```"):
			end()
			diff = line == "```diff\n"
		case diff:
			block.diff += line
		case indented:
			block.shell += command
		default:
			end()
		}
	}
	end()
	return steps
}

func TestTheTutorialWorksWordForWord(t *testing.T) {
	testbed.Need(t)
	kafka, rest := testbed.FreePort(t), testbed.FreePort(t)
	// A sluice that has ports of its own, for those of the tutorial may be taken.
	bin := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\nif [ \"$1\" = dev ]; then set -- \"$@\" --kafka-port %d --mqtt-port %d --rest-port %d; fi\nexec %s \"$@\"\n",
		kafka, testbed.FreePort(t), rest, testbed.SluiceBinary(t))
	require.NoError(t, os.WriteFile(filepath.Join(bin, "sluice"), []byte(script), 0o755))
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	worker := ledger.REST{URL: fmt.Sprintf("http://127.0.0.1:%d", rest)}
	t.Setenv("SLUICE_SERVER", worker.URL)

	dir := t.TempDir()
	place := filepath.Join(t.TempDir(), "place") // where the reader's shell is after a step
	said := ""
	for _, s := range tutorial(t, "### Write a connector in an afternoon") {
		switch {
		case s.diff != "":
			require.NoError(t, os.WriteFile(filepath.Join(bin, "diff"), []byte(s.diff), 0o644))
			shell(t, dir, "git apply -p0 "+filepath.Join(bin, "diff"))
		case strings.HasPrefix(s.shell, "sluice dev"):
			testbed.Start(t, testbed.Command{Name: "sluice dev", Path: "/bin/sh", Args: []string{"-c", "exec " + s.shell}, Dir: dir, Ready: worker.Ready})
		default:
			said += shell(t, dir, s.shell+"pwd > "+place)
			text, err := os.ReadFile(place)
			require.NoError(t, err)
			dir = strings.TrimSpace(string(text))
		}
	}
	assert.Equal(t, 2, strings.Count(said, "ok  \texample.com/mysource"), said)
	assert.Contains(t, said, "RUNNING")

	reader := ledger.NewReader(fmt.Sprintf("127.0.0.1:%d", kafka), "mysource")
	var keys, values []string
	testbed.Await(t, 20*time.Second, "the reading", func(ctx context.Context) error {
		_, err := reader.CatchUp(ctx, func(m *sarama.ConsumerMessage) error {
			keys, values = append(keys, string(m.Key)), append(values, string(m.Value))
			return nil
		})
		if err == nil && len(values) == 0 {
			err = fmt.Errorf("no record")
		}
		return err
	})
	require.Len(t, values, 1)
	assert.Contains(t, keys[0], "kitchen")
	assert.Contains(t, values[0], `"sensor":"kitchen","value":21.5`)
}
