package certstore

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// content is what a store holds, whatever its kind.
type content struct {
	trusted []*x509.Certificate // certificates without a key
	pairs   []pair
}

// pair is a key and the certificates that belong to it; in PEM one may stand in another file than the other.
type pair struct {
	key   crypto.PrivateKey
	chain []*x509.Certificate
}

const (
	magicJKS   = 0xFEEDFEED
	magicJCEKS = 0xCECECECE
)

// parse recognises the kind of store by its content.
func (s Store) parse(data []byte, keyPassword Setting) (content, error) {
	trimmed := bytes.TrimSpace(data)
	switch {
	case len(trimmed) == 0:
		return content{}, s.fail(fmt.Errorf("%w: it is empty", ErrContent))
	case bytes.Contains(trimmed, []byte("-----BEGIN ")):
		return s.parsePEM(trimmed, keyPassword)
	case hasMagic(data, magicJKS):
		return s.parseJKS(data, keyPassword)
	case hasMagic(data, magicJCEKS):
		return content{}, s.fail(fmt.Errorf("%w: a JCEKS store; convert it with keytool -importkeystore -deststoretype PKCS12", ErrContent))
	case data[0] == 0x30: // an ASN.1 sequence
		if cert, err := x509.ParseCertificate(data); err == nil {
			return content{trusted: []*x509.Certificate{cert}}, nil
		}
		return s.parsePKCS12(data, keyPassword)
	}
	if decoded, err := base64.StdEncoding.DecodeString(string(bytes.Join(bytes.Fields(trimmed), nil))); err == nil && len(decoded) > 0 &&
		(decoded[0] == 0x30 || hasMagic(decoded, magicJKS) || bytes.Contains(decoded, []byte("-----BEGIN "))) {
		return s.parse(decoded, keyPassword)
	}
	return content{}, s.fail(fmt.Errorf("%w: neither PEM nor PKCS12 nor JKS", ErrContent))
}

func hasMagic(data []byte, magic uint32) bool {
	return len(data) >= 4 && binary.BigEndian.Uint32(data) == magic
}

// all are the certificates of a store, whether they have keys or not.
func (c content) all() []*x509.Certificate {
	out := slices.Clone(c.trusted)
	for _, p := range c.pairs {
		out = append(out, p.chain...)
	}
	return out
}

// Pool reads the certificates to trust. Like Java it takes every certificate of the store, those of key entries included.
func (s Store) Pool() (*x509.CertPool, error) {
	data, err := s.read()
	if err != nil {
		return nil, err
	}
	c, err := s.parse(data, Setting{})
	if err != nil {
		return nil, err
	}
	certs := c.all()
	if len(certs) == 0 {
		return nil, s.fail(fmt.Errorf("%w: it holds no certificate", ErrContent))
	}
	pool := x509.NewCertPool()
	for _, cert := range certs {
		pool.AddCert(cert)
	}
	return pool, nil
}

// Certificates reads the keys of a store with their certificate chains, the leaf first. keyPassword opens the keys where it differs
// from the store's password.
func (s Store) Certificates(keyPassword Setting) ([]tls.Certificate, error) {
	return pairUp(s, Store{}, keyPassword)
}

// pairUp joins the certificates of one store with the keys of another, or of the same one when keys is no store.
func pairUp(certs, keys Store, keyPassword Setting) ([]tls.Certificate, error) {
	data, err := certs.read()
	if err != nil {
		return nil, err
	}
	have, err := certs.parse(data, keyPassword)
	if err != nil {
		return nil, err
	}
	blame := certs
	if keys.Configured() {
		blame = keys
		if data, err = keys.read(); err != nil {
			return nil, err
		}
		own, err := keys.parse(data, keyPassword)
		if err != nil {
			return nil, err
		}
		have.pairs = own.pairs
	}
	if len(have.pairs) == 0 {
		return nil, blame.fail(fmt.Errorf("%w: it holds no private key", ErrContent))
	}
	out := make([]tls.Certificate, 0, len(have.pairs))
	for _, p := range have.pairs {
		chain := chainOf(p.key, slices.Concat(p.chain, have.trusted))
		if chain == nil {
			return nil, blame.fail(fmt.Errorf("%w: no certificate fits the private key", ErrContent))
		}
		cert := tls.Certificate{PrivateKey: p.key, Leaf: chain[0]}
		for _, c := range chain {
			cert.Certificate = append(cert.Certificate, c.Raw)
		}
		out = append(out, cert)
	}
	return out, nil
}

// chainOf finds the certificate of a key and, by issuer, those above it. Nil when no certificate fits.
func chainOf(key crypto.PrivateKey, from []*x509.Certificate) []*x509.Certificate {
	leaf := leafOf(key, from)
	if leaf == nil {
		return nil
	}
	chain := []*x509.Certificate{leaf}
	for last := leaf; len(chain) <= len(from) && !bytes.Equal(last.RawIssuer, last.RawSubject); {
		next := issuerOf(last, from)
		if next == nil {
			break
		}
		chain, last = append(chain, next), next
	}
	return chain
}

func leafOf(key crypto.PrivateKey, from []*x509.Certificate) *x509.Certificate {
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil
	}
	for _, c := range from {
		if public, ok := c.PublicKey.(interface{ Equal(crypto.PublicKey) bool }); ok && public.Equal(signer.Public()) {
			return c
		}
	}
	return nil
}

func issuerOf(cert *x509.Certificate, from []*x509.Certificate) *x509.Certificate {
	for _, c := range from {
		if bytes.Equal(c.RawSubject, cert.RawIssuer) && cert.CheckSignatureFrom(c) == nil {
			return c
		}
	}
	return nil
}

// errNoKeyKind is a key of an algorithm that TLS does not use.
var errNoKeyKind = errors.New("unknown kind of private key")
