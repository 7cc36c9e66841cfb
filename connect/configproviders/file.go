package configproviders

import (
	"context"
	"fmt"
	"os"

	"github.com/magiconair/properties"

	"github.com/sluice-connect/sluice/connect"
)

// file reads properties files, anew for each lookup.
type file struct{ allowed allowedPaths }

func fileDefinition() Definition {
	return Definition{
		Spec: connect.NewSpec(javaPackage+"FileConfigProvider", "", allowedPathsKey),
		New: func(params connect.Config) (Provider, error) {
			allowed, err := parseAllowedPaths(params)
			return &file{allowed}, err
		},
	}
}

// Get implements [Provider]. The path is that of a file in the format of java.util.Properties, in UTF-8.
func (f *file) Get(_ context.Context, path string, keys []string) (Found, error) {
	if path == "" {
		return Found{}, nil
	}
	path, err := f.allowed.check(path)
	if err != nil {
		return Found{}, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return Found{}, fmt.Errorf("reading the properties file: %w", err)
	}
	loader := properties.Loader{Encoding: properties.UTF8, DisableExpansion: true}
	all, err := loader.LoadBytes(data)
	if err != nil {
		return Found{}, fmt.Errorf("%s is not a properties file", path) // the cause quotes from it
	}
	values := make(map[string]string, len(keys))
	for _, key := range keys {
		if value, ok := all.Get(key); ok {
			values[key] = value
		}
	}
	return Found{Values: values}, nil
}
