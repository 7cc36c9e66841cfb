package registry

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/certstore"
)

const tlsPrefix = "schema.registry.ssl."

func tlsText(name, doc string) connect.Key[string] {
	return connect.StringKey(tlsPrefix+name, doc).Optional().Importance(connect.Low)
}

func tlsSecret(name, doc string) connect.Key[string] {
	return connect.PasswordKey(tlsPrefix+name, doc).Optional().Importance(connect.Low)
}

var (
	trustLocationKey = tlsText("truststore.location", "File of the certificates to trust: PEM, PKCS12 or JKS.")
	trustPasswordKey = tlsSecret("truststore.password", "Password of the trust store.")
	trustInlineKey   = tlsSecret("truststore.certificates", "The certificates to trust themselves, as PEM.")
	keyLocationKey   = tlsText("keystore.location", "File of the own certificate and key: PEM, PKCS12 or JKS.")
	keyPasswordKey   = tlsSecret("keystore.password", "Password of the key store.")
	keyChainKey      = tlsSecret("keystore.certificate.chain", "The own certificate chain itself, as PEM.")
	keyInlineKey     = tlsSecret("keystore.key", "The own private key itself, as PEM.")
	keyEntryKey      = tlsSecret("key.password", "Password of the private key, where it differs from the store's.")
	protocolsKey     = tlsText("enabled.protocols", "Versions of TLS, separated by commas.")
	ciphersKey       = tlsText("cipher.suites", "Cipher suites, separated by commas.")
	nameCheckKey     = connect.StringKey(tlsPrefix+"endpoint.identification.algorithm", "https, or empty to accept a certificate of any name.").
				Default("https").Importance(connect.Low).Must(httpsOrEmpty)
	// The kind of a store shows in its content. The keys are known so that manifests need not be changed.
	trustTypeKey = tlsText("truststore.type", "Kind of the trust store. It is recognised by its content: the key need not be given.")
	keyTypeKey   = tlsText("keystore.type", "Kind of the key store. It is recognised by its content: the key need not be given.")
)

var tlsKeys = []connect.Definer{
	trustLocationKey, trustPasswordKey, trustInlineKey, trustTypeKey, keyLocationKey, keyPasswordKey, keyChainKey, keyInlineKey, keyTypeKey,
	keyEntryKey, protocolsKey, ciphersKey, nameCheckKey,
}

func httpsOrEmpty(v connect.Value) error {
	if v.IsNull() || strings.TrimSpace(v.Str()) == "" || strings.EqualFold(strings.TrimSpace(v.Str()), "https") {
		return nil
	}
	return errors.New("it must be https, or empty to accept any server name")
}

// tlsOf reads the TLS settings; stores are read now, so that mistakes show before the first record.
func tlsOf(cfg connect.Config) (*tls.Config, error) {
	setting := func(k connect.Key[string]) certstore.Setting {
		return certstore.Setting{Key: k.Name(), Value: strings.TrimSpace(k.Get(cfg))}
	}
	// A properties file cannot hold line breaks: they stand as \n there.
	inline := func(k connect.Key[string]) certstore.Setting {
		return certstore.Setting{Key: k.Name(), Value: strings.ReplaceAll(strings.TrimSpace(k.Get(cfg)), `\n`, "\n")}
	}
	c := certstore.Config{
		TrustStore:   certstore.Store{Location: setting(trustLocationKey), Inline: inline(trustInlineKey), Password: setting(trustPasswordKey)},
		KeyStore:     certstore.Store{Location: setting(keyLocationKey), Inline: inline(keyChainKey), Password: setting(keyPasswordKey)},
		KeyPassword:  setting(keyEntryKey),
		Protocols:    setting(protocolsKey),
		CipherSuites: setting(ciphersKey),
		AnyName:      strings.TrimSpace(nameCheckKey.Get(cfg)) == "",
	}
	if !keyLocationKey.Set(cfg) {
		c.Key = certstore.Store{Inline: inline(keyInlineKey)}
	}
	out, err := c.Client()
	if err != nil {
		key := tlsPrefix
		if e := new(certstore.Error); errors.As(err, &e) {
			key = e.Key
		}
		return nil, &connect.ConfigError{Key: key, Reason: fmt.Sprintf("reading the TLS settings: %v", err)}
	}
	return out, nil
}
