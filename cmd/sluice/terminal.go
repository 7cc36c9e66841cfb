package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// terminal shows the demo: what runs where, then one live line. On something that is no terminal the live line becomes a line every few
// seconds. It is safe for concurrent use.
type terminal struct {
	mu   sync.Mutex
	out  io.Writer
	live bool // the cursor can go back to the beginning of the line
	open bool // a live line stands unfinished
	last time.Time
}

// quietInterval is how often the counts are written where they cannot be overwritten.
const quietInterval = 10 * time.Second

func newTerminal(out io.Writer) *terminal {
	t := &terminal{out: out}
	if f, ok := out.(interface{ Fd() uintptr }); ok {
		t.live = term.IsTerminal(int(f.Fd()))
	}
	return t
}

// println writes a line that stays.
func (t *terminal) println(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open {
		fmt.Fprint(t.out, "\r\x1b[K")
		t.open = false
	}
	fmt.Fprintln(t.out, strings.TrimRight(text, "\n"))
}

// update shows the line of the moment.
func (t *terminal) update(text string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.live {
		fmt.Fprint(t.out, "\r\x1b[K"+text)
		t.open = true
		return
	}
	if now.Sub(t.last) >= quietInterval {
		t.last = now
		fmt.Fprintln(t.out, text)
	}
}

// Write makes the terminal a place for log lines: they push the live line down.
func (t *terminal) Write(p []byte) (int, error) {
	t.println(string(p))
	return len(p), nil
}
