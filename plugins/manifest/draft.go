package manifest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/sluice-connect/sluice/plugins/contract"
)

// Draft is a manifest for a program that has none: with the command alone, or, if that is empty, with the program in the folder that is called like the
// folder, or that is the only one. What else belongs into it the program says when it runs.
func Draft(dir string, command []string) (*Manifest, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	m := &Manifest{Dir: dir, Name: filepath.Base(dir), Contract: contract.Version, Command: command}
	if len(command) > 0 {
		return m, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("looking for a plugin: %w", err)
	}
	var programs []string
	for _, entry := range entries {
		is, err := os.Stat(filepath.Join(dir, entry.Name())) // what a symbolic link leads to
		if err == nil && is.Mode().IsRegular() && is.Mode()&0o111 != 0 {
			programs = append(programs, entry.Name())
		}
		if entry.Name() == m.Name && len(programs) > 0 && programs[len(programs)-1] == m.Name {
			m.Command = []string{"./" + m.Name}
			return m, nil
		}
	}
	switch len(programs) {
	case 0:
		return nil, fmt.Errorf("%s: no program is in it: build one there, or name its command behind the folder", dir)
	case 1:
		m.Command = []string{"./" + programs[0]}
		return m, nil
	}
	return nil, fmt.Errorf("%s: several programs are in it (%s): name the command behind the folder", dir, strings.Join(programs, ", "))
}
