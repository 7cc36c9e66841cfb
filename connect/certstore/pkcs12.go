package certstore

import (
	"crypto/x509"
	"errors"
	"fmt"

	"software.sslmate.com/src/go-pkcs12"
)

func (s Store) parsePKCS12(data []byte, keyPassword Setting) (content, error) {
	// Kafka wants ssl.key.password equal to the store's password in PKCS12, so one of them may be missing.
	password := s.Password
	if password.Value == "" && keyPassword.Value != "" {
		password = keyPassword
	}
	key, leaf, above, err := pkcs12.DecodeChain(data, password.Value)
	if err == nil {
		return content{pairs: []pair{{key: key, chain: append([]*x509.Certificate{leaf}, above...)}}}, nil
	}
	if errors.Is(err, pkcs12.ErrIncorrectPassword) || errors.Is(err, pkcs12.ErrDecryption) {
		return content{}, s.failPassword(password)
	}
	certs, trustErr := pkcs12.DecodeTrustStore(data, password.Value)
	if trustErr == nil && len(certs) > 0 {
		return content{trusted: certs}, nil
	}
	// Java does not see certificates without its trust mark either, so such stores are not in use; people make them by mistake.
	return content{}, s.fail(fmt.Errorf("%w: reading as PKCS12: %w; a store of certificates to trust must be made with keytool -importcert, "+
		"or given as PEM", ErrContent, err))
}
