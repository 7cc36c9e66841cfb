package mqtt

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.golang/packets"
)

const (
	// gatherTime is the least time between two writes to the socket. A write after a longer silence goes out at once.
	gatherTime = 500 * time.Microsecond
	// closeGrace is how long the last packets may take to leave when the connection closes.
	closeGrace = time.Second
	// keepOut is the largest gathering buffer that is kept for the next round.
	keepOut = 1 << 20
)

var errConnClosed = errors.New("connection closed")

// conn is a connection as paho.golang gets it. It reads the socket in large pieces, out of which the owner gets messages and their answers, and
// paho the other packets. It gathers writes, which one goroutine sends, so that a writer never waits for the network: the reader may answer while
// the broker does not read.
//
// It implements sync.Locker because paho's packets lock the writer for the length of one packet; Write is called under that lock.
type conn struct {
	net.Conn
	owner owner
	gate  gate // the owner's; nil holds nothing back
	in    stream
	end   func(error) // asks the link to end this connection, with the reason

	paused  atomic.Bool
	resumed atomic.Int64 // unix nanoseconds of the end of the last pause
	heard   atomic.Int64 // unix nanoseconds of the last read of the socket

	mu    sync.Mutex
	out   []byte // packets waiting to be sent
	spare []byte // the other buffer, while the sender does not use it
	err   error  // why nothing can be sent any more

	wake      chan struct{} // capacity 1: out has something
	closing   chan struct{}
	closeOnce sync.Once
	sent      chan struct{} // closed when the sender has ended and the socket is closed
}

// gate holds back the reader while its owner has no room.
type gate interface {
	// open reports whether reading may go on.
	open() bool
	// wait returns when reading may go on, or when quit closes.
	wait(quit <-chan struct{})
}

// owner is who a connection is for.
type owner interface {
	flow
	// gate holds back reading; nil never does.
	gate() gate
	// drained is called, from a goroutine of the connection, each time that it has written what there was.
	drained()
	// suspended is nil while the owner may write. Else nothing is written before the channel is closed.
	suspended() <-chan struct{}
}

// newConn wraps a connected socket and starts its sender, which ends with Close. Payloads longer than most bytes are not taken.
func newConn(socket net.Conn, o owner, most int, end func(error)) *conn {
	c := &conn{
		Conn: socket, owner: o, gate: o.gate(), end: end,
		wake: make(chan struct{}, 1), closing: make(chan struct{}), sent: make(chan struct{}),
	}
	c.in = stream{c: c, most: most, atOnce: messagesAtOnce}
	c.heard.Store(time.Now().UnixNano())
	go c.send()
	return c
}

// announce notes what CONNECT has promised to the server.
func (c *conn) announce(p *packets.Properties) {
	if p != nil && p.TopicAliasMaximum != nil {
		c.in.decoder.aliases = make([]string, *p.TopicAliasMaximum)
	}
}

// speak3 has the connection read MQTT 3.1.1. It is called before the first packet is read.
func (c *conn) speak3() { c.in.decoder.plain = true }

// receive reads the socket and notes when, which is the time of arrival of all that the read brought.
func (c *conn) receive(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.heard.Store(time.Now().UnixNano())
	return n, err
}

// hold waits while the gate is shut.
func (c *conn) hold() {
	if c.gate != nil && !c.gate.open() {
		c.paused.Store(true)
		c.gate.wait(c.closing)
		c.resumed.Store(time.Now().UnixNano())
		c.paused.Store(false)
	}
}

// Read brings paho what the owner does not take.
func (c *conn) Read(p []byte) (int, error) { return c.in.Read(p) }

// listeningSince is from when on silence counts against the broker: from start, from the end of the last pause, or, while
// reading is paused, from now.
func (c *conn) listeningSince(start time.Time) time.Time {
	if c.paused.Load() {
		return time.Now()
	}
	if r := time.Unix(0, c.resumed.Load()); r.After(start) {
		return r
	}
	return start
}

// heardAt is when the socket was last read.
func (c *conn) heardAt() time.Time { return time.Unix(0, c.heard.Load()) }

// Lock begins a packet.
func (c *conn) Lock() { c.mu.Lock() }

// Unlock ends a packet and lets the sender know.
func (c *conn) Unlock() {
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Write adds to the packet begun with Lock. It never waits; an error means that the connection is lost.
func (c *conn) Write(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	c.out = append(c.out, p...)
	return len(p), nil
}

// put adds whole packets. What cannot be sent any more is lost with the connection: the reader ends it.
func (c *conn) put(p []byte) {
	c.Lock()
	defer c.Unlock()
	_, _ = c.Write(p)
}

// publish adds a message in the form of the protocol's version.
func (c *conn) publish(pub *packets.Publish) {
	c.put((&encoder{plain: c.in.decoder.plain}).publish(nil, pub))
}

// fill has more append packets to what waits to be sent. What cannot be sent any more is lost with the connection.
func (c *conn) fill(more func(out []byte) []byte) {
	c.mu.Lock()
	had := len(c.out)
	out := more(c.out)
	if c.err == nil {
		c.out = out
	}
	grown := len(c.out) > had
	c.mu.Unlock()
	if grown {
		signal(c.wake)
	}
}

// Close sends what is waiting, as far as it leaves within closeGrace, and closes the socket. It may be called by several
// goroutines; each returns when the socket is closed.
func (c *conn) Close() error {
	c.closeOnce.Do(func() {
		_ = c.Conn.SetWriteDeadline(time.Now().Add(closeGrace))
		close(c.closing)
	})
	<-c.sent
	return nil
}

// send is the goroutine that writes to the socket.
func (c *conn) send() {
	defer close(c.sent)
	defer c.Conn.Close()
	var last time.Time
	pause := time.NewTimer(time.Hour)
	defer pause.Stop()
	for {
		select {
		case <-c.wake:
		case <-c.closing:
			c.finish()
			return
		}
		if early := gatherTime - time.Since(last); early > 0 {
			pause.Reset(early)
			select {
			case <-pause.C:
			case <-c.closing:
			}
		}
		if !c.allowed() {
			c.finish()
			return
		}
		if err := c.writeOut(); err != nil {
			// The reader learns of it from the closed socket, unless it is held back; so the link is told.
			c.lose(err)
			_ = c.Conn.Close()
			if c.end != nil {
				c.end(fmt.Errorf("writing to the MQTT broker: %w", err))
			}
			<-c.closing
			return
		}
		last = time.Now()
		c.owner.drained()
	}
}

// allowed waits while the owner must not write; that time does not count against the broker. It returns false when the connection closes meanwhile.
func (c *conn) allowed() bool {
	resumed := c.owner.suspended()
	if resumed == nil {
		return true
	}
	c.paused.Store(true)
	defer func() {
		c.resumed.Store(time.Now().UnixNano())
		c.paused.Store(false)
	}()
	for ; resumed != nil; resumed = c.owner.suspended() {
		select {
		case <-resumed:
		case <-c.closing:
			return false
		}
	}
	return true
}

// finish sends the last packets, if the owner may write, and waits for the broker's end of the connection. A socket that is closed with bytes unread
// resets the connection, and the broker would lose the acknowledgements that it has not read yet.
func (c *conn) finish() {
	if c.owner.suspended() != nil {
		c.lose(errConnClosed)
		return
	}
	err := c.writeOut()
	c.lose(errConnClosed)
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if err != nil || !ok || half.CloseWrite() != nil {
		return
	}
	_ = c.Conn.SetReadDeadline(time.Now().Add(closeGrace))
	_, _ = io.Copy(io.Discard, c.Conn)
}

// writeOut sends what has been gathered.
func (c *conn) writeOut() error {
	c.mu.Lock()
	out := c.out
	c.out, c.spare = c.spare[:0], nil
	c.mu.Unlock()
	var err error
	if len(out) > 0 {
		_, err = c.Conn.Write(out)
	}
	if cap(out) <= keepOut {
		c.mu.Lock()
		c.spare = out[:0]
		c.mu.Unlock()
	}
	return err
}

// lose refuses further writes.
func (c *conn) lose(err error) {
	c.mu.Lock()
	c.err = err
	c.out = nil
	c.mu.Unlock()
}
