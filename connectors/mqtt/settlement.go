package mqtt

import (
	"strings"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"github.com/sluice-connect/sluice/connect"
)

// transient reports whether the broker may take the same message later.
func transient(code byte) bool { return code == 0x80 || code == 0x83 || code == 0x97 }

// answerText is what MQTT 5 calls a reason code of PUBACK.
func answerText(code byte) string {
	return strings.TrimSuffix((&packets.Puback{ReasonCode: code}).Reason(), ".")
}

// takeRefused returns the refused messages, which stay in the queue until each is settled by forget.
func (p *publisher) takeRefused() []numbered {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refused == 0 {
		return nil
	}
	var list []numbered
	for i := range p.queue.n {
		if o := p.queue.at(i); o.state == refusedOut {
			list = append(list, numbered{p.first + uint64(i), *o})
		}
	}
	return list
}

// numbered is a message and its place.
type numbered struct {
	n uint64
	outgoing
}

// forget settles a refused message.
func (p *publisher) forget(n uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at := n - p.first; at < uint64(p.queue.n) && p.queue.at(int(at)).state == refusedOut {
		p.queue.at(int(at)).state = settled
		p.refused--
		p.pump()
	}
}

// abandon forgets the records of a partition that were not sent: another task has them now.
func (p *publisher) abandon(lost *progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.queue.n {
		if o := p.queue.at(i); (o.state == unsent || o.state == heldOut) && o.record.progress == lost {
			o.state, o.pub = settled, nil
		}
	}
	p.pump()
}

// safe adds to offsets how far each partition is.
func (p *publisher) safe(of map[connect.TopicPartition]*progress, offsets connect.Offsets) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for partition, at := range of {
		if at.next >= 0 {
			offsets[partition] = at.next
		}
	}
}

// oldest is when the first unanswered message was sent; false where none is under way.
func (p *publisher) oldest() (time.Time, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.queue.n {
		if o := p.queue.at(i); o.live {
			return o.at, true
		}
	}
	return time.Time{}, false
}

// tail is the number of the next message; see done.
func (p *publisher) tail() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.first + uint64(p.queue.n)
}

// done reports whether the broker owes nothing to messages before n, those that wait for a subscriber aside, and whether there is a connection to wait
// for the rest.
func (p *publisher) done(n uint64) (done, connected bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range min(p.queue.n, int(n-p.first)) {
		if s := p.queue.at(i).state; s < heldOut {
			return false, p.conn != nil
		}
	}
	return true, p.conn != nil
}

// serverWindow is the present broker's Receive Maximum.
func (p *publisher) serverWindow() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.quota
}
