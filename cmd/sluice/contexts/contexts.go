// Package contexts keeps what the command line knows of clusters: a file in which each has a name.
package contexts

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// File is the content of a contexts file. It holds no secrets: a password is in a file of its own.
type File struct {
	Current  string             `yaml:"current,omitempty" json:"current,omitempty"`
	Contexts map[string]Context `yaml:"contexts,omitempty" json:"contexts,omitempty"`
}

// Context is a cluster and how to get at it. All but Server may be empty.
type Context struct {
	Server           string `yaml:"server" json:"server"`
	User             string `yaml:"user,omitempty" json:"user,omitempty"`
	PasswordFile     string `yaml:"password-file,omitempty" json:"password-file,omitempty"`
	CAFile           string `yaml:"ca-file,omitempty" json:"ca-file,omitempty"`
	CertFile         string `yaml:"cert-file,omitempty" json:"cert-file,omitempty"`
	KeyFile          string `yaml:"key-file,omitempty" json:"key-file,omitempty"`
	BootstrapServers string `yaml:"bootstrap-servers,omitempty" json:"bootstrap-servers,omitempty"`
	KafkaConfig      string `yaml:"kafka-config,omitempty" json:"kafka-config,omitempty"`
}

// Path is where the contexts file is: in $XDG_CONFIG_HOME/sluice, or else in .config/sluice of the home directory.
func Path() (string, error) {
	dir := os.Getenv("XDG_CONFIG_HOME")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("looking for the contexts file: %w", err)
		}
		dir = filepath.Join(home, ".config")
	}
	return filepath.Join(dir, "sluice", "config.yaml"), nil
}

// Load reads a contexts file; one that is not there is empty.
func Load(path string) (*File, error) {
	f := &File{Contexts: map[string]Context{}}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading contexts: %w", err)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(f); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading contexts %s: %w", path, err)
	}
	if f.Contexts == nil {
		f.Contexts = map[string]Context{}
	}
	return f, nil
}

// Names are those of all contexts, sorted.
func (f *File) Names() []string { return slices.Sorted(maps.Keys(f.Contexts)) }

// NotFoundError says that there is no context of that name.
type NotFoundError struct {
	Name  string
	Known []string
}

func (e *NotFoundError) Error() string {
	known := "there is none yet: sluice context set " + e.Name + " --server URL"
	if len(e.Known) > 0 {
		known = "there are " + strings.Join(e.Known, ", ")
	}
	return fmt.Sprintf("there is no context %s: %s", e.Name, known)
}

// Context returns a context by its name.
func (f *File) Context(name string) (Context, error) {
	c, ok := f.Contexts[name]
	if !ok {
		return c, &NotFoundError{Name: name, Known: f.Names()}
	}
	return c, nil
}

// Save writes the file whole or not at all.
func (f *File) Save(path string) error {
	data, err := yaml.Marshal(f)
	if err != nil {
		return fmt.Errorf("writing contexts: %w", err)
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("writing contexts: %w", err)
	}
	next, err := os.CreateTemp(dir, ".config-*.yaml") // with mode 0600
	if err != nil {
		return fmt.Errorf("writing contexts: %w", err)
	}
	_, err = next.Write(data)
	err = errors.Join(err, next.Sync(), next.Close())
	if err == nil {
		err = os.Rename(next.Name(), path)
	}
	if err != nil {
		_ = os.Remove(next.Name()) // it is of no use
		return fmt.Errorf("writing contexts: %w", err)
	}
	return nil
}
