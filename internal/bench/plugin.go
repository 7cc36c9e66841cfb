package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connectors/file"
	"github.com/sluice-connect/sluice/plugins"
	"github.com/sluice-connect/sluice/plugins/contract"
	"github.com/sluice-connect/sluice/plugins/manifest"
)

// pluginName is what this program is called when it is a plugin: the file connectors, under names of their own.
const pluginName = "bench-plugin"

// The classes of the plugin.
const (
	pluginSource = "io.sluice.bench.FileSource"
	pluginSink   = "io.sluice.bench.FileSink"
)

// fileSource and fileSink are the connectors that the worker has itself, in another process.
type (
	fileSource struct{ file.Source }
	fileSink   struct{ file.Sink }
)

// Spec implements connect.SourceConnector.
func (s fileSource) Spec() connect.Spec { return renamed(s.Source.Spec(), pluginSource) }

// Spec implements connect.SinkConnector.
func (s fileSink) Spec() connect.Spec { return renamed(s.Sink.Spec(), pluginSink) }

func renamed(spec connect.Spec, class string) connect.Spec {
	spec.Class, spec.Aliases = class, nil
	return spec
}

func servePlugin() { plugins.Serve(plugins.Of(fileSource{}, fileSink{})) }

// installPlugin makes a folder for plugin.path with this program as a plugin.
func (l *lab) installPlugin(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("installing the plugin: %w", err)
	}
	l.plugins = filepath.Join(l.dir, "plugins")
	folder := filepath.Join(l.plugins, pluginName)
	program := filepath.Join(folder, pluginName)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("installing the plugin: %w", err)
	}
	if err := copyFile(program, self); err != nil {
		return fmt.Errorf("installing the plugin: %w", err)
	}
	said, err := exec.CommandContext(ctx, program, "--manifest").Output()
	if err != nil {
		return fmt.Errorf("asking the plugin what it brings: %w", err)
	}
	var d contract.Description
	if err := protojson.Unmarshal(said, &d); err != nil {
		return fmt.Errorf("what the plugin brings: %w", err)
	}
	m := manifest.Manifest{
		Dir: folder, Name: d.GetName(), Version: d.GetVersion(), Contract: contract.Version, Command: []string{pluginName}, Classes: d.GetClasses(),
	}
	return m.Write()
}

func copyFile(to, from string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // it was only read
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o700)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if closing := out.Close(); err == nil {
		err = closing
	}
	return err
}

// sizes are those of the records that cross the boundary to a plugin, in bytes.
var sizes = []int{100, record, 1024}

// boundary are the flows that go the same way twice: with the connector in the worker, and in a plugin's process.
func boundary() []flow {
	var all []flow
	for _, size := range sizes {
		all = append(all, flow{
			name: fmt.Sprint("plugin-", size), title: fmt.Sprintf("file -> Kafka, records of %d bytes", size),
			arms: []arm{
				{name: "in the worker", connector: fileOf(size, "FileStreamSource")},
				{name: "in a plugin", connector: fileOf(size, pluginSource)},
			},
		})
	}
	return append(all, flow{
		name: "plugin-sink", title: fmt.Sprintf("Kafka -> file, records of %d bytes", record), watch: (*lab).written,
		arms: []arm{{name: "in the worker", connector: toFile("FileStreamSink")}, {name: "in a plugin", connector: toFile(pluginSink)}},
	})
}

func fileOf(size int, class string) func(*lab, string) map[string]string {
	return func(l *lab, run string) map[string]string {
		return map[string]string{"connector.class": class, "file": l.fileOf(size), "topic": run}
	}
}

func toFile(class string) func(*lab, string) map[string]string {
	return func(l *lab, run string) map[string]string {
		return map[string]string{"connector.class": class, "file": filepath.Join(l.dir, run+".out"), "topics": loadTopic}
	}
}

// written counts the lines that a run's sink has written.
func (l *lab) written(_ context.Context, run string) (func() (int64, error), func(), error) {
	path := filepath.Join(l.dir, run+".out")
	return func() (int64, error) {
		out, err := os.Stat(path)
		if os.IsNotExist(err) {
			return 0, nil
		} else if err != nil {
			return 0, err
		}
		return out.Size() / record, nil
	}, func() { _ = os.Remove(path) }, nil // only its size was wanted
}
