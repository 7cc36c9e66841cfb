package scaffold

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"
)

//go:embed templates
var templates embed.FS

// New is a plugin to be written.
type New struct {
	Name string // the plugin's, or the path of a Go module that ends in it
	Sink bool   // else a source
	Dir  string // where to write it; "": a folder of the plugin's name
	SDK  string // the checkout of Sluice that it is built against, absolute
}

// Written is a plugin that was written.
type Written struct {
	Dir   string   // as it was given
	Files []string // within Dir, with slashes, in order
	Class string   // the connector's
}

// Write writes the plugin. Dir must be missing or empty; where writing fails, what was written is left.
func (n New) Write() (*Written, error) {
	name, err := parseName(n.Name, n.Sink)
	if err != nil {
		return nil, err
	}
	w := &Written{Dir: n.Dir, Class: name.class}
	if w.Dir == "" {
		w.Dir = name.plugin
	}
	dir, err := filepath.Abs(w.Dir)
	if err != nil {
		return nil, fmt.Errorf("finding the new plugin's folder: %w", err)
	}
	files, err := n.files(name, dir)
	if err != nil {
		return nil, err
	}
	switch there, err := os.ReadDir(w.Dir); {
	case err == nil && len(there) > 0:
		return nil, fmt.Errorf("%s is there already and is not empty: choose another name, or another folder with --dir", w.Dir)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("looking at the new plugin's folder: %w", err)
	}
	for _, f := range files {
		path := filepath.Join(w.Dir, filepath.FromSlash(f.path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, fmt.Errorf("making the new plugin's folder: %w", err)
		}
		if err := os.WriteFile(path, f.text, 0o644); err != nil {
			return nil, fmt.Errorf("writing the new plugin: %w", err)
		}
		w.Files = append(w.Files, f.path)
	}
	return w, nil
}

// file is one file of a plugin.
type file struct {
	path string
	text []byte
}

// values are what templates are filled with.
type values struct {
	Plugin, Module, Package, Class, Kind string
	Sink                                 bool
	File                                 string // that the connector reads or writes as it is first configured
}

// files are the files of the plugin, in the order in which they are worth reading.
func (n New) files(name name, dir string) ([]file, error) {
	v := values{Plugin: name.plugin, Module: name.module, Package: name.pkg, Class: name.class, Kind: "source", File: filepath.Join(dir, "in.txt")}
	if n.Sink {
		v.Kind, v.Sink, v.File = "sink", true, filepath.Join(dir, "out.txt")
	}
	var files []file
	for _, f := range []struct{ template, path string }{
		{v.Kind + ".go", v.Kind + ".go"},
		{v.Kind + "_test.go", v.Kind + "_test.go"},
		{"main.go", "cmd/" + v.Plugin + "/main.go"},
		{"connector.json", v.Plugin + ".json"},
		{"README.md", "README.md"},
		{"Makefile", "Makefile"},
		{"gitignore", ".gitignore"},
	} {
		text, err := fill(f.template, v)
		if err != nil {
			return nil, err
		}
		files = append(files, file{f.path, text})
	}
	mod, sum, err := goModule(v.Module, n.SDK)
	if err != nil {
		return nil, err
	}
	return append(files, file{"go.mod", mod}, file{"go.sum", sum}), nil
}

func fill(name string, v values) ([]byte, error) {
	t, err := template.New(name+".tmpl").Funcs(template.FuncMap{"json": quoted}).ParseFS(templates, "templates/"+name+".tmpl")
	if err != nil {
		return nil, fmt.Errorf("reading the template of %s: %w", name, err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, v); err != nil {
		return nil, fmt.Errorf("filling the template of %s: %w", name, err)
	}
	return out.Bytes(), nil
}

// quoted is a text as JSON has it.
func quoted(text string) (string, error) {
	out, err := json.Marshal(text)
	return string(out), err
}

// Tidy takes out of the plugin's go.mod what it does not need. It asks module proxies where the module cache lacks something; the plugin builds without it
// too.
func (w *Written) Tidy(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "mod", "tidy")
	cmd.Dir = w.Dir
	output, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return errors.New("there is no go command in PATH: a plugin is built with Go, see https://go.dev/dl")
	case err != nil:
		return fmt.Errorf("running go mod tidy: %w: %s", err, strings.TrimSpace(string(output)))
	}
	return nil
}
