package worker

import (
	"fmt"
	"log/slog"
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
	log     func(cause string) // likewise, and not more often than every logInterval

	mu      sync.Mutex
	waiting [causes]complaint
	trace   string    // last published
	logged  string    // causes last logged
	at      time.Time // when that was
}

type complaint struct {
	err    string // "" for none
	since  time.Time
	next   string // when it is tried again, for people; "" where that is not known
	trying bool   // the first try is under way
}

const (
	// shortPause is up to which pause a status does not say when it ends: it would be a record on the status topic for each try, or be stale.
	shortPause = 30 * time.Second
	// logInterval is how often causes that change are logged: that of a connection that comes and goes changes with each try.
	logInterval = 10 * time.Second
)

// report notes a complaint; a nil err takes it back. A first one whose next is not after now means that the first try is under way: the status says so, the log
// waits for what comes of it.
func (h *health) report(c cause, err error, next, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w := &h.waiting[c]
	if err == nil {
		*w = complaint{}
	} else {
		first := w.err == ""
		if first {
			w.since = now
		}
		w.err, w.next = err.Error(), moment(next, now)
		if w.trying = first && !next.IsZero() && !next.After(now); w.trying {
			w.next = ""
		}
	}
	var all, failed, trace []string
	for _, w := range h.waiting {
		if w.err == "" || slices.Contains(all, w.err) {
			continue
		}
		all, trace = append(all, w.err), append(trace, w.String())
		if !w.trying {
			failed = append(failed, w.err)
		}
	}
	if text := strings.Join(trace, "\n"); text != h.trace {
		h.trace = text
		h.publish(text)
	}
	h.tell(strings.Join(failed, "; "), now)
}

// away tells since when the task cannot go on, zero while it can, and whether that is for want of its own system.
func (h *health) away() (since time.Time, system bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, w := range h.waiting {
		if w.err != "" && (since.IsZero() || w.since.Before(since)) {
			since = w.since
		}
	}
	return since, h.waiting[systemAway].err != ""
}

// tell logs a change of causes. One that comes too soon is logged by a later report, if it stands then.
func (h *health) tell(causes string, now time.Time) {
	if causes == h.logged || causes != "" && now.Sub(h.at) < logInterval {
		return
	}
	if h.logged = causes; causes != "" {
		h.at = now
	}
	h.log(causes)
}

// moment is when the next try is, for people.
func moment(next, now time.Time) string {
	switch {
	case next.IsZero():
		return ""
	case next.Sub(now) < shortPause:
		return "within " + shortPause.String()
	}
	return next.UTC().Format(time.RFC3339)
}

// String is what a status shows.
func (w complaint) String() string {
	s := fmt.Sprintf("retrying: %s (since %s", w.err, w.since.UTC().Format(time.RFC3339))
	if w.next != "" {
		s += ", next try " + w.next
	}
	return s + ")"
}

// logHealth writes a task's or a connector's causes to its log.
func logHealth(log *slog.Logger, cause string) {
	if cause == "" {
		log.Info("healthy again")
		return
	}
	log.Warn("retrying", "cause", cause)
}
