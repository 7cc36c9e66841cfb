package api

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"
	"syscall"

	"github.com/sluice-connect/sluice/connect/certstore"
)

// TLS is how https listeners serve.
type TLS struct {
	Stores     certstore.Config
	ClientAuth tls.ClientAuthType
}

// listener is a bound address.
type listener struct {
	net.Listener
	secure bool
	host   string // as configured; "" for every interface
}

func (l listener) scheme() string {
	if l.secure {
		return "https"
	}
	return "http"
}

func (l listener) port() int { return l.Addr().(*net.TCPAddr).Port }

// loopback reports whether only this machine reaches the listener.
func (l listener) loopback() bool { return l.Addr().(*net.TCPAddr).IP.IsLoopback() }

// PortInUseError says that somebody else listens where REST was to.
type PortInUseError struct {
	Host, Port string
	Key        string // listeners or admin.listeners
	Listener   string // as configured
}

func (e *PortInUseError) Error() string {
	return fmt.Sprintf("port %s on %s is in use: change %s (now %s)", e.Port, e.Host, e.Key, e.Listener)
}

// listenerForm is RestServer's.
var listenerForm = regexp.MustCompile(`^(.*)://\[?([0-9a-zA-Z\-%._:]*)]?:(-?[0-9]+)$`)

// bindAll binds the listeners that a key names. What it returns is bound, also beside an error. The certificates are read when the first https listener
// wants them.
func bindAll(key string, configured []string, settings TLS) (all []listener, err error) {
	var secure *tls.Config
	for _, text := range configured {
		parts := listenerForm.FindStringSubmatch(strings.TrimSpace(text))
		if parts == nil {
			return all, fmt.Errorf("%s: %q doesn't have the right format (protocol://hostname:port)", key, text)
		}
		l := listener{host: parts[2], secure: strings.EqualFold(parts[1], "https")}
		if !l.secure && !strings.EqualFold(parts[1], "http") {
			return all, fmt.Errorf(`%s: %q: Listener protocol must be either "http" or "https"`, key, text)
		}
		if l.secure && secure == nil {
			if secure, err = settings.Stores.Server(settings.ClientAuth); err != nil {
				return all, fmt.Errorf("reading the TLS settings of %s: %w", key, err)
			}
			secure.NextProtos = []string{"http/1.1"}
		}
		if l.Listener, err = net.Listen("tcp", net.JoinHostPort(l.host, parts[3])); err != nil {
			return all, bindError(err, key, text, l.host, parts[3])
		}
		if l.secure {
			l.Listener = tls.NewListener(l.Listener, secure)
		}
		all = append(all, l)
	}
	return all, nil
}

func bindError(err error, key, configured, host, port string) error {
	if !errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("listening on %s: %w: change %s", configured, err, key)
	}
	if host == "" {
		host = "all interfaces"
	}
	return &PortInUseError{Host: host, Port: port, Key: key, Listener: configured}
}
