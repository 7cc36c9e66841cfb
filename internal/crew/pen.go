package crew

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/sluice-connect/sluice/internal/ledger"
)

// pen writes numbered lines to files, a stream each, at an even pace, and enters them into the ledgers. A line is promised once it is in its file.
type pen struct {
	files   map[string]*os.File // by stream
	ledgers []*ledger.Ledger
	cancel  context.CancelFunc
	done    chan error
}

// penPace is the time between two lines of a stream.
const penPace = 10 * time.Millisecond

// write begins. The files, by stream, are created.
func write(paths map[string]string, ledgers ...*ledger.Ledger) (*pen, error) {
	p := &pen{files: map[string]*os.File{}, ledgers: ledgers, done: make(chan error, 1)}
	for stream, path := range paths {
		f, err := os.Create(path)
		if err != nil {
			return nil, errors.Join(err, p.close())
		}
		p.files[stream] = f
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	go func() { p.done <- errors.Join(p.run(ctx), p.close()) }()
	return p, nil
}

// lift ends the writing.
func (p *pen) lift() error {
	p.cancel()
	err := <-p.done
	p.done <- err
	return err
}

func (p *pen) run(ctx context.Context) error {
	ticker := time.NewTicker(penPace)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
		for stream, f := range p.files {
			var number int
			for _, l := range p.ledgers {
				number = l.Send(stream)
			}
			if _, err := fmt.Fprintf(f, "%s %d\n", stream, number); err != nil {
				return fmt.Errorf("writing a line: %w", err)
			}
			for _, l := range p.ledgers {
				l.Promise(stream, number)
			}
		}
	}
}

func (p *pen) close() error {
	var errs []error
	for _, f := range p.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}
