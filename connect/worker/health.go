package worker

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// cause is who says that a task cannot go on.
type cause int

const (
	systemAway      cause = iota // the plugin about its system, through Waiting
	callFailed                   // the plugin by an error that asks for the same call again
	operationFailed              // the runtime about an operation on a record that it repeats
	kafkaAway                    // the runtime about Kafka
	lettersAway                  // the runtime about Kafka as the place of a sink's dead letters
	causes
)

// health turns "cannot reach it, will try again" into the text that a task's status carries while its state stays RUNNING. It is safe for
// concurrent use.
type health struct {
	publish func(trace string) // "" is healthy; called only when the text has changed for a reader

	mu      sync.Mutex
	waiting [causes]complaint
	said    string // causes last published, without their times
}

type complaint struct {
	err   string // "" for none
	since time.Time
	next  time.Time
}

// report notes a complaint; a nil err takes it back. Only a change of cause is published: tries follow one another every few seconds,
// and each would be a record on the status topic.
func (h *health) report(c cause, err error, next, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w := &h.waiting[c]
	if err == nil {
		*w = complaint{}
	} else {
		if w.err == "" {
			w.since = now
		}
		w.err, w.next = err.Error(), next
	}
	var said, trace []string
	for _, w := range h.waiting {
		if w.err != "" && !slices.Contains(said, w.err) {
			said = append(said, w.err)
			trace = append(trace, w.String())
		}
	}
	if text := strings.Join(said, "; "); text != h.said {
		h.said = text
		h.publish(strings.Join(trace, "\n"))
	}
}

// String is what a status shows.
func (w complaint) String() string {
	s := fmt.Sprintf("retrying: %s (since %s", w.err, w.since.UTC().Format(time.RFC3339))
	if !w.next.IsZero() {
		s += ", next try " + w.next.UTC().Format(time.RFC3339)
	}
	return s + ")"
}
