package certstore

import (
	"bytes"
	"crypto/x509"
	"fmt"

	"github.com/pavlo-v-chernykh/keystore-go/v4"
)

func (s Store) parseJKS(data []byte, keyPassword Setting) (content, error) {
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
