package certstore

import (
	"crypto/tls"

	"github.com/sluice-connect/sluice/connect/reread"
)

// identity is the own certificate of a client or server.
type identity struct {
	certs *reread.Value[[]tls.Certificate]
}

func (c Config) identity() (*identity, error) {
	certs, key := c.KeyStore, c.Key
	if !certs.Configured() { // one PEM file given as the key may hold the chain, too
		certs, key = key, Store{}
	}
	read := func() ([]tls.Certificate, error) { return pairUp(certs, key, c.KeyPassword) }
	value, err := reread.Of(read, c.tell(certs), certs.Location.Value, key.Location.Value)
	return &identity{value}, err
}

// forServer answers a client's hello.
func (i *identity) forServer(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	certs := i.certs.Current()
	for n := range certs {
		if hello.SupportsCertificate(&certs[n]) == nil {
			return &certs[n], nil
		}
	}
	return &certs[0], nil
}

// forClient answers a server's request. When nothing fits it offers its first certificate, so that the server's refusal says what is wrong.
func (i *identity) forClient(request *tls.CertificateRequestInfo) (*tls.Certificate, error) {
	certs := i.certs.Current()
	for n := range certs {
		if request.SupportsCertificate(&certs[n]) == nil {
			return &certs[n], nil
		}
	}
	return &certs[0], nil
}
