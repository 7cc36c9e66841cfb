package mqtt

import "time"

// nobodyPolicy is what happens to a message that nobody has subscribed to (behavior.on.no.subscribers).
type nobodyPolicy uint8

const (
	nobodyIgnored nobodyPolicy = iota
	nobodyWaits
	nobodyFails
)

var nobodyPolicies = map[string]nobodyPolicy{"ignore": nobodyIgnored, "retry": nobodyWaits, "fail": nobodyFails}

// heldAgain is how long a message that nobody wanted waits before it is sent again.
const heldAgain = time.Second

// held knows the keys whose messages wait for a subscriber. It is guarded by the publisher's lock.
type held struct{ keys map[string]struct{} }

func newHeld() held { return held{keys: map[string]struct{}{}} }

// keyOf is by what a message is held: its record's key, or its topic where there is none.
func keyOf(o *outgoing) string {
	if text, ok := scalar(o.record.record.Key); ok {
		return "k" + text
	}
	return "t" + o.pub.Topic
}

// holds reports whether a message waits behind another.
func (h *held) holds(o *outgoing) bool {
	if len(h.keys) == 0 || o.state != unsent {
		return false
	}
	_, ok := h.keys[keyOf(o)]
	return ok
}

// free forgets the key of a message that somebody has taken, and reports whether it was held.
func (h *held) free(o *outgoing) bool {
	if len(h.keys) == 0 {
		return false
	}
	key := keyOf(o)
	_, was := h.keys[key]
	delete(h.keys, key)
	return was
}

// hold has a message wait, and all behind it that have its key.
func (p *publisher) hold(o *outgoing) {
	o.state, o.code = heldOut, 0
	p.held.keys[keyOf(o)] = struct{}{}
	signal(p.moved)
}

// release lets the messages of o's key go, in their order.
func (p *publisher) release(o *outgoing) {
	key := keyOf(o)
	for i := p.queue.n - 1; i >= 0; i-- {
		if w := p.queue.at(i); w.state == heldOut && keyOf(w) == key {
			w.state = unsent
			p.sent = min(p.sent, i)
		}
	}
}

// again sends the first message of each key that is held, unless one is under way; messages that are too old are given up.
func (p *publisher) again(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.held.keys) == 0 || p.conn == nil {
		return
	}
	tried := make(map[string]bool, len(p.held.keys))
	for i := range p.queue.n {
		o := p.queue.at(i)
		if o.pub == nil || o.state == settled || o.state == refusedOut {
			continue
		}
		key := keyOf(o)
		if _, isHeld := p.held.keys[key]; !isHeld || tried[key] {
			continue
		}
		switch {
		case o.live:
			tried[key] = true
		case o.state == heldOut && p.old(o, now):
			o.state = settled
		case o.state == heldOut && p.flight < p.quota:
			tried[key] = true
			o.state = unsent
			p.conn.fill(func(out []byte) []byte { return p.write(out, o, p.first+uint64(i), now) })
		}
	}
	for key := range p.held.keys {
		if !tried[key] && !p.waits(key) {
			delete(p.held.keys, key)
		}
	}
	p.pump()
}

// waits reports whether a message of a key is held.
func (p *publisher) waits(key string) bool {
	for i := range p.queue.n {
		if o := p.queue.at(i); o.state == heldOut && keyOf(o) == key {
			return true
		}
	}
	return false
}

// old reports whether a record has waited for longer than mqtt.stale.after.ms.
func (p *publisher) old(o *outgoing, now time.Time) bool {
	since := o.record.record.Timestamp
	return p.stale >= 0 && (since <= 0 || now.Sub(time.UnixMilli(since)) > p.stale)
}
