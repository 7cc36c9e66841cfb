package scaffold

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/modfile"
)

// sluice is the module that the SDK is part of.
const sluice = "github.com/sluice-connect/sluice"

// ErrNoSDK is the class of errors about a checkout of Sluice that was not found.
var ErrNoSDK = errors.New("no checkout of Sluice")

// SDK finds the checkout of Sluice that a plugin is built against: given, if it is not empty; else the first that one of the places lies in. An
// error of class [ErrNoSDK] says what to do.
func SDK(given string, places ...string) (string, error) {
	if given != "" {
		dir, err := filepath.Abs(given)
		if err != nil {
			return "", fmt.Errorf("finding the checkout %s: %w", given, err)
		}
		if !isCheckout(dir) {
			return "", fmt.Errorf("%w in %s (--sdk): there is no go.mod of %s", ErrNoSDK, dir, sluice)
		}
		return dir, nil
	}
	for _, place := range places {
		if dir := enclosing(place); dir != "" {
			return dir, nil
		}
	}
	return "", fmt.Errorf("%w was found from here or from this program, and a plugin is built against one until the SDK is published: name yours with --sdk DIR", ErrNoSDK)
}

// enclosing is the checkout that a file or a directory lies in, "" for none.
func enclosing(place string) string {
	if !filepath.IsAbs(place) {
		return ""
	}
	if real, err := filepath.EvalSymlinks(place); err == nil {
		place = real
	}
	for dir := place; ; dir = filepath.Dir(dir) {
		if isCheckout(dir) {
			return dir
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}

func isCheckout(dir string) bool {
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	return err == nil && modfile.ModulePath(text) == sluice
}
