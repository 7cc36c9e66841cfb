package mqtt

import (
	"slices"
	"sync"
)

// handover knows which filters the sessions of a connector's tasks in this process are subscribed to. A session from which a filter has moved stays
// subscribed until the filter's new session is, so that nothing falls between two tasks, and until then both receive it. Here it learns when that is;
// of tasks in other processes it does not, and waits. It is safe for concurrent use.
type handover struct {
	mu      sync.Mutex
	holders map[subscription]string // client ids
	changed chan struct{}           // closed when holders is added to
}

// subscription is a filter of a connector whose work is divided in one certain way.
type subscription struct{ division, filter string }

// handovers are those of this process: sessions of one connector are several tasks', which know nothing else of each other.
var handovers = &handover{holders: map[subscription]string{}, changed: make(chan struct{})}

// subscribed notes that the session of a client id has filters.
func (h *handover) subscribed(division, id string, filters []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range filters {
		h.holders[subscription{division, f}] = id
	}
	close(h.changed)
	h.changed = make(chan struct{})
}

// left forgets the filters of a client id, whose task ends.
func (h *handover) left(division, id string, filters []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range filters {
		if at := (subscription{division, f}); h.holders[at] == id {
			delete(h.holders, at)
		}
	}
}

// taken reports whether each of the filters has been subscribed by a session. changed is closed when to ask again.
func (h *handover) taken(division string, filters []string) (all bool, changed <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	all = !slices.ContainsFunc(filters, func(f string) bool {
		_, ok := h.holders[subscription{division, f}]
		return !ok
	})
	return all, h.changed
}
