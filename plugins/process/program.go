package process

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// Algorithm begins a checksum.
const Algorithm = "sha256:"

// Checksum is that of a file, as [Launch] and plugin.json have it.
func Checksum(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // read only
	return checksum(f)
}

func checksum(f *os.File) (string, error) {
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return "", fmt.Errorf("reading %s: %w", f.Name(), err)
	}
	return Algorithm + hex.EncodeToString(hash.Sum(nil)), nil
}

// program is the file that is executed.
type program struct {
	plugin string
	path   string // absolute
	// pinned is the file whose checksum was found right, if the system can execute an open file: then no other can take its place in between.
	pinned *os.File
}

// find looks for a program and checks it.
func find(l *Launch) (*program, error) {
	fail := func(class error, format string, args ...any) (*program, error) {
		return nil, &startError{plugin: l.Plugin, class: class, text: fmt.Sprintf(format, args...)}
	}
	if len(l.Command) == 0 || l.Command[0] == "" {
		return fail(ErrMissing, "there is no command: name the program in command of its plugin.json")
	}
	p := &program{plugin: l.Plugin, path: l.Command[0]}
	if !strings.ContainsRune(p.path, filepath.Separator) {
		found, err := exec.LookPath(p.path)
		if err != nil {
			return fail(ErrMissing, "there is no program %s in PATH: install it, or name its file (./%s) in command of plugin.json", p.path, p.path)
		}
		p.path = found
	}
	path, err := within(l.Dir, p.path)
	if err != nil {
		return fail(ErrMissing, "%v", err)
	}
	p.path = path
	is, err := os.Stat(p.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fail(ErrMissing, "there is no %s: put the program there, or name it in command of plugin.json", p.path)
	case err != nil:
		return fail(ErrMissing, "%v", err)
	case !is.Mode().IsRegular():
		return fail(ErrNotExecutable, "%s is not a file: name the program in command of plugin.json", p.path)
	case is.Mode()&0o111 == 0:
		return fail(ErrNotExecutable, "%s may not be executed: chmod +x %s", p.path, p.path)
	}
	if l.Checksum == "" {
		return p, nil
	}
	file := p.path
	if l.Program != "" {
		if file, err = within(l.Dir, l.Program); err != nil {
			return fail(ErrMissing, "%v", err)
		}
	}
	f, err := os.Open(file)
	if err != nil {
		return fail(ErrChecksum, "its checksum cannot be taken: %v", err)
	}
	sum, err := checksum(f)
	if err == nil && sum != l.Checksum {
		err = fmt.Errorf("%s has the checksum %s, but plugin.json pinned %s when it was read: if the plugin was installed anew since, restart the worker, "+
			"which reads plugin.json when it starts; if it was you who changed the program, pin it with sluice plugin check --write first; else install it anew",
			file, sum, l.Checksum)
	}
	if err != nil || file != p.path || !isELF(f) {
		_ = f.Close() // read only
	} else {
		p.pinned = f
	}
	if err != nil {
		return fail(ErrChecksum, "%v", err)
	}
	return p, nil
}

func within(dir, path string) (string, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	return filepath.Abs(path)
}

// isELF reports whether a file is machine code. A script's interpreter opens the script itself, by its name.
func isELF(f *os.File) bool {
	magic := make([]byte, 4)
	_, err := f.ReadAt(magic, 0)
	return err == nil && bytes.Equal(magic, []byte("\x7fELF"))
}

func (p *program) close() {
	if p.pinned != nil {
		_ = p.pinned.Close() // read only
	}
}

// refused explains why the system does not start the program.
func (p *program) refused(err error) error {
	e := &startError{plugin: p.plugin, class: ErrNotExecutable}
	switch {
	case errors.Is(err, syscall.ENOEXEC):
		e.text = fmt.Sprintf("%s is no program for %s/%s: build it for that, or, if it is a script, name its interpreter in its first line (#!)",
			p.path, runtime.GOOS, runtime.GOARCH)
	case errors.Is(err, fs.ErrNotExist):
		e.class = ErrMissing
		e.text = fmt.Sprintf("%s is there, but its interpreter (the one its first line names, or the loader of its libraries) or its working "+
			"directory is not", p.path)
	case errors.Is(err, fs.ErrPermission):
		e.text = fmt.Sprintf("%s may not be executed (%v): look at its permissions, and whether its file system is mounted with noexec", p.path, err)
	default:
		e.text = fmt.Sprintf("starting %s: %v", p.path, err)
	}
	return e
}
