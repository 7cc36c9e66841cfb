package process

import (
	"strings"
	"sync"
)

const (
	// wordsKept bounds the last words of a process, in bytes.
	wordsKept = 4 << 10
	// headKept is how much of them is the beginning of a panic, where what follows it is longer: a trace of many goroutines says least at its end.
	headKept = wordsKept / 2
	gap      = "\n[...]\n"
)

// words are the last lines that a process wrote, and the beginning of the last panic among them. They are safe for concurrent use.
type words struct {
	mu    sync.Mutex
	tail  []byte // at most twice wordsKept
	head  []byte // from the last panic on, at most headKept
	since int    // bytes from there; 0 for no panic
}

// add takes a line; panicking says that a panic begins with it.
func (w *words) add(line string, panicking bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	line += "\n"
	if panicking {
		w.head, w.since = w.head[:0], 0
	}
	if panicking || w.since > 0 {
		w.since += len(line)
		w.head = append(w.head, line[:min(len(line), headKept-len(w.head))]...)
	}
	if len(w.tail)+len(line) > 2*wordsKept { // a line is shorter than what is kept
		w.tail = append(w.tail[:0], last(w.tail, wordsKept)...)
	}
	w.tail = append(w.tail, line...)
}

// String is the last words, at most wordsKept bytes of valid UTF-8. What was cut begins with a whole line.
func (w *words) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.since > wordsKept {
		return valid(w.head) + gap + wholeLines(last(w.tail, wordsKept-headKept-len(gap)))
	}
	if len(w.tail) > wordsKept {
		return wholeLines(last(w.tail, wordsKept))
	}
	return valid(w.tail)
}

func last(b []byte, n int) []byte { return b[max(0, len(b)-n):] }

func wholeLines(b []byte) string {
	text := string(b)
	if _, rest, whole := strings.Cut(text, "\n"); whole && rest != "" {
		text = rest
	}
	return valid([]byte(text))
}

func valid(b []byte) string { return strings.TrimSpace(strings.ToValidUTF8(string(b), "?")) }
