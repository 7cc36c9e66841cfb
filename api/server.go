// Package api is the REST API of Kafka Connect over a [Herder]: paths, bodies, codes and messages as Java's worker has them. It decides nothing
// and knows no Kafka.
package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Config says where the API listens and what it tells other workers.
type Config struct {
	Listeners          []string // http://host:port; an empty host is every interface, port 0 any free one
	AdvertisedHost     string   // rest.advertised.host.name; "" for the first listener's
	AdvertisedPort     int      // rest.advertised.port; 0 for the first listener's
	AdvertisedListener string   // rest.advertised.listener: http; "" for the first listener's
	Log                *slog.Logger
}

// Server is the API's listeners. They are bound before the herder exists, because a worker's name is its address; until Serve connections wait.
type Server struct {
	config    Config
	listeners []net.Listener
	http      *http.Server
	host      string
	port      int
}

// Bounds of one connection.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = 60 * time.Second
	writeTimeout  = 120 * time.Second // longer than any request may take
	idleTimeout   = 60 * time.Second
)

// Listen binds the listeners. The error names the listener and the key.
func Listen(config Config) (*Server, error) {
	s := &Server{config: config, http: &http.Server{
		ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		ErrorLog: slog.NewLogLogger(config.Log.Handler(), slog.LevelDebug),
	}}
	if strings.EqualFold(config.AdvertisedListener, "https") {
		return nil, errors.New("rest.advertised.listener: this version serves http only: leave it out, or set it to http")
	}
	for _, listener := range config.Listeners {
		l, err := bind(listener)
		if err != nil {
			return nil, errors.Join(err, s.closeListeners())
		}
		s.listeners = append(s.listeners, l)
	}
	if len(s.listeners) == 0 {
		return nil, errors.New("listeners: it names no listener: want http://host:port")
	}
	s.advertise()
	return s, nil
}

// PortInUseError says that somebody else listens where REST was to.
type PortInUseError struct {
	Host, Port string
	Listener   string // as configured
}

func (e *PortInUseError) Error() string {
	return fmt.Sprintf("port %s on %s is in use: change listeners (now %s)", e.Port, e.Host, e.Listener)
}

func bind(listener string) (net.Listener, error) {
	u, err := url.Parse(strings.TrimSpace(listener))
	if err != nil || u.Host == "" || u.Port() == "" {
		return nil, fmt.Errorf("listeners: %q doesn't have the right format (protocol://hostname:port)", listener)
	}
	if !strings.EqualFold(u.Scheme, "http") {
		return nil, fmt.Errorf("listeners: %q: this version serves http only: put a proxy with TLS in front of a loopback listener", listener)
	}
	l, err := net.Listen("tcp", u.Host)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		host := u.Hostname()
		if host == "" {
			host = "all interfaces"
		}
		return nil, &PortInUseError{Host: host, Port: u.Port(), Listener: listener}
	case err != nil:
		return nil, fmt.Errorf("listening on %s: %w: change listeners", listener, err)
	}
	return l, nil
}

// advertise computes the address under which others find this worker.
func (s *Server) advertise() {
	addr := s.listeners[0].Addr().(*net.TCPAddr)
	s.host, s.port = s.config.AdvertisedHost, s.config.AdvertisedPort
	if s.port == 0 {
		s.port = addr.Port
	}
	if s.host == "" {
		s.host = addr.IP.String()
		if addr.IP.IsUnspecified() {
			s.host = "localhost"
			if name, err := os.Hostname(); err == nil {
				s.host = name
			}
		}
	}
	for _, l := range s.listeners {
		if a := l.Addr().(*net.TCPAddr); !a.IP.IsLoopback() {
			s.config.Log.Warn("REST listens on an address that others reach, and nobody has to log in: whoever reaches it reads and changes "+
				"every connector", "listener", a.String(), "key", "listeners")
		}
	}
}

// URL is the advertised address, with a slash at its end.
func (s *Server) URL() string { return "http://" + s.WorkerID() + "/" }

// WorkerID is host:port of the advertised address, the worker's name in statuses.
func (s *Server) WorkerID() string { return net.JoinHostPort(s.host, strconv.Itoa(s.port)) }

// Serve answers requests until Shutdown; then it returns nil. metrics may be nil.
func (s *Server) Serve(h Herder, metrics http.Handler) error {
	s.http.Handler = Handler(h, metrics, s.config.Log)
	failed := make(chan error, len(s.listeners))
	for _, l := range s.listeners {
		go func() { failed <- s.http.Serve(l) }()
	}
	var first error
	for range s.listeners {
		if err := <-failed; !errors.Is(err, http.ErrServerClosed) && first == nil {
			first = err
			_ = s.http.Close() // the other listeners end too
		}
	}
	return first
}

// Shutdown stops listening, waits for the requests under way until ctx ends, and makes Serve return, also one that is called later.
func (s *Server) Shutdown(ctx context.Context) error {
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(err, s.http.Close())
	}
	return s.closeListeners()
}

func (s *Server) closeListeners() error {
	var errs []error
	for _, l := range s.listeners {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
