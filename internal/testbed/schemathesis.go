package testbed

import (
	"context"
	_ "embed"
	"fmt"
	"path/filepath"
	"testing"
)

// schemathesisList pins schemathesis; a changed list is another directory in the cache.
//
//go:embed schemathesis.txt
var schemathesisList []byte

// Schemathesis is the path of a program that invents requests from an OpenAPI document and judges the answers. The first call on a machine fetches
// 60 MB.
func Schemathesis(t testing.TB) string {
	t.Helper()
	Need(t, Python)
	program, err := FetchSchemathesis(t.Context())
	if err != nil {
		giveUp(t, fmt.Sprintf("schemathesis (%v)", err), "go run ./internal/testbed/prepare")
	}
	return program
}

// FetchSchemathesis brings schemathesis into a virtual environment of the cache through pip, unless it is there, and returns its path.
func FetchSchemathesis(ctx context.Context) (string, error) {
	dir, err := fetchPython(ctx, "schemathesis", schemathesisList)
	if err != nil {
		return "", fmt.Errorf("fetching schemathesis: %w", err)
	}
	return filepath.Join(dir, "bin", "schemathesis"), nil
}
