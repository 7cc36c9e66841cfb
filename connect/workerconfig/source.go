// Package workerconfig reads a worker's configuration: a properties file with Kafka Connect's own keys, overridden by CONNECT_* variables of the
// environment (the rule of Confluent's images), overridden by key=value on the command line.
package workerconfig

import (
	"fmt"
	"os"
	"strings"

	"github.com/magiconair/properties"
)

// Properties is a worker's configuration as text to text.
type Properties map[string]string

// envPrefix begins the names of variables that are worker keys.
const envPrefix = "CONNECT_"

// Load reads a file (none for an empty path) and applies environment and settings over it, in this order. environ has the form of
// os.Environ, settings are key=value.
func Load(path string, environ, settings []string) (Properties, error) {
	p := Properties{}
	if path != "" {
		file, err := ReadFile(path)
		if err != nil {
			return nil, err
		}
		p = file
	}
	for _, e := range environ {
		name, value, _ := strings.Cut(e, "=")
		if key, ok := envKey(name); ok {
			p[key] = value
		}
	}
	for _, s := range settings {
		key, value, ok := strings.Cut(s, "=")
		if key = strings.TrimSpace(key); !ok || key == "" {
			return nil, fmt.Errorf("--set %s: want key=value", s)
		}
		p[key] = strings.TrimSpace(value)
	}
	return p, nil
}

// ReadFile reads a file in the format of java.util.Properties, in Latin-1 with \u escapes, as Java does. Nothing is expanded: ${...}
// belongs to config providers.
func ReadFile(path string) (Properties, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading configuration: %w", err)
	}
	p, err := ParseProperties(data)
	if err != nil {
		return nil, fmt.Errorf("reading configuration %s: %w", path, err)
	}
	return p, nil
}

// ParseProperties is [ReadFile] for a file's content.
func ParseProperties(data []byte) (Properties, error) {
	loader := properties.Loader{Encoding: properties.ISO_8859_1, DisableExpansion: true}
	parsed, err := loader.LoadBytes(data)
	if err != nil {
		return nil, err
	}
	return Properties(parsed.Map()), nil
}

// envKey turns CONNECT_A_B into a.b; two underscores stand for a dash, three for an underscore.
func envKey(name string) (string, bool) {
	rest, ok := strings.CutPrefix(name, envPrefix)
	if !ok || rest == "" {
		return "", false
	}
	return underscores.Replace(strings.ToLower(rest)), true
}

var underscores = strings.NewReplacer("___", "_", "__", "-", "_", ".")
