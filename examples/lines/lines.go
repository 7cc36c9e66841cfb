// Package lines is a source that reads a growing file line by line.
package lines

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/sluice-connect/sluice/connect"
)

var file = connect.StringKey("file", "File to read.")
var topic = connect.StringKey("topic", "Topic to write to.")

type Source struct{}

func (Source) Spec() connect.Spec { return connect.NewSpec("lines", "1.0.0", file, topic) }

func (Source) Open(ctx context.Context, rt connect.SourceContext) (connect.SourceTask, error) {
	name := file.Get(rt.Config())
	t := &task{topic: topic.Get(rt.Config()), part: rt.Partition("filename", name)}
	at, err := rt.Offset(ctx, t.part)
	if err != nil {
		return nil, fmt.Errorf("reading the offset: %w", err)
	}
	if t.file, err = os.Open(name); err != nil {
		return nil, connect.Retry(err, time.Second)
	}
	t.pos, t.in = at.Int64(), bufio.NewReader(io.NewSectionReader(t.file, at.Int64(), 1<<62))
	return t, nil
}

type task struct {
	file        *os.File
	in          *bufio.Reader
	part        *connect.Partition
	pos         int64
	topic, line string // line: read so far, its end may still be missing
}

func (t *task) Poll(ctx context.Context, b *connect.Batch) error {
	for !b.Full() {
		more, err := t.in.ReadString('\n')
		if t.line += more; err == io.EOF {
			return connect.Idle(ctx, b, 50*time.Millisecond)
		} else if err != nil {
			return fmt.Errorf("reading a line: %w", err)
		}
		t.pos += int64(len(t.line))
		b.Next(t.topic, t.part, connect.At("position", t.pos)).SetString(t.line[:len(t.line)-1])
		t.line = ""
	}
	return nil
}

func (t *task) Close(context.Context) error { return t.file.Close() }
