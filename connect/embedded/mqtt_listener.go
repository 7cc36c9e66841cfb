package embedded

import (
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/mochi-mqtt/server/v2/listeners"
)

// connectTimeout is how long a client has for its CONNECT packet; the broker itself would wait for ever.
const connectTimeout = 10 * time.Second

// mqttListener accepts connections as [mqttConn] and, unlike the broker's own listener, ends also those that never sent a
// CONNECT, so that closing the broker cannot hang on them.
type mqttListener struct {
	ln net.Listener

	mu    sync.Mutex
	conns map[*mqttConn]struct{} // nil once closed
	tasks sync.WaitGroup
}

func newMQTTListener(ln net.Listener) *mqttListener {
	return &mqttListener{ln: ln, conns: make(map[*mqttConn]struct{})}
}

// ID implements [listeners.Listener].
func (l *mqttListener) ID() string { return "tcp" }

// Address implements [listeners.Listener].
func (l *mqttListener) Address() string { return l.ln.Addr().String() }

// Protocol implements [listeners.Listener].
func (l *mqttListener) Protocol() string { return "tcp" }

// Init implements [listeners.Listener].
func (l *mqttListener) Init(*slog.Logger) error { return nil }

// Serve implements [listeners.Listener]: it accepts until the listener is closed.
func (l *mqttListener) Serve(establish listeners.EstablishFn) {
	for {
		nc, err := l.ln.Accept()
		if err != nil {
			return
		}
		c := newMQTTConn(nc)
		if !l.start(c, establish) {
			_ = nc.Close()
			return
		}
	}
}

// start runs the connection's two goroutines; false after Close.
func (l *mqttListener) start(c *mqttConn, establish listeners.EstablishFn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conns == nil {
		return false
	}
	l.conns[c] = struct{}{}
	l.tasks.Go(c.write)
	l.tasks.Go(func() {
		_ = c.SetDeadline(time.Now().Add(connectTimeout))
		_ = establish(l.ID(), c) // the broker has logged the error
		c.endAttach()
		_ = c.Close()
		l.mu.Lock()
		delete(l.conns, c)
		l.mu.Unlock()
	})
	return true
}

// Close implements [listeners.Listener]; it returns when all connections have ended.
func (l *mqttListener) Close(closeClients listeners.CloseFn) {
	closeClients(l.ID())
	_ = l.ln.Close()
	l.mu.Lock()
	open := l.conns
	l.conns = nil
	for c := range open {
		_ = c.Close()
	}
	l.mu.Unlock()
	l.tasks.Wait()
}
