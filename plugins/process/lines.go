package process

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"time"
)

// What a process may write.
const (
	lineKept       = 2 << 10         // bytes of a line; the rest is cut
	linesPerSecond = 100             // that are logged
	dropReport     = 5 * time.Second // between two lines that tell how many were not
	readChunk      = 32 << 10
)

// lines logs what a process writes, line by line, and forgets what is too much. For one goroutine.
type lines struct {
	log       *slog.Logger
	line      []byte
	second    time.Time // the one that logged counts in
	logged    int
	dropped   int
	reported  time.Time
	panicking bool // a panic's trace is being written
	// first is given the first line, without its end, in place of the log; nil from then on. What is longer than is kept of a line comes cut.
	first func(line string)
	words *words                   // gets every line that is not empty, if it is not nil
	hide  func(line string) string // nil hides nothing
}

// read logs what comes until from ends or ctx does.
func (l *lines) read(ctx context.Context, from *os.File) {
	buffer := make([]byte, readChunk)
	var pace throttle
	for {
		if l.dropped > 0 && ctx.Err() == nil { // the count is told though nothing more may come
			_ = from.SetReadDeadline(l.reported.Add(dropReport)) // a pipe takes deadlines
		}
		n, err := from.Read(buffer)
		if n > 0 {
			l.write(buffer[:n])
		}
		l.report(false)
		if errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() == nil {
			_ = from.SetReadDeadline(time.Time{})
			continue
		}
		if err != nil {
			break
		}
		pace.spend(ctx, n) // when the process is gone, what it left in the pipe is bounded
	}
	l.close()
}

// close is the end of all lines.
func (l *lines) close() {
	if len(l.line) > 0 || l.first != nil {
		l.end()
	}
	l.report(true)
}

func (l *lines) write(p []byte) {
	for len(p) > 0 {
		i := bytes.IndexByte(p, '\n')
		part := p
		if i >= 0 {
			part = p[:i]
		}
		if room := lineKept - len(l.line); room > 0 {
			l.line = append(l.line, part[:min(room, len(part))]...)
		}
		if l.first != nil && len(l.line) == lineKept {
			l.end()
		}
		if i < 0 {
			return
		}
		l.end()
		p = p[i+1:]
	}
}

// end is the end of a line.
func (l *lines) end() {
	line := bytes.TrimRight(l.line, "\r")
	l.line = l.line[:0]
	if l.first != nil {
		l.first(strings.ToValidUTF8(string(line), "\uFFFD"))
		l.first = nil
		return
	}
	if len(line) == 0 {
		return
	}
	text := strings.ToValidUTF8(string(line), "\uFFFD")
	panics := strings.HasPrefix(text, "panic: ") || strings.HasPrefix(text, "fatal error: ") // of Go
	l.panicking = l.panicking || panics
	if l.hide != nil {
		text = l.hide(text)
	}
	if l.words != nil {
		l.words.add(text, panics)
	}
	now := time.Now()
	if now.Sub(l.second) >= time.Second {
		l.second, l.logged = now, 0
	}
	if l.logged >= linesPerSecond {
		if l.dropped == 0 {
			l.reported = now
		}
		l.dropped++
		return
	}
	l.logged++
	level := slog.LevelInfo
	if l.panicking {
		level = slog.LevelError
	}
	l.log.Log(context.Background(), level, text)
}

// report tells how many lines were dropped, from time to time.
func (l *lines) report(last bool) {
	if l.dropped == 0 || !last && time.Since(l.reported) < dropReport {
		return
	}
	l.log.Warn("the plugin writes more lines than are logged", "dropped", l.dropped, "most_per_second", linesPerSecond)
	l.dropped = 0
}
