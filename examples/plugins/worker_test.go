package plugins

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/ledger"
	"github.com/sluice-connect/sluice/internal/testbed"
	"github.com/sluice-connect/sluice/plugins/manifest"
)

func TestMain(m *testing.M) { testbed.Main(m) }

// installed is a folder of plugin.path with the Python plugins.
func installed(t *testing.T) string {
	t.Helper()
	dir, python := pythonPlugins(t)
	path := t.TempDir()
	for _, program := range []string{"readings.py", "jsonlines.py", "rounded.py"} {
		m, err := manifest.Parse([]byte(run(t, dir, python, program, "--manifest")))
		require.NoError(t, err)
		m.Dir, m.Command = filepath.Join(path, m.Name), []string{python, program}
		require.NoError(t, os.CopyFS(m.Dir, os.DirFS(dir)))
		require.NoError(t, m.Write())
	}
	return path
}

// line is a line of the sink's file.
type line struct {
	Key   string
	Value struct {
		Sensor string
		Value  float64
	}
}

// written are the whole lines of the sink's file.
func written(path string) (lines []line, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for l := range bytes.Lines(text[:bytes.LastIndexByte(text, '\n')+1]) {
		var read line
		if err := json.Unmarshal(l, &read); err != nil {
			return nil, err
		}
		lines = append(lines, read)
	}
	return lines, nil
}

func TestPythonPluginsPassACheck(t *testing.T) {
	path := installed(t)
	for _, name := range []string{"readings", "jsonlines", "rounded"} {
		said := run(t, path, testbed.SluiceBinary(t), "plugin", "check", name+"/")
		assert.Contains(t, said, name+" 1.0.0 in ")
		assert.NotContains(t, said, "BROKEN")
	}
}

func TestPythonPluginsInAWorker(t *testing.T) { carryReadings(t, installed(t)) }

// frozen is where the programs are that were built when version 1 of the contract was, see the README.md there.
const frozen = "../../plugins/contract/testdata/v1/python"

// Plugins of version 1 are not built again when Sluice is.
func TestPluginsOfVersion1WorkAsEver(t *testing.T) {
	requirements, err := os.ReadFile(filepath.Join(frozen, "requirements.txt"))
	require.NoError(t, err)
	python := testbed.PythonWith(t, "python-plugins", requirements)
	path := t.TempDir()
	for _, name := range []string{"readings", "jsonlines", "rounded"} {
		text, err := os.ReadFile(filepath.Join(frozen, name+".json"))
		require.NoError(t, err)
		m, err := manifest.Parse(text)
		require.NoError(t, err)
		m.Dir, m.Command[0] = filepath.Join(path, name), python
		require.NoError(t, os.CopyFS(m.Dir, os.DirFS(frozen)))
		require.NoError(t, m.Write())
	}
	carryReadings(t, path)
}

// carryReadings brings readings from the Python source into a topic and from there into the Python sink's file, in the plugins of a folder.
func carryReadings(t *testing.T, path string) {
	in, out := filepath.Join(t.TempDir(), "in.txt"), filepath.Join(t.TempDir(), "out.jsonl")
	var readings strings.Builder
	const count = 3000
	for n := range count {
		fmt.Fprintf(&readings, "sensor%d %d.04\n", n%5, n)
	}
	require.NoError(t, os.WriteFile(in, []byte(readings.String()), 0o600))

	worker := ledger.LaunchDev(t, "--set", "plugin.path="+path)
	worker.WaitReady()
	converters := map[string]string{
		"key.converter": "org.apache.kafka.connect.storage.StringConverter", "value.converter": "org.apache.kafka.connect.json.JsonConverter",
	}
	create := func(name string, config map[string]string) {
		for key, value := range converters {
			config[key] = value
		}
		worker.Create(name, config)
	}
	create("archive", map[string]string{"connector.class": "JsonLines", "file": out, "topics": "readings"})
	create("house", map[string]string{
		"connector.class": "Readings", "file": in, "topic": "readings", "transforms": "r", "transforms.r.type": "Rounded", "transforms.r.digits": "1",
	})

	var lines []line
	testbed.Await(t, 30*time.Second, "all readings in the sink's file", func(context.Context) (err error) {
		if lines, err = written(out); err == nil && len(lines) < count {
			err = fmt.Errorf("%d lines", len(lines))
		}
		return err
	})
	next := map[string]int{} // of each sensor
	for _, l := range lines {
		n := next[l.Key]
		assert.Equal(t, l.Key, l.Value.Sensor)
		assert.Equal(t, l.Key, fmt.Sprint("sensor", int(l.Value.Value)%5))
		assert.InDelta(t, n*5+int(l.Key[len(l.Key)-1]-'0'), l.Value.Value, 1e-9, "in order, and rounded")
		next[l.Key]++
	}
	assert.Len(t, lines, count)

	before := len(processes(t, path))
	for name, sharing := range map[string]string{"together": "connector", "apart": "task"} {
		create(name, map[string]string{
			"connector.class": "JsonLines", "file": out + "-" + name, "topics": "readings", "tasks.max": "2", "sluice.plugin.process": sharing,
		})
	}
	if runtime.GOOS == "linux" {
		testbed.Await(t, 10*time.Second, "one process for two tasks, and one for each of two", func(context.Context) error {
			if now := len(processes(t, path)); now != before+3 {
				return fmt.Errorf("%d, after %d", now, before)
			}
			return nil
		})
	}
	worker.Kill()
	testbed.Await(t, 10*time.Second, "the end of the killed worker's plugins", func(context.Context) error {
		if left := processes(t, path); len(left) > 0 {
			return fmt.Errorf("left: %v", left)
		}
		return nil
	})
}

// processes are those that run in the folders of plugins, on systems that tell.
func processes(t *testing.T, path string) (left []string) {
	t.Helper()
	folders, err := filepath.Glob("/proc/[0-9]*/cwd")
	require.NoError(t, err)
	for _, folder := range folders {
		if dir, err := os.Readlink(folder); err == nil && strings.HasPrefix(dir, path) {
			left = append(left, folder)
		}
	}
	return left
}
