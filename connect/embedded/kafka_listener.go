package embedded

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// maxRequest is Kafka's socket.request.max.bytes.
const maxRequest = 100 << 20

// kafkaListener stands between the network and the broker. It accepts only after the broker is complete, and its
// connections let nothing through that is not a Kafka request.
type kafkaListener struct {
	net.Listener
	ready  chan struct{}
	closed chan struct{}

	mu    sync.Mutex // orders conns.Add before conns.Wait
	ended bool
	conns sync.WaitGroup
}

func newKafkaListener(ln net.Listener) *kafkaListener {
	return &kafkaListener{Listener: ln, ready: make(chan struct{}), closed: make(chan struct{})}
}

func (l *kafkaListener) open() { close(l.ready) }

// wait returns when all connections are closed.
func (l *kafkaListener) wait() { l.conns.Wait() }

// Accept implements [net.Listener].
func (l *kafkaListener) Accept() (net.Conn, error) {
	select {
	case <-l.ready:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	l.conns.Add(1)
	return &kafkaConn{Conn: conn, in: bufio.NewReaderSize(conn, 64<<10), gone: l.conns.Done}, nil
}

// Close implements [net.Listener].
func (l *kafkaListener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return nil
	}
	l.ended = true
	close(l.closed)
	return l.Listener.Close()
}

// Addr is what the broker advertises. An unspecified address (0.0.0.0) is none a client can use, so loopback stands in.
func (l *kafkaListener) Addr() net.Addr {
	addr, ok := l.Listener.Addr().(*net.TCPAddr)
	if !ok || !addr.IP.IsUnspecified() {
		return l.Listener.Addr()
	}
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: addr.Port}
}

func (l *kafkaListener) hostPort() (string, int32) {
	host, port, _ := net.SplitHostPort(l.Addr().String())
	n, _ := strconv.Atoi(port)
	return host, int32(n)
}

var errNotKafka = errors.New("not a Kafka request")

// kafkaConn checks the head of each request. The broker believes it: a browser or a port scanner would have it reserve a
// gigabyte, and an API key it does not know would end the whole process by a nil pointer.
type kafkaConn struct {
	net.Conn
	in   *bufio.Reader
	left int // bytes of the current request not yet read
	once sync.Once
	gone func()
}

// Read implements [net.Conn].
func (c *kafkaConn) Read(p []byte) (int, error) {
	if c.left == 0 {
		if err := c.head(); err != nil {
			return 0, err
		}
	}
	if len(p) > c.left {
		p = p[:c.left]
	}
	n, err := c.in.Read(p)
	c.left -= n
	return n, err
}

// head checks the size and the API key of the next request without taking them.
func (c *kafkaConn) head() error {
	const headLen = 4 + 2 + 2 + 4 // size, API key, API version, correlation id
	h, err := c.in.Peek(headLen)
	if err != nil {
		return err
	}
	size, key := int64(binary.BigEndian.Uint32(h)), int16(binary.BigEndian.Uint16(h[4:]))
	if size < headLen-4 || size > maxRequest {
		return fmt.Errorf("%w: size %d", errNotKafka, size)
	}
	if kmsg.RequestForKey(key) == nil {
		return fmt.Errorf("%w: API key %d", errNotKafka, key)
	}
	c.left = 4 + int(size)
	return nil
}

// Close implements [net.Conn].
func (c *kafkaConn) Close() error {
	c.once.Do(c.gone)
	return c.Conn.Close()
}
