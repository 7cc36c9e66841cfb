package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// DirInUseError says that another process holds the data directory.
type DirInUseError struct {
	Dir string
	// PID is the holder's process id as it wrote it down; empty when it cannot be read.
	PID string
	// Hint names the setting that chooses another directory, e.g. "--data-dir"; may be empty.
	Hint string
}

// Error names the directory, its holder and the way out.
func (e *DirInUseError) Error() string {
	text := "the data directory " + e.Dir + " is in use by another process"
	if e.PID != "" {
		text += " (pid " + e.PID + ")"
	}
	text += ": stop it"
	if e.Hint != "" {
		text += ", or choose another directory with " + e.Hint
	}
	return text
}

// elsewhere is the way out for a directory that cannot be used.
func elsewhere(hint string) string {
	if hint == "" {
		return ""
	}
	return ": choose another directory with " + hint
}

var errLocked = errors.New("locked by another process")

// lockDir takes the directory for this process, creating it if need be. The lock is the operating system's, so it ends with
// the process however that dies; the file stays behind and means nothing.
func lockDir(dir, hint string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("creating the data directory: %w%s", err, elsewhere(hint))
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the lock of the data directory: %w%s", err, elsewhere(hint))
	}
	if err := lockFile(f); err != nil {
		holder, _ := os.ReadFile(f.Name())
		_ = f.Close()
		if errors.Is(err, errLocked) {
			return nil, &DirInUseError{Dir: dir, PID: strings.TrimSpace(string(holder)), Hint: hint}
		}
		return nil, fmt.Errorf("locking the data directory %s: %w", dir, err)
	}
	if err := f.Truncate(0); err == nil {
		_, _ = fmt.Fprintln(f, os.Getpid())
	}
	return f, nil
}
