package configproviders

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

var allowedPathsKey = connect.StringKey("allowed.paths", "Paths that may be read, with all below them, separated by commas; all where it is empty.").
	Default("")

// allowedPaths are the paths that a provider may read, with all below them; nil allows all (org.apache.kafka.common.config.internals.AllowedPaths).
// As in Java a link below such a path may lead out of it: Kubernetes mounts secrets as links.
type allowedPaths []string

// parseAllowedPaths wants absolute paths that exist.
func parseAllowedPaths(params connect.Config) (allowedPaths, error) {
	var allowed allowedPaths
	for path := range strings.SplitSeq(allowedPathsKey.Get(params), ",") {
		if path = strings.TrimSpace(path); path == "" {
			continue
		}
		if !filepath.IsAbs(path) {
			return nil, fmt.Errorf("allowed.paths: path %s is not absolute", path)
		}
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("allowed.paths: path %s does not exist: %w", path, err)
		}
		allowed = append(allowed, filepath.Clean(path))
	}
	return allowed, nil
}

// check returns the path in its shortest form, or an error where it may not be read.
func (a allowedPaths) check(path string) (string, error) {
	path = filepath.Clean(path)
	for _, root := range a {
		if inside, err := filepath.Rel(root, path); err == nil && filepath.IsLocal(inside) {
			return path, nil
		}
	}
	if a == nil {
		return path, nil
	}
	return "", fmt.Errorf("path %s is not among allowed.paths", path)
}
