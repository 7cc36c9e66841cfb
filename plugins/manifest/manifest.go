package manifest

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/sluice-connect/sluice/plugins/contract"
)

// FileName is what a manifest is called.
const FileName = "plugin.json"

// Manifest is what a plugin.json says.
type Manifest struct {
	Dir string // the folder that it is in

	Name    string // of letters, digits, dots, dashes and underscores
	Version string
	// Contract is the version of the contract that the program speaks.
	Contract int
	// Command is the program and its arguments. A program that is in the folder is that one, another is looked up in PATH. It runs in the folder.
	Command []string
	// Checksum is that of the [Manifest.Program], as "sha256:" and 64 hexadecimal digits; "" for a program that may change.
	Checksum string
	// Env are names of variables that the program gets from the worker's environment.
	Env    []string
	Limits Limits
	// Classes are what the plugin brings. Their keys are checked, so that [contract.Class] can be used as it is.
	Classes []*contract.Class
}

// Limits bound what the program may use; zero is no bound.
type Limits struct {
	Memory int64 // bytes
	CPUs   float64
}

// File is the manifest's path.
func (m *Manifest) File() string { return filepath.Join(m.Dir, FileName) }

// String is the plugin's name and version.
func (m *Manifest) String() string { return m.Name + " " + m.Version }

// Description is what the running plugin must say of itself.
func (m *Manifest) Description() *contract.Description {
	return &contract.Description{Name: m.Name, Version: m.Version, Classes: m.Classes}
}

// Start is the command as it is executed in the folder: a program that is there is named with a path.
func (m *Manifest) Start() []string {
	command := append([]string(nil), m.Command...)
	if len(command) > 0 && !strings.ContainsRune(command[0], filepath.Separator) && isFile(filepath.Join(m.Dir, command[0])) {
		command[0] = "." + string(filepath.Separator) + command[0]
	}
	return command
}

// Program is the file that the checksum is of: the first word of the command that is a file of the folder, which of an interpreted plugin is its
// script, or else the program itself. A link out of the folder is none of its files: as such a virtual environment has its interpreter. "" if there is
// none.
func (m *Manifest) Program() string {
	for _, word := range m.Command {
		if path := filepath.Join(m.Dir, word); !filepath.IsAbs(word) && isFile(path) && m.holds(path) {
			return path
		}
	}
	if len(m.Command) > 0 && filepath.IsAbs(m.Command[0]) && isFile(m.Command[0]) {
		return m.Command[0]
	}
	return ""
}

// holds reports whether what a path leads to is in the folder.
func (m *Manifest) holds(path string) bool {
	dir, err := filepath.EvalSymlinks(m.Dir)
	if err != nil {
		return false
	}
	real, err := filepath.EvalSymlinks(path)
	return err == nil && strings.HasPrefix(real, dir+string(filepath.Separator))
}

// Environment is the granted variables with the values that they have here, as NAME=value. One that is not set here is not set there.
func (m *Manifest) Environment() []string {
	var out []string
	for _, name := range m.Env {
		if value, set := os.LookupEnv(name); set {
			out = append(out, name+"="+value)
		}
	}
	return out
}

func isFile(path string) bool {
	is, err := os.Stat(path)
	return err == nil && is.Mode().IsRegular()
}
