package certstore

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// Config is what Java calls the SSL settings of a client or server. The zero value is TLS 1.2 or newer with the system's roots and
// without a certificate of its own.
type Config struct {
	// TrustStore holds the certificates to trust. None: those of the system.
	TrustStore Store
	// KeyStore holds the own certificate chain and, unless Key is given, its private key.
	KeyStore Store
	// Key holds the private key in a place of its own.
	Key Store
	// KeyPassword opens the private key where it differs from the store's password.
	KeyPassword Setting
	// Protocols are Java's names of TLS versions separated by commas; all from the lowest to the highest named are used. Default
	// TLSv1.2,TLSv1.3.
	Protocols Setting
	// CipherSuites are names of the IANA registry (Java's names) separated by commas. Go does not let those of TLS 1.3 be chosen: they
	// are accepted and always on.
	CipherSuites Setting
	// AnyName turns the check of the server's name off (Java: an empty endpoint identification algorithm). Its chain is still verified.
	AnyName bool
	// ServerName is sent to the server and, unless AnyName, must be in its certificate. Empty: the caller's dialer sets it.
	ServerName string
	// ALPN lists the protocols to offer, best first.
	ALPN []string
	// Log is told of files that have changed, and of those that cannot be used. Nil tells nobody.
	Log *slog.Logger
}

// Client builds the configuration of a client. Stores are read now, so that mistakes show before the first connection; the own
// certificate is read again at handshakes after its files changed.
func (c Config) Client() (*tls.Config, error) {
	out, err := c.base()
	if err != nil {
		return nil, err
	}
	out.ServerName = c.ServerName
	if c.TrustStore.Configured() {
		if out.RootCAs, err = c.TrustStore.Pool(); err != nil {
			return nil, err
		}
	}
	if c.KeyStore.Configured() || c.Key.Configured() {
		own, err := c.identity()
		if err != nil {
			return nil, err
		}
		out.GetClientCertificate = own.forClient
	}
	if c.AnyName {
		anyName(out)
	}
	return out, nil
}

// Server builds the configuration of a server that treats client certificates as auth says. The own certificate and the trusted ones are read again
// at handshakes after their files changed.
func (c Config) Server(auth tls.ClientAuthType) (*tls.Config, error) {
	if !c.KeyStore.Configured() && !c.Key.Configured() {
		return nil, &Error{Key: c.KeyStore.Location.Key, Cause: errors.New("a server needs a certificate and its key: name a PEM, PKCS12 or JKS file")}
	}
	out, err := c.base()
	if err != nil {
		return nil, err
	}
	own, err := c.identity()
	if err != nil {
		return nil, err
	}
	out.GetCertificate = own.forServer
	out.ClientAuth = auth
	if c.TrustStore.Configured() {
		clients, err := c.trusting(out, func(of *tls.Config, pool *x509.CertPool) { of.ClientCAs = pool })
		if err != nil {
			return nil, err
		}
		out = out.Clone()
		out.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return clients.Current(), nil }
	}
	return out, nil
}

func (c Config) base() (*tls.Config, error) {
	out := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: c.ALPN}
	var err error
	if out.MinVersion, out.MaxVersion, err = versions(c.Protocols); err != nil {
		return nil, err
	}
	if out.CipherSuites, err = suites(c.CipherSuites); err != nil {
		return nil, err
	}
	return out, nil
}

// anyName verifies the chain but not the name. Go has no switch for that, only one that turns both off.
func anyName(c *tls.Config) {
	roots := c.RootCAs
	c.InsecureSkipVerify = true
	c.VerifyConnection = func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 {
			return errors.New("the server sent no certificate")
		}
		above := x509.NewCertPool()
		for _, cert := range state.PeerCertificates[1:] {
			above.AddCert(cert)
		}
		_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: above})
		if err != nil {
			return &tls.CertificateVerificationError{UnverifiedCertificates: state.PeerCertificates, Err: err}
		}
		return nil
	}
}

var versionNames = map[string]uint16{
	"TLSV1": tls.VersionTLS10, "TLSV1.0": tls.VersionTLS10, "TLSV1.1": tls.VersionTLS11, "TLSV1.2": tls.VersionTLS12, "TLSV1.3": tls.VersionTLS13,
}

// versions are the lowest and the highest of those named.
func versions(s Setting) (low, high uint16, err error) {
	for name := range fields(s.Value) {
		v, ok := versionNames[strings.ToUpper(name)]
		if !ok {
			return 0, 0, &Error{Key: s.Key, Cause: fmt.Errorf("unknown protocol %q: use TLSv1.2 or TLSv1.3", name)}
		}
		if low == 0 || v < low {
			low = v
		}
		high = max(high, v)
	}
	if low == 0 {
		return tls.VersionTLS12, 0, nil
	}
	return low, high, nil
}

func suites(s Setting) ([]uint16, error) {
	var out []uint16
	for name := range fields(s.Value) {
		id, ok := suite(name)
		if !ok {
			return nil, &Error{Key: s.Key, Cause: fmt.Errorf("unknown or unsafe cipher suite %q", name)}
		}
		out = append(out, id)
	}
	return out, nil
}

func suite(name string) (uint16, bool) {
	for _, s := range tls.CipherSuites() {
		if s.Name == name {
			return s.ID, true
		}
	}
	return 0, false
}

// fields are the elements of a comma-separated list, trimmed, empty ones left out.
func fields(list string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for f := range strings.SplitSeq(list, ",") {
			if f = strings.TrimSpace(f); f != "" && !yield(f) {
				return
			}
		}
	}
}
