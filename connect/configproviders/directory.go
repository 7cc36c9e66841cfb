package configproviders

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sluice-connect/sluice/connect"
)

// directory has a file for each key, as Kubernetes mounts secrets. It reads anew for each lookup.
type directory struct{ allowed allowedPaths }

func directoryDefinition() Definition {
	return Definition{
		Spec: connect.NewSpec(javaPackage+"DirectoryConfigProvider", "", allowedPathsKey),
		New: func(params connect.Config) (Provider, error) {
			allowed, err := parseAllowedPaths(params)
			return &directory{allowed}, err
		},
	}
}

// Get implements [Provider]. The path is that of a directory, a key is the name of a regular file in it; a value is the whole file, with the newline
// at its end where it has one.
func (d *directory) Get(_ context.Context, path string, keys []string) (Found, error) {
	if path == "" {
		return Found{}, nil
	}
	path, err := d.allowed.check(path)
	if err != nil {
		return Found{}, err
	}
	if info, err := os.Stat(path); err != nil {
		return Found{}, fmt.Errorf("reading the directory: %w", err)
	} else if !info.IsDir() {
		return Found{}, fmt.Errorf("%s is not a directory", path)
	}
	values := make(map[string]string, len(keys))
	for _, key := range keys {
		if key == "" || filepath.Base(key) != key { // a file of the directory itself, and of no other
			continue
		}
		name := filepath.Join(path, key)
		if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return Found{}, fmt.Errorf("reading the file: %w", err)
		}
		values[key] = string(data)
	}
	return Found{Values: values}, nil
}
