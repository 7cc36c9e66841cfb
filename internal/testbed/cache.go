package testbed

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Environment variables that tests and whoever runs them agree on.
const (
	// CacheEnv names the directory for downloads; default sluice-testbed in the user's cache directory.
	CacheEnv = "SLUICE_TEST_CACHE"
	// KafkaEnv is the host:port of a Kafka that all tests of a run share; without it each package starts its own.
	KafkaEnv = "SLUICE_TEST_KAFKA"
	// RegistryEnv is the URL of a schema registry that all tests of a run share; without it each package starts its own.
	RegistryEnv = "SLUICE_TEST_REGISTRY"
	// BinaryEnv is a sluice program built for the run; without it each package builds its own.
	BinaryEnv = "SLUICE_TEST_BINARY"
)

func cacheDir() (string, error) {
	dir := os.Getenv(CacheEnv)
	if dir == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("finding the cache directory (set %s to choose one): %w", CacheEnv, err)
		}
		dir = filepath.Join(base, "sluice-testbed")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("creating the cache directory (set %s to choose another): %w", CacheEnv, err)
	}
	return dir, nil
}

// lockCache makes test processes that want to fill the cache do so one after the other. Closing the file unlocks.
func lockCache(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("locking the cache: %w", err)
	}
	if err := waitForLock(f); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("locking the cache: %w", err)
	}
	return f, nil
}

// fetched is a directory of the cache, which fill makes unless it is there. fill is given its final path, because some things do not survive a move; a
// file beside it says that it is complete. Processes that call it at the same time fill it once.
func fetched(name string, fill func(dir string) error) (string, error) {
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	lock, err := lockCache(cache)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	dir := filepath.Join(cache, name)
	complete := dir + ".complete"
	if _, err := os.Stat(complete); err == nil {
		return dir, nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", fmt.Errorf("removing what was not completed: %w", err)
	}
	if err := fill(dir); err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	return dir, os.WriteFile(complete, nil, 0o644)
}
