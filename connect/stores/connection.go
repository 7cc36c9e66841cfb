package stores

import (
	"context"
	"errors"
	"net"
	"sync"

	"github.com/IBM/sarama"
)

// connection is a client whose connections can be cut: sarama's own Close waits for the answers still to come, which from a
// frozen broker is half a minute.
type connection struct {
	sarama.Client
	dialer *dialer
	once   sync.Once // sarama's Close panics when it is called twice at once
}

// connect opens a client with connections of its own. ctx bounds the opening only.
func (k Kafka) connect(ctx context.Context) (*connection, error) {
	config := *k.Config
	d := newDialer(&config)
	config.Net.Proxy.Enable, config.Net.Proxy.Dialer = true, d
	config.Metadata.AllowAutoTopicCreation = false // such a topic would not be compacted
	stop := context.AfterFunc(ctx, d.cut)
	client, err := sarama.NewClient(k.Brokers, &config)
	if !stop() && err == nil {
		err = errors.Join(context.Cause(ctx), client.Close())
	}
	if err != nil {
		d.cut()
		return nil, err
	}
	return &connection{Client: client, dialer: d}, nil
}

// knowing tells a client what to learn about: one that deals with a single topic does well without all the others of the cluster, but
// sarama's admin cannot do without.
func (k Kafka) knowing(topics metadata) Kafka {
	config := *k.Config
	config.Metadata.Full = topics == everyTopic
	k.Config = &config
	return k
}

type metadata int

const (
	oneTopic metadata = iota
	everyTopic
)

// cut ends every request that is under way and lets no other begin. It may be called more than once, from several goroutines.
func (c *connection) cut() {
	c.once.Do(func() {
		c.dialer.cut()
		_ = c.Client.Close() // its only error says that it was closed before
	})
}

// dialer remembers its open connections. It is safe for concurrent use.
type dialer struct {
	dial  func(ctx context.Context, network, address string) (net.Conn, error)
	ended context.Context // of the dialer, not of a call: sarama's calls have none
	end   context.CancelFunc

	mu   sync.Mutex
	open map[*dialed]struct{}
}

type dialed struct {
	net.Conn
	dialer *dialer
}

// newDialer dials as sarama would with this configuration.
func newDialer(config *sarama.Config) *dialer {
	own := &net.Dialer{Timeout: config.Net.DialTimeout, KeepAlive: config.Net.KeepAlive, LocalAddr: config.Net.LocalAddr}
	d := &dialer{dial: own.DialContext, open: map[*dialed]struct{}{}}
	if config.Net.Proxy.Enable {
		d.dial = dialThrough(config.Net.Proxy.Dialer)
	}
	d.ended, d.end = context.WithCancel(context.Background())
	return d
}

// dialThrough uses a dialer's contexts if it knows them.
func dialThrough(proxy interface {
	Dial(network, address string) (net.Conn, error)
}) func(ctx context.Context, network, address string) (net.Conn, error) {
	if withContext, ok := proxy.(interface {
		DialContext(ctx context.Context, network, address string) (net.Conn, error)
	}); ok {
		return withContext.DialContext
	}
	return func(_ context.Context, network, address string) (net.Conn, error) {
		return proxy.Dial(network, address)
	}
}

// Dial opens a connection, or refuses once the dialer was cut.
func (d *dialer) Dial(network, address string) (net.Conn, error) {
	conn, err := d.dial(d.ended, network, address)
	if err != nil {
		return nil, err
	}
	c := &dialed{Conn: conn, dialer: d}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ended.Err() != nil {
		return nil, errors.Join(net.ErrClosed, conn.Close())
	}
	d.open[c] = struct{}{}
	return c, nil
}

func (d *dialer) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.end()
	for c := range d.open {
		_ = c.Conn.Close() // whoever reads from it sees the end
	}
	clear(d.open)
}

// Close forgets the connection and closes it.
func (c *dialed) Close() error {
	c.dialer.mu.Lock()
	delete(c.dialer.open, c)
	c.dialer.mu.Unlock()
	return c.Conn.Close()
}
