package group

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// event is one call of a handler.
type event struct {
	what       string
	round      Round
	assignment string    // joined
	peers      int       // led
	cause      error     // lost
	sent       time.Time // beat
}

// The kinds of events.
const (
	entered  = "entered"
	prepared = "prepared"
	led      = "led"
	joined   = "joined"
	missed   = "missed"
	lost     = "lost"
	beaten   = "beat"
)

// script is a handler that does what the test says, and remembers what it was told.
type script struct {
	name    string // its metadata
	enter   func(protocol string, residents []Resident) ([]string, error)
	prepare func(ctx context.Context, count int) error
	lead    func(count int) error
	lost    func()

	t    *testing.T
	mu   sync.Mutex
	past []event
	news chan struct{} // closed with the next event
}

func (s *script) note(e event) (count int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.past = append(s.past, e)
	close(s.news)
	s.news = make(chan struct{})
	return s.counted(e.what)
}

func (s *script) counted(what string) (n int) {
	for _, e := range s.past {
		if e.what == what {
			n++
		}
	}
	return n
}

// count is how many events of a kind there were.
func (s *script) count(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counted(what)
}

// history are all events so far.
func (s *script) history() []event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.past)
}

func (s *script) String() string {
	var all []string
	for _, e := range s.history() {
		if e.what != beaten {
			all = append(all, fmt.Sprintf("%s %v %v", e.what, e.round, e.cause))
		}
	}
	const most = 12
	return fmt.Sprintf("%d beats, and at the end of %d others: %s", s.count(beaten), len(all), strings.Join(all[max(0, len(all)-most):], "; "))
}

// await waits for the nth event of a kind, counting from 1.
func (s *script) await(what string, n int) event {
	s.t.Helper()
	e, err := s.wait(what, n)
	require.NoError(s.t, err)
	return e
}

func (s *script) wait(what string, n int) (event, error) {
	deadline := time.After(patience)
	for {
		s.mu.Lock()
		news, left := s.news, n
		for _, e := range s.past {
			if e.what == what {
				left--
			}
			if left == 0 {
				s.mu.Unlock()
				return e, nil
			}
		}
		s.mu.Unlock()
		select {
		case <-news:
		case <-deadline:
			return event{}, fmt.Errorf("waiting for %q number %d; seen so far: %v", what, n, s)
		}
	}
}

// beats waits for more beats than there were, n of them.
func (s *script) beats(n int) {
	s.t.Helper()
	s.await(beaten, s.count(beaten)+n)
}

func (s *script) Enter(_ context.Context, protocol string, residents []Resident) ([]string, error) {
	s.note(event{what: entered})
	if s.enter == nil {
		return nil, nil
	}
	return s.enter(protocol, residents)
}

func (s *script) Prepare(ctx context.Context) ([]Offer, error) {
	count := s.note(event{what: prepared})
	if s.prepare != nil {
		if err := s.prepare(ctx, count); err != nil {
			return nil, err
		}
	}
	return []Offer{{Protocol: protocol, Metadata: []byte(s.name)}}, nil
}

func (s *script) Lead(_ context.Context, r Round, peers []Peer) (map[string][]byte, error) {
	count := s.note(event{what: led, round: r, peers: len(peers)})
	if s.lead != nil {
		if err := s.lead(count); err != nil {
			return nil, err
		}
	}
	given := map[string][]byte{}
	for _, p := range peers {
		given[p.ID] = []byte("work for " + string(p.Metadata))
	}
	return given, nil
}

func (s *script) Joined(_ context.Context, r Round, assignment []byte) {
	s.note(event{what: joined, round: r, assignment: string(assignment)})
}

func (s *script) Missed(_ context.Context, r Round) { s.note(event{what: missed, round: r}) }

func (s *script) Lost(cause error) {
	s.note(event{what: lost, cause: cause})
	if s.lost != nil {
		s.lost()
	}
}

func (s *script) Beat(sent time.Time) { s.note(event{what: beaten, sent: sent}) }
