// Package configproviders looks up what configurations refer to as ${provider:path:key}: in files, in directories, in the environment. A value that
// was looked up is a secret until the opposite is known, and there is nobody to know it.
package configproviders

import (
	"context"
	"time"

	"github.com/sluice-connect/sluice/connect"
)

// Provider looks values up (org.apache.kafka.common.config.provider.ConfigProvider). It is safe for concurrent use.
type Provider interface {
	// Get looks for keys at a path, which is "" where a reference has none. Keys that are not there are not in the answer, unless the provider
	// knows better than "not there" why: then it is an error. Errors and logs must not hold values.
	Get(ctx context.Context, path string, keys []string) (Found, error)
}

// Found is what a provider has.
type Found struct {
	Values map[string]string // by key
	// TTL is how long the values may be used before they have to be looked up again; 0 is for as long as the worker likes.
	TTL time.Duration
}

// Definition is a class of providers.
type Definition struct {
	Spec connect.Spec // its keys are those below config.providers.<name>.param.
	New  func(params connect.Config) (Provider, error)
}

// All are the classes that are part of this program, by their names in Java.
func All() []Definition {
	return []Definition{fileDefinition(), directoryDefinition(), envDefinition()}
}

// javaPackage is where Kafka has its providers.
const javaPackage = "org.apache.kafka.common.config.provider."
