package herder

import (
	"maps"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/configproviders"
	"github.com/sluice-connect/sluice/connect/validation"
)

// hidden stands for a secret in answers, as in Kafka Connect's validation.
const hidden = "[hidden]"

// masked returns a task's configuration without the plain values of keys that are secrets: those which the connector's class defines as
// PASSWORD, and those of Kafka's clients. References to config providers stay: they are no secrets.
func (h *Herder) masked(connector, config connect.Config) map[string]string {
	secrets := map[string]bool{}
	c, err := validation.ClassOf(h.Catalog, connector)
	if err != nil { // in no version that is here: what is secret in another is
		c, err = h.Catalog.Connector(connector["connector.class"])
	}
	if err == nil {
		for _, key := range c.Spec.Keys {
			secrets[key.Name] = key.Type == connect.TypePassword
		}
	}
	out := maps.Clone(config)
	for key, value := range out {
		if value != "" && (secrets[key] || clientSecret(key)) && !configproviders.IsReference(value) {
			out[key] = hidden
		}
	}
	return out
}

// clientSecret reports whether a key holds a secret of a Kafka client, with whatever prefix.
func clientSecret(key string) bool {
	for _, secret := range []string{"password", "sasl.jaas.config", "ssl.keystore.key", "client.secret"} {
		if strings.HasSuffix(key, secret) {
			return true
		}
	}
	return false
}
