package kafkaclient

import (
	"errors"
	"fmt"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect/certstore"
)

// tls reads Java's SslConfigs.
func (r *reader) tls(c *sarama.Config) {
	cfg, err := certstore.FromProperties(r.props, "")
	if wrong := new(certstore.Error); errors.As(err, &wrong) {
		r.fail(wrong.Key, wrong.Cause)
	}
	out, err := cfg.Client()
	if err != nil {
		r.errs = append(r.errs, fmt.Errorf("reading the TLS settings of the %s: %w", r.client, err))
		return
	}
	c.Net.TLS.Enable, c.Net.TLS.Config = true, out
}
