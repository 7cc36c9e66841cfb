package certstore

import (
	"errors"
	"fmt"
	"os"
)

// Setting is a value with the configuration key it came from, which errors name.
type Setting struct {
	Key, Value string
}

// Store says where certificates or keys are found. The zero value is no store.
type Store struct {
	// Location is the path of a PEM, PKCS12, JKS or DER file.
	Location Setting
	// Inline is the store itself: PEM text, or the base64 text of any kind of store. It is used where Location is empty.
	Inline Setting
	// Password opens a PKCS12 or JKS store. A JKS store of certificates alone opens without one.
	Password Setting
}

// Configured reports whether there is a store at all.
func (s Store) Configured() bool { return s.Location.Value != "" || s.Inline.Value != "" }

// origin is the setting that names the store.
func (s Store) origin() Setting {
	if s.Location.Value != "" {
		return s.Location
	}
	return s.Inline
}

// Error is a store or setting that cannot be used. Its text names the configuration key, the cause and, where there is one, the fix.
type Error struct {
	// Key is the configuration key to change.
	Key string
	// Location is the path of the file; empty for a value that stands in the configuration.
	Location string
	// Cause holds no password.
	Cause error
}

func (e *Error) Error() string {
	if e.Location == "" {
		return fmt.Sprintf("%s: %v", e.Key, e.Cause)
	}
	return fmt.Sprintf("%s: file %s: %v", e.Key, e.Location, e.Cause)
}

func (e *Error) Unwrap() error { return e.Cause }

// Causes that callers may ask for with [errors.Is].
var (
	// ErrPassword is a wrong or missing password.
	ErrPassword = errors.New("wrong or missing password")
	// ErrContent is a store without what was looked for in it.
	ErrContent = errors.New("unusable content")
)

func (s Store) fail(cause error) error {
	at := s.origin()
	if at == s.Location {
		return &Error{Key: at.Key, Location: at.Value, Cause: cause}
	}
	return &Error{Key: at.Key, Cause: cause}
}

// failPassword blames the password's key, if there is one.
func (s Store) failPassword(p Setting) error {
	if p.Key == "" {
		return s.fail(ErrPassword)
	}
	return s.fail(fmt.Errorf("%w: check %s", ErrPassword, p.Key))
}

// maxStore bounds the size of a store file in bytes: the largest collections of roots are below 1 MiB.
const maxStore = 16 << 20

func (s Store) read() ([]byte, error) {
	if s.Location.Value == "" {
		return []byte(s.Inline.Value), nil
	}
	info, err := os.Stat(s.Location.Value)
	if err != nil {
		return nil, s.fail(withoutPath(err))
	}
	if !info.Mode().IsRegular() {
		return nil, s.fail(fmt.Errorf("%w: not a file", ErrContent))
	}
	if info.Size() > maxStore {
		return nil, s.fail(fmt.Errorf("%w: larger than %d bytes", ErrContent, maxStore))
	}
	data, err := os.ReadFile(s.Location.Value)
	if err != nil {
		return nil, s.fail(withoutPath(err))
	}
	return data, nil
}

// withoutPath drops the path that os puts into its errors, because Error already says it.
func withoutPath(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
