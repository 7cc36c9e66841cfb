package stores

import (
	"context"
	"sync"
	"time"
)

// memory is a journal that delivers what is sent at once, on the sender's goroutine, and keeps nothing.
type memory struct {
	deliver func(Entry)

	mu   sync.Mutex
	next int64
}

func (m *memory) Start(context.Context) error { return nil }

func (m *memory) ReadToEnd(context.Context) error { return nil }

// Send delivers the records.
func (m *memory) Send(_ context.Context, records ...Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range records {
		m.deliver(Entry{Record: r, Offset: m.next, Timestamp: time.Now()})
		m.next++
	}
	return nil
}

func (m *memory) Outage() Outage { return Outage{} }

func (m *memory) Close(context.Context) error { return nil }
