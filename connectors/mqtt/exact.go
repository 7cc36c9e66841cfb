package mqtt

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/eclipse/paho.golang/packets"

	"github.com/sluice-connect/sluice/connect"
)

// exact is what exactly-once adds to a subscriber of QoS 2, on a worker that stores records and offsets together.
//
// The source offset names the deliveries whose message is in Kafka and which the server has not released: packet id and hash. It is committed with
// the messages. PUBREC follows the commit; PUBREL takes the id out of the offset, and PUBCOMP follows the commit of that. So, whenever the worker is
// killed, a PUBLISH that comes again either has its id in the offset, and then its message is in Kafka, or it has not. The server cannot give the id
// to another message before PUBCOMP (MQTT 5 4.3.3), and the hash finds out one that has forgotten what it did.
//
// A session that the server has lost begins with an empty offset: it is committed before anything is subscribed, so that a new message under an old id
// is not taken for an old one.
//
// Guarded by subscriber.mu.
type exact struct {
	since   uint64            // the generation in which the session began
	used    bool              // the offset may have ids in it
	fresh   bool              // it is to be emptied
	emptied chan struct{}     // closed when it is; nil where it need not be
	asked   map[uint16]uint64 // ids whose PUBREL has come, and the generation in which it came last
	due     []uint16          // those among them that Poll has not taken
	under   []release         // what Poll has taken, until it is committed
	taken   uint64            // counts them
}

// release is a change of the offset without a message.
type release struct {
	ids   []uint16
	since uint64
	fresh bool // the offset has been emptied before
	tag   uint64
}

// releaseTag marks the tags of releases.
const releaseTag = 1 << 63

// begin notes that the server has no session: what the offset says is of no use any more.
func (x *exact) begin(generation uint64) {
	x.since = generation
	x.asked, x.due = map[uint16]uint64{}, nil
	if !x.used {
		return
	}
	x.used, x.fresh = false, true
	if x.emptied == nil {
		x.emptied = make(chan struct{})
	}
}

// ask notes that the server has sent PUBREL for an id that is in the offset.
func (x *exact) ask(id uint16, generation uint64) {
	if _, again := x.asked[id]; !again {
		x.due = append(x.due, id)
	}
	x.asked[id] = generation
}

// take returns what has changed since the last call; false for nothing.
func (x *exact) take() (release, bool) {
	if len(x.due) == 0 && !x.fresh {
		return release{}, false
	}
	x.taken++
	r := release{ids: x.due, since: x.since, fresh: x.fresh, tag: releaseTag | x.taken}
	x.due, x.fresh = nil, false
	x.under = append(x.under, r)
	return r, true
}

// committed ends the first release that was taken.
func (x *exact) committed() release {
	r := x.under[0]
	x.under = x.under[1:]
	if later := slices.ContainsFunc(x.under, func(r release) bool { return r.fresh }); r.fresh && !x.fresh && !later {
		close(x.emptied)
		x.emptied = nil
	}
	return r
}

// takeRelease returns what has changed in the session beside messages; false for nothing, as always without exactly-once.
func (s *subscriber) takeRelease() (release, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.exact == nil {
		return release{}, false
	}
	return s.exact.take()
}

// releaseDue reports whether there is something to take.
func (s *subscriber) releaseDue() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.exact != nil && (len(s.exact.due) > 0 || s.exact.fresh)
}

// released answers PUBREL where the offset without the ids is committed.
func (s *subscriber) released() {
	r := s.exact.committed()
	if r.since != s.exact.since {
		return
	}
	s.acks = s.acks[:0]
	for _, id := range r.ids {
		delete(s.received, id)
		if s.exact.asked[id] == s.generation && s.conn != nil {
			s.acks = appendAck(s.acks, packets.PUBCOMP, id)
		}
		delete(s.exact.asked, id)
	}
	if len(s.acks) > 0 {
		s.conn.put(s.acks)
	}
}

// awaitEmptied waits until the offset of a session that was lost is no longer stored.
func (s *subscriber) awaitEmptied(ctx context.Context) error {
	s.mu.Lock()
	var emptied chan struct{}
	if s.exact != nil {
		emptied = s.exact.emptied
	}
	s.mu.Unlock()
	if emptied == nil {
		return nil
	}
	select {
	case <-emptied:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for the offset of the lost session to be emptied: %w", ctx.Err())
	}
}

// receivedName is the offset's member that names the deliveries, each in deliveryBytes.
const (
	receivedName  = "received"
	deliveryBytes = 14 // base64 of packet id and hash
)

// parseReceived reads the deliveries of a stored offset. Of one id the last counts.
func parseReceived(at connect.Offset) (map[uint16]uint64, error) {
	received := map[uint16]uint64{}
	text := at.Get(receivedName)
	if text.Kind() != connect.KindString {
		return received, nil
	}
	for rest := text.Str(); rest != ""; rest = rest[deliveryBytes:] {
		var raw [10]byte
		if len(rest) < deliveryBytes {
			return nil, fmt.Errorf("the stored offset's member %q is cut: reset the connector's offsets", receivedName)
		}
		if _, err := base64.RawStdEncoding.Decode(raw[:], []byte(rest[:deliveryBytes])); err != nil {
			return nil, fmt.Errorf("the stored offset's member %q is not readable: reset the connector's offsets: %w", receivedName, err)
		}
		received[binary.BigEndian.Uint16(raw[:])] = binary.BigEndian.Uint64(raw[2:])
	}
	return received, nil
}

// journal makes the source offsets of an exactly-once task, in the order of Poll. It belongs to the task's goroutine.
type journal struct {
	fixed []connect.Attr // members beside the deliveries
	since uint64         // the generation in which the session began; messages of earlier ones are not the session's
	live  map[uint16]uint64
	text  strings.Builder // all that is live, and then what a Poll adds: offsets share it
	attrs []connect.Attr  // room for the members of offsets
}

// begin starts a Poll of at most n messages.
func (j *journal) begin(r release, n int) {
	if r.fresh {
		clear(j.live)
		j.since = r.since
	}
	for _, id := range r.ids {
		delete(j.live, id)
	}
	j.text = strings.Builder{}
	j.text.Grow(deliveryBytes * (len(j.live) + n))
	for id, hash := range j.live {
		j.write(id, hash)
	}
	j.attrs = make([]connect.Attr, 0, (n+1)*(len(j.fixed)+1))
}

func (j *journal) write(id uint16, hash uint64) {
	var raw [10]byte
	var text [deliveryBytes]byte
	binary.BigEndian.PutUint16(raw[:], id)
	binary.BigEndian.PutUint64(raw[2:], hash)
	base64.RawStdEncoding.Encode(text[:], raw[:])
	j.text.Write(text[:])
}

// add notes a message that is about to be a record.
func (j *journal) add(m *message) {
	if m.pub.QoS != 2 || m.generation() < j.since {
		return
	}
	j.live[m.pub.PacketID] = m.hash
	j.write(m.pub.PacketID, m.hash)
}

// offset is the offset behind what has been added.
func (j *journal) offset() connect.Offset {
	from := len(j.attrs)
	j.attrs = append(append(j.attrs, j.fixed...), connect.Attr{Name: receivedName, Value: connect.String(j.text.String())})
	return connect.NewOffset(j.attrs[from:len(j.attrs):len(j.attrs)]...)
}
