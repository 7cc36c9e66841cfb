package embedded

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
)

// holdLimit is how long publishers wait for one lagging subscriber before it is left behind. It must stay well below any
// keep alive, since a publisher that waits is not read, pings included.
const holdLimit = 5 * time.Second

// pace holds publishers back while a subscriber lags. A publisher that waits is never itself waited for, so two clients that
// publish to each other cannot hold one another.
type pace struct {
	server *mqtt.Server
	limit  time.Duration
	high   int // waiting messages that make a client lag
	low    int // waiting messages at which it no longer does

	// fanOut is held for reading while a message is handed to subscribers, and for writing while a session moves to a new
	// connection: what the broker hands to the old connection in that moment is lost.
	fanOut sync.RWMutex

	behind  atomic.Int32 // len(lagging)
	mu      sync.Mutex
	lagging map[string]*lag // by client id
	held    map[string]int  // publishers that wait, by client id
	changed chan struct{}   // closed and replaced when lagging shrinks
	ended   chan struct{}
}

// lag is a subscriber that has fallen behind.
type lag struct {
	conn   *mqttConn
	leftBy time.Time // when publishers stop waiting for it
}

func newPace(server *mqtt.Server, high int) *pace {
	return &pace{
		server:  server,
		limit:   holdLimit,
		high:    high,
		low:     high - min(16, (high+1)/2), // close by, so that a publisher keeps its subscriber's rate
		lagging: make(map[string]*lag),
		held:    make(map[string]int),
		changed: make(chan struct{}),
		ended:   make(chan struct{}),
	}
}

// grew is told how many messages wait for a connected client after one was added.
func (p *pace) grew(id string, conn *mqttConn, waiting int) {
	if waiting < p.high {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.lagging[id]; l == nil || l.conn != conn {
		p.lagging[id] = &lag{conn: conn, leftBy: time.Now().Add(p.limit)}
		p.behind.Store(int32(len(p.lagging)))
	}
}

// shrank is told how many messages wait for a client after one was settled. Progress renews the patience of publishers.
func (p *pace) shrank(id string, conn *mqttConn, waiting int) {
	if p.behind.Load() == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lagging[id]
	switch {
	case l == nil || l.conn != conn:
	case waiting <= p.low:
		p.drop(id)
	default:
		l.leftBy = time.Now().Add(p.limit)
	}
}

// left is told that a connection has ended.
func (p *pace) left(id string, conn *mqttConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.lagging[id]; l != nil && l.conn == conn {
		p.drop(id)
	}
}

func (p *pace) drop(id string) {
	delete(p.lagging, id)
	p.behind.Store(int32(len(p.lagging)))
	close(p.changed)
	p.changed = make(chan struct{})
}

// end lets all publishers go.
func (p *pace) end() { close(p.ended) }

// hold waits while a subscriber of topic lags. publisher is nil for the process itself. The error is ctx's.
func (p *pace) hold(ctx context.Context, publisher *mqtt.Client, topic string) error {
	if p.behind.Load() == 0 {
		return nil
	}
	id := ""
	if publisher != nil {
		id = publisher.ID
	}
	subs := p.server.Topics.Subscribers(topic)
	for {
		wait, until, changed := p.enter(id, subs)
		if !wait {
			return nil
		}
		timer := time.NewTimer(time.Until(until))
		var err error
		select {
		case <-changed:
		case <-timer.C:
		case <-p.ended:
		case <-ctx.Done():
			err = ctx.Err()
		}
		timer.Stop()
		p.leave(id)
		if err != nil {
			return err
		}
		select {
		case <-p.ended:
			return nil
		default:
		}
	}
}

// enter says whether the publisher has to wait, until when at most, and marks it as waiting if so.
func (p *pace) enter(id string, subs *mqtt.Subscribers) (bool, time.Time, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for sub, l := range p.lagging {
		if sub == id || p.held[sub] > 0 || !l.leftBy.After(now) || !subscribes(subs, sub) {
			continue
		}
		if id != "" {
			p.held[id]++
		}
		return true, l.leftBy, p.changed
	}
	return false, now, nil
}

func (p *pace) leave(id string) {
	if id == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held[id]--; p.held[id] <= 0 {
		delete(p.held, id)
	}
}

func subscribes(subs *mqtt.Subscribers, id string) bool {
	if _, ok := subs.Subscriptions[id]; ok {
		return true
	}
	for _, group := range subs.Shared {
		if _, ok := group[id]; ok {
			return true
		}
	}
	return false
}
