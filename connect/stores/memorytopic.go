package stores

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// MemoryTopic is a topic in memory that the stores of several workers in one process share: for tests of clusters, also in virtual time. The zero
// value is empty.
type MemoryTopic struct {
	mu      sync.Mutex
	entries []Entry
	grown   chan struct{} // closed and replaced when there is more; nil before the first reader
}

// Arrive is called before records reach a reader, which has them when it returns: a way that is slow, or closed for a time. Its error, like the end
// of its context, ends the reading. Nil is a way without delay.
type Arrive func(ctx context.Context) error

// ConfigStore is a store on the topic.
func (m *MemoryTopic) ConfigStore(logger *slog.Logger, arrive Arrive, listen func(ConfigEvent)) *ConfigStore {
	s := &ConfigStore{logger: orDiscard(logger), listen: listen}
	journal := &memoryReader{topic: m, arrive: arrive, deliver: s.replay}
	s.journal, s.write, s.append = journal, journal.Send, journal.Append
	return s
}

// StatusStore is a store on the topic.
func (m *MemoryTopic) StatusStore(logger *slog.Logger, arrive Arrive) *StatusStore {
	s := &StatusStore{logger: orDiscard(logger)}
	s.journal = &memoryReader{topic: m, arrive: arrive, deliver: s.replay}
	s.outbox = newOutbox(writingStatuses, s.journal.Send, new(Outages), s.logger)
	return s
}

func (m *MemoryTopic) append(records []Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range records {
		m.entries = append(m.entries, Entry{Record: r, Offset: int64(len(m.entries)), Timestamp: time.Now()})
	}
	if m.grown != nil {
		close(m.grown)
		m.grown = make(chan struct{})
	}
}

// from returns what there is from a place on, and a channel that is closed when there is more.
func (m *MemoryTopic) from(place int) ([]Entry, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.grown == nil {
		m.grown = make(chan struct{})
	}
	return m.entries[place:len(m.entries):len(m.entries)], m.grown
}

// memoryReader is a journal on a MemoryTopic.
type memoryReader struct {
	topic   *MemoryTopic
	arrive  Arrive
	deliver func(Entry)
	stop    context.CancelFunc
	ended   chan struct{}

	mu    sync.Mutex
	place int           // entries delivered
	moved chan struct{} // closed and replaced when place grows
}

func (r *memoryReader) Start(ctx context.Context) error {
	var reading context.Context
	reading, r.stop = context.WithCancel(context.WithoutCancel(ctx))
	r.ended, r.moved = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(r.ended)
		r.run(reading)
	}()
	return r.ReadToEnd(ctx)
}

func (r *memoryReader) run(ctx context.Context) {
	for place := 0; ; {
		entries, grown := r.topic.from(place)
		if len(entries) == 0 {
			select {
			case <-grown:
				continue
			case <-ctx.Done():
				return
			}
		}
		if r.arrive != nil && r.arrive(ctx) != nil {
			return
		}
		for _, e := range entries {
			r.deliver(e)
		}
		place += len(entries)
		r.mu.Lock()
		r.place = place
		close(r.moved)
		r.moved = make(chan struct{})
		r.mu.Unlock()
	}
}

func (r *memoryReader) ReadToEnd(ctx context.Context) error {
	entries, _ := r.topic.from(0)
	for {
		r.mu.Lock()
		place, moved := r.place, r.moved
		r.mu.Unlock()
		if place >= len(entries) {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (r *memoryReader) Send(_ context.Context, records ...Record) error {
	r.topic.append(records)
	return nil
}

// Append is Send, and returns when the records have been delivered too.
func (r *memoryReader) Append(ctx context.Context, records ...Record) error {
	r.topic.append(records)
	return r.ReadToEnd(ctx)
}

func (r *memoryReader) Outage() Outage { return Outage{} }

func (r *memoryReader) Close(context.Context) error {
	if r.stop != nil {
		r.stop()
		<-r.ended
	}
	return nil
}
