package ledger

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Ledger records what was published and what has arrived. The messages of a stream (an MQTT topic) are numbered from 0 in the
// order in which they are published. It is safe for concurrent use.
type Ledger struct {
	mu      sync.Mutex
	streams map[string]*stream
	arrived int // messages
}

// New is an empty ledger.
func New() *Ledger { return &Ledger{streams: map[string]*stream{}} }

// stream is one page of the ledger.
type stream struct {
	entries []entry // by number
	highest int     // number that arrived, -1 for none
}

// entry is what is known of one message.
type entry struct {
	promised bool // the broker has acknowledged it: from now on it must not be lost
	arrivals int
	late     bool // its first arrival came after that of a higher number
}

// Send enters the next message of a stream and returns its number. Until it is promised it may arrive or not.
func (l *Ledger) Send(name string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.streams[name]
	if s == nil {
		s = &stream{highest: -1}
		l.streams[name] = s
	}
	s.entries = append(s.entries, entry{})
	return len(s.entries) - 1
}

// Promise notes that the broker has taken a message that was sent.
func (l *Ledger) Promise(name string, number int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.streams[name].entries[number].promised = true
}

// Arrive notes one arrival, in the order of arrivals. A message that nobody sent is an error.
func (l *Ledger) Arrive(name string, number int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.streams[name]
	if s == nil || number < 0 || number >= len(s.entries) {
		return fmt.Errorf("message %d of stream %q arrived and was never sent", number, name)
	}
	e := &s.entries[number]
	if e.arrivals == 0 {
		e.late = number < s.highest
		s.highest = max(s.highest, number)
		l.arrived++
	}
	e.arrivals++
	return nil
}

// Arrived is how many messages have arrived at least once.
func (l *Ledger) Arrived() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.arrived
}

// Message names a message in a verdict.
type Message struct {
	Stream string
	Number int
}

func (m Message) String() string { return fmt.Sprintf("%s #%d", m.Stream, m.Number) }

// Verdict is what a ledger says of all streams together, the messages sorted by stream and number.
type Verdict struct {
	Promised   int // messages
	Arrived    int // messages that arrived at least once
	Duplicates int // arrivals beyond the first of each message
	Missing    []Message
	Disordered []Message // whose first arrival came after that of a later message of its stream
}

// Judge compares what was promised with what has arrived so far.
func (l *Ledger) Judge() Verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	names := make([]string, 0, len(l.streams))
	for name := range l.streams {
		names = append(names, name)
	}
	slices.Sort(names)
	var v Verdict
	for _, name := range names {
		for number, e := range l.streams[name].entries {
			v.add(Message{name, number}, e)
		}
	}
	return v
}

func (v *Verdict) add(m Message, e entry) {
	if e.promised {
		v.Promised++
	}
	switch {
	case e.arrivals > 0:
		v.Arrived++
		v.Duplicates += e.arrivals - 1
	case e.promised:
		v.Missing = append(v.Missing, m)
	}
	if e.late {
		v.Disordered = append(v.Disordered, m)
	}
}

// Incomplete is why one must go on waiting, nil once everything promised has arrived.
func (v Verdict) Incomplete() error {
	if len(v.Missing) == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d promised messages are missing: %s", len(v.Missing), v.Promised, few(v.Missing))
}

// Err is what is wrong, nil when nothing is missing and each stream's first arrivals are in order. Duplicates are no error.
func (v Verdict) Err() error {
	if err := v.Incomplete(); err != nil {
		return err
	}
	if len(v.Disordered) > 0 {
		return fmt.Errorf("%d of %d messages came after a later one of their stream: %s", len(v.Disordered), v.Arrived, few(v.Disordered))
	}
	return nil
}

// few lists the first messages of many.
func few(all []Message) string {
	const most = 5
	texts := make([]string, 0, most+1)
	for _, m := range all[:min(most, len(all))] {
		texts = append(texts, m.String())
	}
	if len(all) > most {
		texts = append(texts, "...")
	}
	return strings.Join(texts, ", ")
}
