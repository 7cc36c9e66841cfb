package remote

import (
	"context"
	"maps"
	"regexp"
	"strings"

	"github.com/sluice-connect/sluice/api/client"
	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/configproviders"
)

// secretWords are parts of the names of keys whose values are hidden even where no class says that they are of type PASSWORD: a class may be unknown, or
// define its keys badly.
var secretWords = []string{"password", "passphrase", "secret", "credential", "token", "jaas", "api.key", "apikey", "private.key", "ssl.keystore.key", "ssl.key.pem",
	"basic.auth.user.info", "sas.key", "access.key", "account.key"}

// harmlessWords are parts of names that sound like secrets and are none.
var harmlessWords = []string{"tokenizer", "token.endpoint", "credentials.provider", "credentials.source", "credentials.path", "password.file"}

// login is that of a user in a URL, or a password among its parameters.
var login = regexp.MustCompile(`(://[^/?#\s:@]*:)[^/?#\s@]+@|([?&;,\s](?i:password|pwd|secret|token)=)[^&;,\s]+`)

// secrets knows which values must not be shown: those of keys that a class defines as PASSWORD, and those that sound like it. References to config
// providers are shown: they are none.
type secrets struct {
	client  *client.Client
	classes map[string]map[string]bool // the keys of type PASSWORD, by class; nil for a class that cannot be asked for
}

func newSecrets(c *client.Client) *secrets {
	return &secrets{client: c, classes: map[string]map[string]bool{}}
}

// of are the keys of a class that are of type PASSWORD.
func (s *secrets) of(ctx context.Context, class string) map[string]bool {
	if known, asked := s.classes[class]; asked || class == "" {
		return known
	}
	keys, err := s.client.PluginConfig(ctx, class)
	found := map[string]bool{}
	for _, key := range keys {
		found[key.Name] = key.Type == string(connect.TypePassword)
	}
	if err != nil { // an unknown class, or an old worker: the names of keys have to tell
		found = nil
	}
	s.classes[class] = found
	return found
}

// shown is a value as it may be shown.
func (s *secrets) shown(ctx context.Context, class, key, value string) string {
	switch {
	case value == "" || configproviders.IsReference(value):
		return value
	case s.of(ctx, class)[key] || soundsSecret(key):
		return connect.Hidden
	}
	return login.ReplaceAllStringFunc(value, func(found string) string {
		parts := login.FindStringSubmatch(found)
		if parts[1] != "" {
			return parts[1] + connect.Hidden + "@"
		}
		return parts[2] + connect.Hidden
	})
}

// config is a configuration as it may be shown.
func (s *secrets) config(ctx context.Context, config map[string]string) map[string]string {
	out := maps.Clone(config)
	for key, value := range out {
		out[key] = s.shown(ctx, config["connector.class"], key, value)
	}
	return out
}

func soundsSecret(key string) bool {
	key = strings.ToLower(strings.ReplaceAll(key, "_", "."))
	for _, word := range harmlessWords {
		if strings.Contains(key, word) {
			return false
		}
	}
	for _, word := range secretWords {
		if strings.Contains(key, word) {
			return true
		}
	}
	return false
}
