package file

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/sluice-connect/sluice/connect"
)

// pump reads an input whose reads cannot be interrupted, and hands on what it read to one task after the other. Its goroutine starts with
// the first task and lives as long as the input: a read of the standard input has no other end.
type pump struct {
	in      io.Reader
	start   sync.Once
	chunks  chan []byte // closed at the end of the input
	failure error       // why it ended, nil for its end; set before chunks is closed
}

var processStdin = pump{in: os.Stdin}

// open returns the channel of chunks, which a receiver owns.
func (p *pump) open() <-chan []byte {
	p.start.Do(func() {
		p.chunks = make(chan []byte)
		go p.run()
	})
	return p.chunks
}

func (p *pump) run() {
	defer close(p.chunks)
	buf := make([]byte, chunkBytes)
	for {
		n, err := p.in.Read(buf)
		if n > 0 {
			p.chunks <- append([]byte(nil), buf[:n]...)
		}
		if err != nil {
			if err != io.EOF {
				p.failure = err
			}
			return
		}
	}
}

// stdinTask reads the standard input, for which no offsets are kept: what was read and not produced when the worker ends is lost.
type stdinTask struct {
	in    *pump
	topic string
	most  int
	lines lines
	chunk chunk
}

// Poll waits for a line. Behind the end of the input it waits for the task's end, as a file's task waits for more.
func (t *stdinTask) Poll(ctx context.Context, b *connect.Batch) error {
	for {
		for b.Len() < t.most && !b.Full() {
			line, _, ok := t.lines.next()
			if !ok {
				break
			}
			b.Next(t.topic, nil, connect.Offset{}).SetString(line)
		}
		if b.Len() > 0 {
			return nil
		}
		if len(t.chunk) == 0 {
			if err := t.receive(ctx); err != nil {
				return err
			}
		}
		if _, err := t.lines.fill(&t.chunk); err != nil {
			return fmt.Errorf("reading the standard input: %w", err)
		}
	}
}

// receive takes the next chunk.
func (t *stdinTask) receive(ctx context.Context) error {
	chunks := t.in.open()
	for {
		select {
		case chunk, ok := <-chunks:
			if ok {
				t.chunk = chunk
				return nil
			}
			if t.in.failure != nil {
				return fmt.Errorf("reading the standard input: %w", t.in.failure)
			}
			chunks = nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Close leaves the input to the next task.
func (t *stdinTask) Close(context.Context) error { return nil }

// chunk is bytes as a reader.
type chunk []byte

func (c *chunk) Read(p []byte) (int, error) {
	n := copy(p, *c)
	*c = (*c)[n:]
	return n, nil
}
