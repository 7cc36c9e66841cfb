package process

import (
	"strings"
	"sync"
)

// wordsKept bounds the last words of a process, in bytes.
const wordsKept = 4 << 10

// words are the last that a process wrote. Safe for concurrent use.
type words struct {
	mu  sync.Mutex
	end []byte // at most twice wordsKept
}

func (w *words) add(p []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(p) > wordsKept {
		p = p[len(p)-wordsKept:]
	}
	if len(w.end)+len(p) > 2*wordsKept {
		w.end = append(w.end[:0], w.end[len(w.end)-wordsKept:]...)
	}
	w.end = append(w.end, p...)
}

// String is the last words. What was cut begins with a whole line, if it has one.
func (w *words) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	end, cut := w.end, len(w.end) > wordsKept
	if cut {
		end = end[len(end)-wordsKept:]
	}
	text := strings.ToValidUTF8(string(end), "\uFFFD")
	if _, rest, whole := strings.Cut(text, "\n"); cut && whole && rest != "" {
		text = rest
	}
	return strings.TrimSpace(text)
}
