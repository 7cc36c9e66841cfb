package certstore

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"

	"github.com/sluice-connect/sluice/connect/reread"
)

// Dialer makes the TLS configurations of a client's connections: the trusted certificates, too, are read again after their files changed. It is safe
// for concurrent use.
type Dialer struct {
	fixed    *tls.Config
	trusting *reread.Value[*tls.Config] // nil where the system's roots are trusted
}

// Dialer reads the stores now, so that mistakes show before the first connection.
func (c Config) Dialer() (*Dialer, error) {
	client, err := c.Client()
	if err != nil {
		return nil, err
	}
	d := &Dialer{fixed: client}
	if c.TrustStore.Configured() {
		d.trusting, err = c.trusting(client, func(of *tls.Config, pool *x509.CertPool) {
			of.RootCAs = pool
			if c.AnyName {
				anyName(of)
			}
		})
	}
	return d, err
}

// Config is that of the next connection, to a server of this name unless one is configured. It is the caller's.
func (d *Dialer) Config(server string) *tls.Config {
	config := d.fixed
	if d.trusting != nil {
		config = d.trusting.Current()
	}
	config = config.Clone()
	config.ServerName = cmp.Or(config.ServerName, server)
	return config
}

// trusting is a configuration with the trusted certificates as they are in their store at present.
func (c Config) trusting(base *tls.Config, put func(*tls.Config, *x509.CertPool)) (*reread.Value[*tls.Config], error) {
	return reread.Of(func() (*tls.Config, error) {
		pool, err := c.TrustStore.Pool()
		if err != nil {
			return nil, err
		}
		config := base.Clone()
		put(config, pool)
		return config, nil
	}, c.tell(c.TrustStore), c.TrustStore.Location.Value)
}

// tell says what became of a store whose files have changed.
func (c Config) tell(s Store) func(error) {
	return func(err error) {
		switch key := s.origin().Key; {
		case c.Log == nil:
		case err != nil:
			c.Log.Error("certificates have changed and cannot be used: those before stay", "key", key, "error", err)
		default:
			c.Log.Info("certificates have changed and are in use", "key", key, "file", s.Location.Value)
		}
	}
}
