package mqtt

import (
	"crypto/tls"
	"errors"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/certstore"
)

// Keys of TLS (mqtt.ssl.*). Stores may be files or stand in the configuration.
var (
	trustStorePath = connect.StringKey("mqtt.ssl.trust.store.path",
		"CA certificates: PEM, PKCS12 or JKS, recognised by content. The system's where unset.").Default("").Group("TLS", -1, connect.WidthMedium, "")
	trustStoreInline   = connect.PasswordKey("mqtt.ssl.trust.store.certificates", "CA certificates as PEM text.").Optional().Group("TLS", -1, connect.WidthMedium, "")
	trustStoreFile     = connect.PasswordKey("mqtt.ssl.trust.store.file", "A trust store as base64 text.").Optional().Group("TLS", -1, connect.WidthMedium, "")
	trustStorePassword = connect.PasswordKey("mqtt.ssl.trust.store.password", "Password of the trust store.").Optional().Group("TLS", -1, connect.WidthMedium, "")
	keyStorePath       = connect.StringKey("mqtt.ssl.key.store.path",
		"Client certificate: PEM (chain, or chain and key), PKCS12 or JKS.").Default("").Group("TLS", -1, connect.WidthMedium, "")
	keyStoreInline   = connect.PasswordKey("mqtt.ssl.key.store.certificate.chain", "Client certificate chain as PEM text.").Optional().Group("TLS", -1, connect.WidthMedium, "")
	keyStoreFile     = connect.PasswordKey("mqtt.ssl.key.store.file", "A key store as base64 text.").Optional().Group("TLS", -1, connect.WidthMedium, "")
	keyStorePassword = connect.PasswordKey("mqtt.ssl.key.store.password", "Password of the key store.").Optional().Group("TLS", -1, connect.WidthMedium, "")
	keyPath          = connect.StringKey("mqtt.ssl.key.path", "PEM private key in a file of its own.").Default("").Group("TLS", -1, connect.WidthMedium, "")
	keyInline        = connect.PasswordKey("mqtt.ssl.key.store.key", "Private key as PEM text.").Optional().Group("TLS", -1, connect.WidthMedium, "")
	keyPassword      = connect.PasswordKey("mqtt.ssl.key.password", "Password of the private key.").Optional().Group("TLS", -1, connect.WidthMedium, "")
	tlsProtocols     = connect.StringKey("mqtt.ssl.enabled.protocols", "TLS versions.").Default("TLSv1.2,TLSv1.3").Group("TLS", -1, connect.WidthMedium, "")
	tlsCiphers       = connect.StringKey("mqtt.ssl.cipher.suites", "Cipher suites of TLS 1.2.").Default("").Group("TLS", -1, connect.WidthMedium, "")
	tlsALPN          = listKey("mqtt.ssl.alpn.protocols", "Protocols to offer, such as x-amzn-mqtt-ca.").Optional().Group("TLS", -1, connect.WidthMedium, "")
	tlsServerName    = connect.StringKey("mqtt.ssl.server.name", "SNI and verified name; the URI's host where unset.").Default("").Group("TLS", -1, connect.WidthMedium, "")
	tlsVerifyHost    = connect.StringKey("mqtt.ssl.endpoint.identification.algorithm",
		"https checks the host name; empty switches that check off.").Default("https").Must(connect.OneOf("https", "")).Group("TLS", -1, connect.WidthMedium, "")
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

func setting(cfg connect.Config, k connect.Key[string]) certstore.Setting {
	return certstore.Setting{Key: k.Name(), Value: k.Get(cfg)}
}

func firstSet(cfg connect.Config, keys ...connect.Key[string]) certstore.Setting {
	for _, k := range keys {
		if k.Set(cfg) {
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
