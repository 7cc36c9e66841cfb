package certstore

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/youmark/pkcs8"
)

// parsePEM takes certificates and keys (PKCS8, encrypted or not, PKCS1, EC) in any order and skips what else stands there.
func (s Store) parsePEM(data []byte, keyPassword Setting) (content, error) {
	var c content
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE":
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return content{}, s.fail(fmt.Errorf("parsing a certificate: %w", err))
			}
			c.trusted = append(c.trusted, cert)
		case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY":
			key, err := s.parseKey(block, keyPassword)
			if err != nil {
				return content{}, err
			}
			c.pairs = append(c.pairs, pair{key: key})
		}
	}
	if len(c.trusted) == 0 && len(c.pairs) == 0 {
		return content{}, s.fail(fmt.Errorf("%w: PEM text without a whole certificate or key", ErrContent))
	}
	return c, nil
}

func (s Store) parseKey(block *pem.Block, password Setting) (crypto.PrivateKey, error) {
	if block.Headers["DEK-Info"] != "" {
		return nil, s.fail(fmt.Errorf("%w: a key in OpenSSL's old encryption; convert it with openssl pkcs8 -topk8", ErrContent))
	}
	if block.Type == "ENCRYPTED PRIVATE KEY" {
		// Without a password of its own the key is tried with the store's.
		if password.Value == "" && s.Password.Value != "" {
			password = s.Password
		}
		if password.Value == "" {
			return nil, s.failPassword(password)
		}
		key, _, err := pkcs8.ParsePrivateKey(block.Bytes, []byte(password.Value))
		if err != nil {
			return nil, s.failPassword(password)
		}
		return key, nil
	}
	key, err := parsePlainKey(block.Bytes)
	if err != nil {
		return nil, s.fail(fmt.Errorf("parsing a private key: %w", err))
	}
	return key, nil
}

// parsePlainKey goes by content: programs write PKCS1 keys under PKCS8's name and the reverse.
func parsePlainKey(der []byte) (crypto.PrivateKey, error) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err == nil {
		if _, ok := key.(crypto.Signer); !ok {
			return nil, errNoKeyKind
		}
		return key, nil
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key, nil
	}
	// The standard library's text can be long and speaks of functions; it holds nothing of the key.
	return nil, errors.Join(errNoKeyKind, err)
}
