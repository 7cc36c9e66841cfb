package connect

import (
	"context"
	"time"
)

// ConfigProvider looks up what configurations refer to as ${provider:path:key} (org.apache.kafka.common.config.provider.ConfigProvider). It is safe for
// concurrent use.
type ConfigProvider interface {
	// Get looks for keys at a path, which is "" where a reference has none. Keys that are not there are not in the answer, unless the provider
	// knows better than "not there" why: then it is an error. Errors and logs must not hold values.
	Get(ctx context.Context, path string, keys []string) (Provided, error)
}

// Provided is what a provider has.
type Provided struct {
	Values map[string]string // by key
	// TTL is how long the values may be used before they have to be looked up again; 0 is for as long as the worker likes.
	TTL time.Duration
}

// ConfigProviderClass is a class of providers.
type ConfigProviderClass struct {
	Spec Spec // its keys are those below config.providers.<name>.param.
	New  func(params Config) (ConfigProvider, error)
}
