// Package api is the REST API of Kafka Connect over a [Herder]: paths, bodies, codes and messages as Java's worker has them. It decides nothing
// and knows no Kafka.
package api

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/sluice-connect/sluice/connect/logging"
)

// Config says where the API listens and what it tells other workers.
type Config struct {
	Listeners          []string // http://host:port or https://host:port; an empty host is every interface, port 0 any free one
	AdvertisedHost     string   // rest.advertised.host.name; "" for the advertised listener's
	AdvertisedPort     int      // rest.advertised.port; 0 for the advertised listener's
	AdvertisedListener string   // rest.advertised.listener: http or https; "" for http where there is such a listener
	// AdminApart has /admin on AdminListeners alone, nowhere where there is none, and not on Listeners. Nobody has to log in there, as in Java.
	AdminApart     bool
	AdminListeners []string
	TLS, AdminTLS  TLS
	Peers          *Peers   // carries requests to other workers
	Login          *Login   // who may use Listeners; nil for everybody
	Origins        *Origins // whose pages' scripts may ask; nil for none of other servers
	// Headers adds to the headers of every answer on Listeners; nil for none.
	Headers func(http.Header)
	Levels  *logging.Levels // what /admin/loggers shows and changes
	Log     *slog.Logger
}

// Server is the API's listeners. They are bound before the herder exists, because a worker's name is its address; until Serve connections wait.
type Server struct {
	config              Config
	listeners, admin    []listener
	server, adminServer *http.Server
	advertised, host    string // scheme and host
	port                int
}

// Bounds of one connection.
const (
	headerTimeout = 10 * time.Second // the TLS handshake's, too
	readTimeout   = 60 * time.Second
	writeTimeout  = 120 * time.Second // longer than any request may take
	idleTimeout   = 60 * time.Second
	headerBytes   = 64 << 10
)

// Listen binds the listeners and reads their certificates. The error names the listener and the key.
func Listen(config Config) (*Server, error) {
	s := &Server{config: config, server: newServer(config.Log), adminServer: newServer(config.Log)}
	var err, adminErr error
	if s.listeners, err = bindAll("listeners", config.Listeners, config.TLS); err == nil && config.AdminApart {
		s.admin, adminErr = bindAll("admin.listeners", config.AdminListeners, config.AdminTLS)
	}
	if err == nil && len(s.listeners) == 0 {
		err = errors.New("listeners: it names no listener: want http://host:port")
	}
	if err := errors.Join(err, adminErr); err != nil {
		return nil, errors.Join(err, s.closeListeners())
	}
	s.advertise()
	s.warn()
	return s, nil
}

func newServer(log *slog.Logger) *http.Server {
	return &http.Server{
		ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: headerBytes,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// advertise computes the address under which others find this worker, by RestServer.advertisedUrl. A listener that is advertised and not here is that of
// a proxy in front.
func (s *Server) advertise() {
	of := s.listeners[0]
	s.advertised = s.config.AdvertisedListener
	for _, scheme := range []string{"https", "http"} { // the last one counts
		for _, l := range s.listeners {
			if l.scheme() == scheme && (s.config.AdvertisedListener == "" || s.config.AdvertisedListener == scheme) {
				of, s.advertised = l, scheme
				break
			}
		}
	}
	s.host = cmp.Or(s.config.AdvertisedHost, of.host)
	s.port = cmp.Or(s.config.AdvertisedPort, of.port())
	if ip := net.ParseIP(s.host); s.host == "" || ip != nil && ip.IsUnspecified() {
		s.host = "localhost"
		if name, err := os.Hostname(); err == nil {
			s.host = name
		}
	}
}

// warn says which listeners are open to more than they should be.
func (s *Server) warn() {
	for _, l := range s.listeners {
		certified := l.secure && s.config.TLS.ClientAuth == tls.RequireAndVerifyClientCert
		switch {
		case l.loopback():
		case s.config.Login == nil && !certified:
			s.config.Log.Warn("REST listens on an address that others reach, and nobody has to log in: whoever reaches it reads and changes "+
				"every connector", "listener", l.Addr().String(), "key", "listeners", "fix", "rest.extension.classes, or listeners.https.ssl.client.auth=required")
		case s.config.Login != nil && !l.secure:
			s.config.Log.Warn("passwords cross the network in clear text: use https", "listener", l.Addr().String(), "key", "listeners")
		}
	}
	for _, l := range s.admin {
		certified := l.secure && s.config.AdminTLS.ClientAuth == tls.RequireAndVerifyClientCert
		if !l.loopback() && !certified {
			s.config.Log.Warn("/admin is on an address that others reach, and nobody has to log in there", "listener", l.Addr().String(), "key", "admin.listeners")
		}
	}
}

// URL is the advertised address, with a slash at its end.
func (s *Server) URL() string { return s.advertised + "://" + s.WorkerID() + "/" }

// WorkerID is host:port of the advertised address, the worker's name in statuses.
func (s *Server) WorkerID() string { return net.JoinHostPort(s.host, strconv.Itoa(s.port)) }

// Serve answers requests until Shutdown; then it returns nil. metrics may be nil.
func (s *Server) Serve(h Herder, metrics http.Handler) error {
	s.server.Handler, s.adminServer.Handler = s.config.handlers(h, metrics)
	failed := make(chan error)
	for server, listeners := range map[*http.Server][]listener{s.server: s.listeners, s.adminServer: s.admin} {
		for _, l := range listeners {
			go func() { failed <- server.Serve(l) }()
		}
	}
	var first error
	for range len(s.listeners) + len(s.admin) {
		if err := <-failed; !errors.Is(err, http.ErrServerClosed) && first == nil {
			first = err
			_ = s.server.Close() // the other listeners end too
			_ = s.adminServer.Close()
		}
	}
	return first
}

// Shutdown stops listening, waits for the requests under way until ctx ends, and makes Serve return, also one that is called later.
func (s *Server) Shutdown(ctx context.Context) error {
	if err := errors.Join(s.server.Shutdown(ctx), s.adminServer.Shutdown(ctx)); err != nil {
		return errors.Join(err, s.server.Close(), s.adminServer.Close())
	}
	return s.closeListeners()
}

func (s *Server) closeListeners() error {
	var errs []error
	for _, listeners := range [][]listener{s.listeners, s.admin} {
		for _, l := range listeners {
			if err := l.Close(); !errors.Is(err, net.ErrClosed) {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}
