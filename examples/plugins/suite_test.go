package plugins

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/connecttest"
	"github.com/sluice-connect/sluice/plugins/contract"
	"github.com/sluice-connect/sluice/plugins/process"
	"github.com/sluice-connect/sluice/plugins/remote"
)

// one is a plugin's only process, which all its tasks share.
type one struct{ *process.Process }

// Hide implements remote.Process. Here is no secret.
func (p one) Hide(...string) {}

func (p one) Control(context.Context) (remote.Process, error) { return p, nil }

func (p one) Task(context.Context, string, int) (remote.Process, func(), error) {
	return p, func() {}, nil
}

// classes are those of a Python plugin, whose process ends with the test.
func classes(t *testing.T, program string) *remote.Set {
	t.Helper()
	dir, python := pythonPlugins(t)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	p, err := process.Start(t.Context(), process.Launch{Plugin: program, Command: []string{python, program}, Dir: dir, Log: log})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Stop(context.Background())) })
	described, err := contract.NewPluginClient(p.Conn()).Describe(t.Context(), &contract.DescribeRequest{})
	require.NoError(t, err)
	return remote.Classes(described, one{p}, log)
}

func TestThePythonSourceKeepsWhatASourcePromises(t *testing.T) {
	sources := classes(t, "readings.py").Sources
	require.Len(t, sources, 1)
	connecttest.RunSource(t, sources[0], connect.Config{"topic": "readings"}, func(t testing.TB, cfg connect.Config) connecttest.SourceWorld {
		path := filepath.Join(t.TempDir(), "readings.txt")
		cfg["file"] = path
		file, err := os.Create(path)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, file.Close()) })
		count := 0
		return connecttest.SourceWorld{
			Feed: func(n int) (lines []string) {
				for range n {
					count++
					lines = append(lines, fmt.Sprintf("sensor%d %d.5", count%7, count))
				}
				_, err := file.WriteString(strings.Join(lines, "\n") + "\n")
				require.NoError(t, err)
				return lines
			},
			Text: func(r *connect.SourceRecord) string {
				reading := r.Value.Struct()
				return fmt.Sprintf("%s %.1f", reading.Get("sensor").Str(), reading.Get("value").Float64())
			},
			Outage: func() func() {
				require.NoError(t, os.Rename(path, path+".away"))
				return func() { require.NoError(t, os.Rename(path+".away", path)) }
			},
		}
	})
}

func TestThePythonSinkKeepsWhatASinkPromises(t *testing.T) {
	sinks := classes(t, "jsonlines.py").Sinks
	require.Len(t, sinks, 1)
	connecttest.RunSink(t, sinks[0], nil, func(t testing.TB, cfg connect.Config) connecttest.SinkWorld {
		path := filepath.Join(t.TempDir(), "out.jsonl")
		cfg["file"] = path
		return connecttest.SinkWorld{
			Read: func() (values []string) {
				text, err := os.ReadFile(path)
				if os.IsNotExist(err) {
					return nil
				}
				require.NoError(t, err)
				for line := range strings.Lines(string(text)) {
					if !strings.HasSuffix(line, "\n") {
						break // it is being written
					}
					var record struct{ Value string }
					require.NoError(t, json.Unmarshal([]byte(line), &record), line)
					values = append(values, record.Value)
				}
				return values
			},
			BadConfigs: map[string]connect.Config{"file": {"file": filepath.Join(filepath.Dir(path), "none", "out.jsonl")}},
		}
	})
}
