package kafkaclient

import (
	"errors"
	"fmt"
	"strings"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect/certstore"
)

// tls reads Java's SslConfigs. The types of stores do not matter: their content tells.
func (r *reader) tls(c *sarama.Config) {
	setting := func(key string) certstore.Setting {
		return certstore.Setting{Key: key, Value: strings.TrimSpace(r.props[key])}
	}
	inline := func(key string) certstore.Setting {
		return certstore.Setting{Key: key, Value: newlines(r.props[key])}
	}
	cfg := certstore.Config{
		TrustStore: certstore.Store{Location: setting("ssl.truststore.location"), Inline: inline("ssl.truststore.certificates"),
			Password: setting("ssl.truststore.password")},
		KeyStore: certstore.Store{Location: setting("ssl.keystore.location"), Inline: inline("ssl.keystore.certificate.chain"),
			Password: setting("ssl.keystore.password")},
		KeyPassword:  setting("ssl.key.password"),
		Protocols:    r.protocols(),
		CipherSuites: setting("ssl.cipher.suites"),
	}
	if !r.given("ssl.keystore.location") {
		cfg.Key = certstore.Store{Inline: inline("ssl.keystore.key")}
	}
	if v, set := r.props["ssl.endpoint.identification.algorithm"]; set {
		switch strings.ToLower(strings.TrimSpace(v)) {
		case "":
			cfg.AnyName = true
		case "https":
		default:
			r.fail("ssl.endpoint.identification.algorithm", errors.New("it must be https, or empty to accept any server name"))
		}
	}
	out, err := cfg.Client()
	if err != nil {
		r.errs = append(r.errs, fmt.Errorf("reading the TLS settings of the %s: %w", r.client, err))
		return
	}
	c.Net.TLS.Enable, c.Net.TLS.Config = true, out
}

// protocols: ssl.protocol names the newest version where ssl.enabled.protocols says nothing.
func (r *reader) protocols() certstore.Setting {
	if v := r.text("ssl.enabled.protocols", ""); v != "" {
		return certstore.Setting{Key: "ssl.enabled.protocols", Value: v}
	}
	switch v := r.text("ssl.protocol", "TLSv1.3"); v {
	case "TLSv1.3", "TLS":
		return certstore.Setting{}
	default:
		return certstore.Setting{Key: "ssl.protocol", Value: v}
	}
}

// newlines restores PEM text whose line ends were written as \n, as people do in JSON inside of properties.
func newlines(pem string) string {
	if strings.Contains(pem, "\n") {
		return pem
	}
	return strings.ReplaceAll(pem, `\n`, "\n")
}
