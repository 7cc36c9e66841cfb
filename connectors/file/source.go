package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/sluice-connect/sluice/connect"
)

// version is that of the Kafka whose connectors these follow.
const version = "4.1.2"

// Source is org.apache.kafka.connect.file.FileStreamSourceConnector. It has one task, whatever tasks.max says.
type Source struct {
	stdin *pump // nil for the process's
}

var (
	_ connect.SourceConnector   = Source{}
	_ connect.Validator         = Source{}
	_ connect.ExactlyOnceSource = Source{}
)

// Spec describes the connector.
func (Source) Spec() connect.Spec {
	spec := connect.NewSpec("org.apache.kafka.connect.file.FileStreamSourceConnector", version, sourceFile, topic, batchSize)
	spec.TaskClass = "org.apache.kafka.connect.file.FileStreamSourceTask"
	return spec
}

// Open makes the task. The file itself is opened by Poll, so that a task without its file is RUNNING and says what it waits for.
func (s Source) Open(ctx context.Context, rt connect.SourceContext) (connect.SourceTask, error) {
	cfg := rt.Config()
	name := sourceFile.Get(cfg)
	if name == "" {
		in := s.stdin
		if in == nil {
			in = &processStdin
		}
		return &stdinTask{in: in, topic: topic.Get(cfg), most: batchSize.Get(cfg)}, nil
	}
	t := &fileTask{rt: rt, name: name, topic: topic.Get(cfg), most: batchSize.Get(cfg), part: rt.Partition("filename", name)}
	at, err := rt.Offset(ctx, t.part)
	if err != nil {
		return nil, fmt.Errorf("reading the offset of %s: %w", name, err)
	}
	t.position, err = position(at)
	return t, err
}

// ExactlyOnce is true for a file, which can be read again from any position, and false for the standard input.
func (Source) ExactlyOnce(cfg connect.Config) bool { return sourceFile.Get(cfg) != "" }

// position reads a stored offset; what was altered by hand may be anything.
func position(at connect.Offset) (int64, error) {
	v := at.Get("position")
	if v.IsNull() {
		return 0, nil
	}
	if v.Kind() != connect.KindInt64 || v.Int64() < 0 {
		return 0, fmt.Errorf("the stored offset %s is not a position: want a whole number from 0, alter or reset the connector's offsets", at)
	}
	return v.Int64(), nil
}

// Validate looks at the file. It only warns: the task may run on another worker, and the file may come later.
func (Source) Validate(_ context.Context, cfg connect.Config) []connect.Problem {
	name := sourceFile.Get(cfg)
	if name == "" {
		return nil
	}
	f, err := openRegular(name)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return []connect.Problem{{Key: sourceFile.Name(), Message: err.Error(), Warning: true}}
	}
	return nil
}

// openRegular opens a file for reading; its errors name the fix.
func openRegular(name string) (*os.File, error) {
	st, err := os.Stat(name)
	if err != nil {
		return nil, explain(err)
	}
	if !st.Mode().IsRegular() && st.Mode()&fs.ModeCharDevice == 0 {
		return nil, fmt.Errorf("%s is not a file that can be read by lines (%s): name a regular file", name, st.Mode().Type())
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, explain(err)
	}
	return f, nil
}

// explain adds what to do to an error of the file system.
func explain(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: create it, or correct the name", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: check that the worker's user may read the file and search its folders", err)
	}
	return err
}
