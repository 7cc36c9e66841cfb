package certstore

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"fmt"

	"github.com/pavlo-v-chernykh/keystore-go/v4"
)

func (s Store) parseJKS(data []byte, keyPassword Setting) (content, error) {
	if !wholeJKS(data) {
		return content{}, s.fail(fmt.Errorf("%w: a JKS store that is cut off or damaged", ErrContent))
	}
	ks := keystore.New(keystore.WithOrderedAliases(), keystore.WithCaseExactAliases())
	if err := ks.Load(bytes.NewReader(data), []byte(s.Password.Value)); err != nil {
		whole := len(ks.Aliases()) > 0 && err.Error() == wrongDigest
		switch {
		case whole && s.Password.Value == "":
			// Without a password Java reads the certificates too and leaves the check of the digest out.
		case whole:
			return content{}, s.failPassword(s.Password)
		default:
			return content{}, s.fail(fmt.Errorf("reading as JKS: %w", err))
		}
	}
	if keyPassword.Value == "" {
		keyPassword = s.Password
	}
	var c content
	for _, alias := range ks.Aliases() {
		if ks.IsPrivateKeyEntry(alias) {
			p, err := s.jksPair(ks, alias, keyPassword)
			if err != nil {
				return content{}, err
			}
			c.pairs = append(c.pairs, p)
			continue
		}
		entry, err := ks.GetTrustedCertificateEntry(alias)
		if err != nil {
			return content{}, s.fail(fmt.Errorf("entry %q: %w", alias, err))
		}
		cert, err := x509.ParseCertificate(entry.Certificate.Content)
		if err != nil {
			return content{}, s.fail(fmt.Errorf("entry %q: parsing its certificate: %w", alias, err))
		}
		c.trusted = append(c.trusted, cert)
	}
	return c, nil
}

// wrongDigest is how keystore-go says that the password does not fit, or the file was changed.
const wrongDigest = "got invalid digest"

func (s Store) jksPair(ks keystore.KeyStore, alias string, password Setting) (pair, error) {
	entry, err := ks.GetPrivateKeyEntry(alias, []byte(password.Value))
	if err != nil {
		return pair{}, s.failPassword(password)
	}
	key, err := parsePlainKey(entry.PrivateKey)
	if err != nil {
		return pair{}, s.fail(fmt.Errorf("entry %q: %w", alias, err))
	}
	p := pair{key: key}
	for _, c := range entry.CertificateChain {
		cert, err := x509.ParseCertificate(c.Content)
		if err != nil {
			return pair{}, s.fail(fmt.Errorf("entry %q: parsing its certificate: %w", alias, err))
		}
		p.chain = append(p.chain, cert)
	}
	return p, nil
}

// What a JKS store is made of, by keytool's source and https://metastatic.org/source/JKS.html: magic, version and number of entries; for each entry its tag,
// alias and time, then a certificate, or a protected key and a number of certificates; a digest.
const (
	jksKeyTag      = 1
	jksTypedSince  = 2  // versions from this one on write a certificate's type before it
	jksTimeSize    = 8  // bytes
	jksKeyOverhead = 40 // bytes of a protected key that are none of the key: salt and digest
)

// wholeJKS reports whether all that a store says the length of is in it. keystore-go makes room for whatever a length says before it reads, and takes a
// protected key for long enough.
func wholeJKS(data []byte) bool {
	b := jksBytes{rest: data[4:]}
	version, entries := b.number(4), b.number(4)
	for ; entries > 0 && !b.torn; entries-- {
		tag, certificates := b.number(4), uint64(1)
		b.take(b.number(2))
		b.take(jksTimeSize)
		if tag == jksKeyTag {
			var protected struct {
				Algorithm pkix.AlgorithmIdentifier
				Key       []byte
			}
			_, err := asn1.Unmarshal(b.take(b.number(4)), &protected)
			if err == nil && len(protected.Key) < jksKeyOverhead {
				return false
			}
			certificates = b.number(4)
		}
		for ; certificates > 0 && !b.torn; certificates-- {
			if version >= jksTypedSince {
				b.take(b.number(2))
			}
			b.take(b.number(4))
		}
	}
	return !b.torn
}

// jksBytes are taken from the front. When they do not suffice they are torn, and nothing is left.
type jksBytes struct {
	rest []byte
	torn bool
}

func (b *jksBytes) take(n uint64) []byte {
	if n > uint64(len(b.rest)) {
		b.rest, b.torn = nil, true
		return nil
	}
	taken := b.rest[:n]
	b.rest = b.rest[n:]
	return taken
}

// number is a number of so many bytes, at most 8.
func (b *jksBytes) number(size int) uint64 {
	var whole [8]byte
	copy(whole[8-size:], b.take(uint64(size)))
	return binary.BigEndian.Uint64(whole[:])
}
