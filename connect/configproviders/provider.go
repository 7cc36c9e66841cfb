// Package configproviders looks up what configurations refer to as ${provider:path:key}: in files, in directories, in the environment. A value that
// was looked up is a secret until the opposite is known, and there is nobody to know it.
package configproviders

import "github.com/sluice-connect/sluice/connect"

// Provider looks values up.
type Provider = connect.ConfigProvider

// Found is what a provider has.
type Found = connect.Provided

// Definition is a class of providers.
type Definition = connect.ConfigProviderClass

// All are the classes that are part of this program, by their names in Java.
func All() []Definition {
	return []Definition{fileDefinition(), directoryDefinition(), envDefinition()}
}

// javaPackage is where Kafka has its providers.
const javaPackage = "org.apache.kafka.common.config.provider."
