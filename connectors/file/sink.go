package file

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/sluice-connect/sluice/connect"
)

// Sink is org.apache.kafka.connect.file.FileStreamSinkConnector. Its tasks append to the same file, whole lines at a time.
type Sink struct {
	stdout io.Writer // nil for the process's
}

var (
	_ connect.SinkConnector = Sink{}
	_ connect.Splitter      = Sink{}
)

// Spec describes the connector.
func (Sink) Spec() connect.Spec {
	spec := connect.NewSpec("org.apache.kafka.connect.file.FileStreamSinkConnector", version, sinkFile)
	spec.TaskClass = "org.apache.kafka.connect.file.FileStreamSinkTask"
	return spec
}

// Split gives every task the whole configuration, as Kafka's does.
func (Sink) Split(_ context.Context, cfg connect.Config, maxTasks int) ([]connect.Config, error) {
	configs := make([]connect.Config, maxTasks)
	for i := range configs {
		configs[i] = cfg
	}
	return configs, nil
}

// Open opens the file for appending and creates it where there is none.
func (s Sink) Open(_ context.Context, rt connect.SinkContext) (connect.SinkTask, error) {
	name := sinkFile.Get(rt.Config())
	if name == "" {
		out := s.stdout
		if out == nil {
			out = os.Stdout
		}
		return &sinkTask{rt: rt, name: "standard output", out: out}, nil
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("file: %w: check that the folder exists and that the worker's user may write there", err)
	}
	t := &sinkTask{rt: rt, name: name, out: f, file: f}
	t.endCutLine()
	return t, nil
}
