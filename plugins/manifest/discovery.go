package manifest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Discover reads the manifests of the folders in plugin.path and of those one level below, in the order of the path and then of their names. One that is
// broken, or whose plugin was found before, is told among the problems and hides no other. What has no plugin.json is passed over: it may be a plugin
// of Java's, whose workers can share the file.
func Discover(path []string) (found []*Manifest, problems []error) {
	seen := map[string]string{}
	take := func(dir string) (there bool) {
		if !isFile(filepath.Join(dir, FileName)) {
			return false
		}
		m, err := Read(dir)
		if err != nil {
			problems = append(problems, err)
			return true
		}
		if first, again := seen[m.String()]; again {
			if first != m.Dir {
				problems = append(problems, &Error{File: m.File(), Cause: fmt.Sprintf("%s is in %s already, which is used: remove one, or give it "+
					"another version", m, first)})
			}
			return true
		}
		seen[m.String()] = m.Dir
		found = append(found, m)
		return true
	}
	for _, dir := range path {
		if take(dir) {
			continue
		}
		below, err := os.ReadDir(dir)
		switch is, statErr := os.Stat(dir); {
		case err == nil:
		case statErr == nil && !is.IsDir(): // a jar
			continue
		case errors.Is(err, fs.ErrNotExist):
			problems = append(problems, fmt.Errorf("plugin.path: there is no folder %s: create it, or take it out", dir))
			continue
		default:
			problems = append(problems, fmt.Errorf("plugin.path: %w", err))
			continue
		}
		for _, entry := range below {
			take(filepath.Join(dir, entry.Name())) // a symbolic link to a folder is one
		}
	}
	return found, problems
}
