package testbed

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"software.sslmate.com/src/go-pkcs12"
)

// Identity is a certificate for this machine that vouches for itself, valid for a day, in files as Sluice and Java read them.
type Identity struct {
	PEM           string // certificate and key
	Trusted       string // the certificate alone, as PEM
	PKCS12        string // certificate and key, for Java
	TrustedPKCS12 string // the certificate alone, for Java
	Password      string // of the PKCS12 stores
	TLS           tls.Certificate
}

// NewIdentity makes one.
func NewIdentity(t testing.TB) *Identity {
	t.Helper()
	served, trusted := certificate(t)
	dir := filepath.Dir(trusted)
	i := &Identity{
		PEM: filepath.Join(dir, "own.pem"), Trusted: trusted, PKCS12: filepath.Join(dir, "own.p12"), TrustedPKCS12: filepath.Join(dir, "trusted.p12"),
		Password: "changeit-" + filepath.Base(dir), TLS: served,
	}
	must := func(data []byte, err error) []byte {
		if err != nil {
			t.Fatalf("making an identity: %v", err)
		}
		return data
	}
	leaf, err := x509.ParseCertificate(served.Certificate[0])
	must(nil, err)
	key := must(x509.MarshalPKCS8PrivateKey(served.PrivateKey))
	own := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
	for path, data := range map[string][]byte{
		i.PEM:           own,
		i.PKCS12:        must(pkcs12.Modern.Encode(served.PrivateKey, leaf, nil, i.Password)),
		i.TrustedPKCS12: must(pkcs12.Modern.EncodeTrustStore([]*x509.Certificate{leaf}, i.Password)),
	} {
		must(nil, os.WriteFile(path, data, 0o600))
	}
	return i
}

// Client is the TLS of a client that shows this identity and trusts the given ones.
func (i *Identity) Client(trusted ...*Identity) *tls.Config {
	roots := x509.NewCertPool()
	for _, other := range trusted {
		if leaf, err := x509.ParseCertificate(other.TLS.Certificate[0]); err == nil {
			roots.AddCert(leaf)
		}
	}
	return &tls.Config{Certificates: []tls.Certificate{i.TLS}, RootCAs: roots}
}
