package kafkaclient

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Dialer connects one client and can cut it off from Kafka. It is a dialer of golang.org/x/net/proxy, which is how sarama takes it.
// Safe for concurrent use.
type Dialer struct {
	hold    Hold // nil for none
	net     net.Dialer
	sockets socketSizes
	traffic Traffic                       // nil for nobody
	turns   atomic.Pointer[chan struct{}] // each write takes one; nil where none is needed

	mu    sync.Mutex
	conns map[*gatedConn]struct{}
	ended context.Context
	end   context.CancelFunc
}

// socketSizes are the kernel's buffer sizes in bytes; 0 leaves them to the kernel.
type socketSizes struct{ send, receive int }

// Dialer makes a dialer with the socket settings of s whose connections obey hold; nil holds nothing back.
func (s *Settings) Dialer(hold Hold) *Dialer {
	d := &Dialer{hold: hold, conns: map[*gatedConn]struct{}{}, sockets: s.sockets, traffic: s.Traffic}
	d.net.Timeout = s.Sarama.Net.DialTimeout
	d.net.KeepAlive = s.Sarama.Net.KeepAlive
	d.ended, d.end = context.WithCancel(context.Background())
	return d
}

// Dial implements proxy.Dialer.
func (d *Dialer) Dial(network, addr string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, addr)
}

// DialContext implements proxy.ContextDialer. After Close it fails with [net.ErrClosed].
func (d *Dialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(d.ended, cancel)()
	conn, err := d.net.DialContext(ctx, network, addr)
	if d.ended.Err() != nil {
		if err == nil {
			_ = conn.Close()
		}
		return nil, fmt.Errorf("dialling %s: %w", addr, net.ErrClosed)
	}
	if err != nil {
		return nil, err
	}
	d.sockets.apply(conn)
	if d.traffic != nil {
		conn = watched{conn, d.traffic}
		d.traffic.Connected()
	}
	c := &gatedConn{Conn: conn, dialer: d, closed: make(chan struct{})}
	d.mu.Lock()
	if d.conns != nil {
		d.conns[c] = struct{}{}
	}
	ended := d.conns == nil
	d.mu.Unlock()
	if ended {
		_ = c.Close()
		return nil, fmt.Errorf("dialling %s: %w", addr, net.ErrClosed)
	}
	return c, nil
}

// Traffic is told what passes a client's connections. It is called from many goroutines.
type Traffic interface {
	Connected()
	Disconnected()
	// Sent and Received tell of one write and one read that took or gave so many bytes.
	Sent(bytes int)
	Received(bytes int)
}

// watched is a connection that tells of its traffic.
type watched struct {
	net.Conn
	traffic Traffic
}

func (w watched) Write(p []byte) (int, error) {
	n, err := w.Conn.Write(p)
	w.traffic.Sent(n)
	return n, err
}

func (w watched) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.traffic.Received(n)
	return n, err
}

func (w watched) Close() error {
	w.traffic.Disconnected()
	return w.Conn.Close()
}

// apply is best effort, as in Java: the kernel has its own limits.
func (s socketSizes) apply(conn net.Conn) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	if s.send > 0 {
		_ = tcp.SetWriteBuffer(s.send)
	}
	if s.receive > 0 {
		_ = tcp.SetReadBuffer(s.receive)
	}
}

// Close cuts all connections, wakes who is held back, and makes dialling fail. It may be called more than once.
func (d *Dialer) Close() {
	d.end()
	d.mu.Lock()
	conns := d.conns
	d.conns = nil
	d.mu.Unlock()
	for c := range conns {
		_ = c.Close()
	}
}

// Local is the address that one of the connections speaks from; nil without connections.
func (d *Dialer) Local() net.Addr {
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.conns {
		return c.LocalAddr()
	}
	return nil
}

func (d *Dialer) forget(c *gatedConn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.conns, c)
}

// gatedConn is a connection whose writes obey the hold. Writes come one at a time, as sarama and crypto/tls make them.
type gatedConn struct {
	net.Conn
	dialer *Dialer
	once   sync.Once
	closed chan struct{}

	mu        sync.Mutex
	allowance time.Duration // for a write, counted from its deadline's setting; 0: no deadline
}

func (c *gatedConn) Write(p []byte) (int, error) {
	if hold := c.dialer.hold; hold != nil {
		if resumed := hold(); resumed != nil {
			if err := c.wait(hold, resumed); err != nil {
				return 0, err
			}
		}
	}
	if turns := c.dialer.turns.Load(); turns != nil {
		select {
		case <-*turns:
		case <-c.closed:
			return 0, net.ErrClosed
		}
	}
	return c.Conn.Write(p)
}

// wait returns when nothing holds writes back. That time does not count against the write's deadline.
func (c *gatedConn) wait(hold Hold, resumed <-chan struct{}) error {
	for ; resumed != nil; resumed = hold() {
		select {
		case <-resumed:
		case <-c.closed:
			return net.ErrClosed
		}
	}
	c.mu.Lock()
	allowance := c.allowance
	c.mu.Unlock()
	if allowance > 0 {
		return c.Conn.SetWriteDeadline(time.Now().Add(allowance))
	}
	return nil
}

// SetWriteDeadline implements [net.Conn].
func (c *gatedConn) SetWriteDeadline(t time.Time) error {
	c.allow(t)
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline implements [net.Conn].
func (c *gatedConn) SetDeadline(t time.Time) error {
	c.allow(t)
	return c.Conn.SetDeadline(t)
}

func (c *gatedConn) allow(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.IsZero() {
		c.allowance = 0
		return
	}
	c.allowance = max(time.Until(t), 1)
}

// Close implements [net.Conn]. Who is held back gets [net.ErrClosed].
func (c *gatedConn) Close() error {
	err := net.ErrClosed
	c.once.Do(func() {
		close(c.closed)
		c.dialer.forget(c)
		err = c.Conn.Close()
	})
	return err
}
