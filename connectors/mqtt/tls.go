package mqtt

import (
	"crypto/tls"
	"errors"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/certstore"
)

// Keys of TLS (mqtt.ssl.*). Stores may be files or stand in the configuration.
var (
	trustStorePath = stringKey("mqtt.ssl.trust.store.path",
		"CA certificates: PEM, PKCS12 or JKS, recognised by content. The system's where unset.").optional("").in("TLS")
	trustStoreInline   = passwordKey("mqtt.ssl.trust.store.certificates", "CA certificates as PEM text.").in("TLS")
	trustStoreFile     = passwordKey("mqtt.ssl.trust.store.file", "A trust store as base64 text.").in("TLS")
	trustStorePassword = passwordKey("mqtt.ssl.trust.store.password", "Password of the trust store.").in("TLS")
	keyStorePath       = stringKey("mqtt.ssl.key.store.path",
		"Client certificate: PEM (chain, or chain and key), PKCS12 or JKS.").optional("").in("TLS")
	keyStoreInline   = passwordKey("mqtt.ssl.key.store.certificate.chain", "Client certificate chain as PEM text.").in("TLS")
	keyStoreFile     = passwordKey("mqtt.ssl.key.store.file", "A key store as base64 text.").in("TLS")
	keyStorePassword = passwordKey("mqtt.ssl.key.store.password", "Password of the key store.").in("TLS")
	keyPath          = stringKey("mqtt.ssl.key.path", "PEM private key in a file of its own.").optional("").in("TLS")
	keyInline        = passwordKey("mqtt.ssl.key.store.key", "Private key as PEM text.").in("TLS")
	keyPassword      = passwordKey("mqtt.ssl.key.password", "Password of the private key.").in("TLS")
	tlsProtocols     = stringKey("mqtt.ssl.enabled.protocols", "TLS versions.").optional("TLSv1.2,TLSv1.3").in("TLS")
	tlsCiphers       = stringKey("mqtt.ssl.cipher.suites", "Cipher suites of TLS 1.2.").optional("").in("TLS")
	tlsALPN          = listKey("mqtt.ssl.alpn.protocols", "Protocols to offer, such as x-amzn-mqtt-ca.").optional("").in("TLS")
	tlsServerName    = stringKey("mqtt.ssl.server.name", "SNI and verified name; the URI's host where unset.").optional("").in("TLS")
	tlsVerifyHost    = stringKey("mqtt.ssl.endpoint.identification.algorithm",
		"https checks the host name; empty switches that check off.").optional("https").check(oneOf("https", "")).in("TLS")
)

// tlsKeys are the keys in the order in which they are shown.
var tlsKeys = []connect.Definer{
	trustStorePath, trustStoreInline, trustStoreFile, trustStorePassword,
	keyStorePath, keyStoreInline, keyStoreFile, keyStorePassword, keyPath, keyInline, keyPassword,
	tlsProtocols, tlsCiphers, tlsALPN, tlsServerName, tlsVerifyHost,
}

// clientTLS builds the TLS configuration for a server. It is called at each connect, so that renewed certificates need no
// restart.
func clientTLS(cfg connect.Config, host string) (*tls.Config, error) {
	name := tlsServerName.Get(cfg)
	if name == "" {
		name = host
	}
	return certstore.Config{
		TrustStore: certstore.Store{
			Location: setting(cfg, trustStorePath),
			Inline:   firstSet(cfg, trustStoreInline, trustStoreFile),
			Password: setting(cfg, trustStorePassword),
		},
		KeyStore: certstore.Store{
			Location: setting(cfg, keyStorePath),
			Inline:   firstSet(cfg, keyStoreInline, keyStoreFile),
			Password: setting(cfg, keyStorePassword),
		},
		Key:          certstore.Store{Location: setting(cfg, keyPath), Inline: setting(cfg, keyInline)},
		KeyPassword:  setting(cfg, keyPassword),
		Protocols:    setting(cfg, tlsProtocols),
		CipherSuites: setting(cfg, tlsCiphers),
		AnyName:      tlsVerifyHost.Get(cfg) == "",
		ServerName:   name,
		ALPN:         tlsALPN.Get(cfg),
	}.Client()
}

func setting(cfg connect.Config, k key[string]) certstore.Setting {
	return certstore.Setting{Key: k.def.Name, Value: k.Get(cfg)}
}

func firstSet(cfg connect.Config, keys ...key[string]) certstore.Setting {
	for _, k := range keys {
		if k.set(cfg) {
			return setting(cfg, k)
		}
	}
	return setting(cfg, keys[0])
}

// storeProblem is the finding that a store cannot be used, if that is what err says.
func storeProblem(err error) (connect.Problem, bool) {
	var bad *certstore.Error
	if errors.As(err, &bad) {
		return connect.Problem{Key: bad.Key, Message: err.Error()}, true
	}
	return connect.Problem{}, false
}
