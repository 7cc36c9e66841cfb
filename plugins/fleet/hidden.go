package fleet

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sluice-connect/sluice/connect/redaction"
	"github.com/sluice-connect/sluice/plugins/process"
	"github.com/sluice-connect/sluice/plugins/remote"
)

// hand is a process that a worker has, with what must not be shown of what it writes.
type hand struct {
	*process.Process
	hidden *hidden
}

var _ remote.Process = (*hand)(nil)

// Hide implements remote.Process.
func (h *hand) Hide(values ...string) { h.hidden.add(values) }

// hiddenKept is how many values are kept for a process: one that lives as long as the worker is told those of every configuration that it checks.
const hiddenKept = 1000

// hidden are the values that are taken out of what a process writes. It is safe for concurrent use.
type hidden struct {
	granted []string // of the environment, for good

	mu     sync.Mutex
	told   []string // the newest last, each once, at most hiddenKept
	values atomic.Pointer[redaction.Values]
}

func newHidden(granted []string) *hidden {
	h := &hidden{granted: granted}
	h.publish()
	return h
}

// add hides values from now on.
func (h *hidden) add(values []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	fresh := false
	for _, v := range values {
		if i := slices.Index(h.told, v); i >= 0 {
			h.told = slices.Delete(h.told, i, i+1)
		} else {
			fresh = true
		}
		h.told = append(h.told, v)
	}
	h.told = h.told[max(0, len(h.told)-hiddenKept):]
	if fresh {
		h.publish()
	}
}

func (h *hidden) publish() {
	values := redaction.Of(slices.Concat(h.granted, h.told)...)
	h.values.Store(&values)
}

// Removed is a line without the values.
func (h *hidden) Removed(line string) string { return h.values.Load().Removed(line) }
