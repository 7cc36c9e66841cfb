package certstore

import (
	"errors"
	"strings"
)

// FromProperties reads Java's SslConfigs out of a program's properties: keys such as ssl.keystore.location, behind a prefix where there is one. The
// types of stores do not matter: their content tells.
func FromProperties(p map[string]string, prefix string) (Config, error) {
	setting := func(key string) Setting {
		return Setting{Key: prefix + key, Value: strings.TrimSpace(p[prefix+key])}
	}
	inline := func(key string) Setting {
		return Setting{Key: prefix + key, Value: newlines(strings.TrimSpace(p[prefix+key]))}
	}
	c := Config{
		TrustStore: Store{Location: setting("ssl.truststore.location"), Inline: inline("ssl.truststore.certificates"),
			Password: setting("ssl.truststore.password")},
		KeyStore: Store{Location: setting("ssl.keystore.location"), Inline: inline("ssl.keystore.certificate.chain"),
			Password: setting("ssl.keystore.password")},
		KeyPassword:  setting("ssl.key.password"),
		Protocols:    protocols(setting("ssl.enabled.protocols"), setting("ssl.protocol")),
		CipherSuites: setting("ssl.cipher.suites"),
	}
	if c.KeyStore.Location.Value == "" {
		c.Key = Store{Inline: inline("ssl.keystore.key")}
	}
	const nameCheck = "ssl.endpoint.identification.algorithm"
	if _, set := p[prefix+nameCheck]; set {
		switch strings.ToLower(setting(nameCheck).Value) {
		case "":
			c.AnyName = true
		case "https":
		default:
			return c, &Error{Key: prefix + nameCheck, Cause: errors.New("it must be https, or empty to accept any server name")}
		}
	}
	return c, nil
}

// protocols: ssl.protocol names the newest version where ssl.enabled.protocols says nothing.
func protocols(enabled, newest Setting) Setting {
	switch {
	case enabled.Value != "":
		return enabled
	case newest.Value == "", newest.Value == "TLSv1.3", newest.Value == "TLS":
		return Setting{}
	}
	return newest
}

// newlines restores PEM text whose line ends were written as \n, as people do in JSON inside of properties.
func newlines(pem string) string {
	if strings.Contains(pem, "\n") {
		return pem
	}
	return strings.ReplaceAll(pem, `\n`, "\n")
}
