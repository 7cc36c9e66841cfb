package testbed

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
)

// Proxy passes TCP connections on to a server, and can cut, refuse and stall them. Safe for concurrent use.
type Proxy struct {
	t      testing.TB
	addr   string
	target string
	tls    *tls.Config // for clients; nil for plain TCP

	control sync.Mutex // makes Cut, Refuse and Accept happen one after the other; taken before mu

	mu       sync.Mutex
	listener net.Listener // nil while connections are refused
	links    map[*link]struct{}
	gate     chan struct{} // closed while data flows
	work     sync.WaitGroup
}

// link is one connection of a client and its twin to the server. cut is closed when it is to end.
type link struct {
	client, server net.Conn
	cut            chan struct{}
	once           sync.Once
	done           chan struct{}
}

// StartProxy listens on a loopback port and passes each connection on to target, a host:port that need not listen yet.
func StartProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	return startProxy(t, target, nil)
}

func startProxy(t testing.TB, target string, secured *tls.Config) *Proxy {
	t.Helper()
	flowing := make(chan struct{})
	close(flowing)
	p := &Proxy{t: t, addr: loopback(FreePort(t)), target: target, tls: secured, links: map[*link]struct{}{}, gate: flowing}
	t.Cleanup(func() {
		p.Refuse()
		p.Cut()
		p.work.Wait()
	})
	p.Accept()
	return p
}

// Addr is the host:port that clients connect to.
func (p *Proxy) Addr() string { return p.addr }

// Cut closes every link whose client counts itself connected, and returns when not a byte more passes over them. A client
// that connects during the cut may be refused; afterwards all are welcome, unless the proxy refuses: see [Proxy.Refuse].
func (p *Proxy) Cut() {
	p.t.Helper()
	p.control.Lock()
	defer p.control.Unlock()
	// The system has connected clients that the proxy has not seen yet; closing the listener cuts those.
	listening := p.closeListener()
	p.mu.Lock()
	links := make([]*link, 0, len(p.links))
	for l := range p.links {
		links = append(links, l)
	}
	p.mu.Unlock()
	for _, l := range links {
		l.close()
		<-l.done
	}
	if listening {
		p.listen()
	}
}

// Refuse makes the system refuse new connections, as it does when no server runs. Present links stay.
func (p *Proxy) Refuse() {
	p.control.Lock()
	defer p.control.Unlock()
	p.closeListener()
}

// Accept takes connections again after [Proxy.Refuse].
func (p *Proxy) Accept() {
	p.t.Helper()
	p.control.Lock()
	defer p.control.Unlock()
	p.listen()
}

// closeListener returns whether there was one. No link is registered for a listener once it is closed.
func (p *Proxy) closeListener() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener == nil {
		return false
	}
	_ = p.listener.Close()
	p.listener = nil
	return true
}

func (p *Proxy) listen() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		return
	}
	listener, err := net.Listen("tcp", p.addr)
	if err != nil {
		p.t.Fatalf("starting %v: %v", p, err)
	}
	if p.tls != nil {
		listener = tls.NewListener(listener, p.tls)
	}
	p.listener = listener
	p.work.Go(func() { p.serve(listener) })
}

// Stall holds back all data in both directions, without closing anything, until [Proxy.Flow]: a network that swallows
// packets. New connections are accepted and stall too.
func (p *Proxy) Stall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.gate:
		p.gate = make(chan struct{})
	default:
	}
}

// Flow lets data pass again, held back data first.
func (p *Proxy) Flow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.gate:
	default:
		close(p.gate)
	}
}

// Links is how many connections pass through just now.
func (p *Proxy) Links() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// serve ends when the listener is closed. A connection accepted just before is dropped by register.
func (p *Proxy) serve(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		l := &link{client: client, server: server, cut: make(chan struct{}), done: make(chan struct{})}
		if !p.register(l, listener) {
			l.close()
		}
	}
}

// register begins to pass data over the link, unless its listener has been closed meanwhile.
func (p *Proxy) register(l *link, listener net.Listener) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != listener {
		return false
	}
	p.links[l] = struct{}{}
	p.work.Go(func() { p.run(l) })
	return true
}

// run passes data in both directions until both have ended.
func (p *Proxy) run(l *link) {
	defer close(l.done)
	defer l.close()
	var directions sync.WaitGroup
	directions.Go(func() { p.pass(l, l.server, l.client) })
	directions.Go(func() { p.pass(l, l.client, l.server) })
	directions.Wait()
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
}

// pass copies one direction. The end of one side's data is passed on as such; an error ends the whole link.
func (p *Proxy) pass(l *link, to, from net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if !p.open(l) {
				return
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				l.close()
				return
			}
		}
		if err == io.EOF {
			// The end waits its turn like data does: a stalled network tells nobody that the other side is gone.
			if half, ok := to.(interface{ CloseWrite() error }); ok && p.open(l) {
				_ = half.CloseWrite()
			}
			return
		}
		if err != nil {
			l.close()
			return
		}
	}
}

// open waits while data is held back; false says that the link has been cut.
func (p *Proxy) open(l *link) bool {
	p.mu.Lock()
	gate := p.gate
	p.mu.Unlock()
	select {
	case <-l.cut:
		return false
	default:
	}
	select {
	case <-gate:
		return true
	case <-l.cut:
		return false
	}
}

// close ends both sides at once; what was under way in a buffer is lost, as when a cable is pulled.
func (l *link) close() {
	l.once.Do(func() {
		close(l.cut)
		_ = l.client.Close()
		_ = l.server.Close()
	})
}

// String names both ends.
func (p *Proxy) String() string { return fmt.Sprintf("proxy %s -> %s", p.addr, p.target) }
