package testbed

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// LastRelease is the newest version tag before this revision, "" before the first.
func LastRelease(t testing.TB) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "git", "describe", "--tags", "--abbrev=0", "--match", "v*", "HEAD^").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// SluiceAt builds the sluice program of another revision of this checkout and returns its path: for tests in which old and new workers meet.
func SluiceAt(t testing.TB, revision string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "checkout")
	git := func(args ...string) error {
		if out, err := exec.CommandContext(t.Context(), "git", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("git %s: %w\n%s", strings.Join(args, " "), err, out)
		}
		return nil
	}
	if err := git("worktree", "add", "--detach", dir, revision); err != nil {
		t.Fatalf("checking out revision %s: %v", revision, err)
	}
	t.Cleanup(func() {
		out, err := exec.CommandContext(context.Background(), "git", "worktree", "remove", "--force", dir).CombinedOutput()
		if err != nil {
			t.Errorf("removing the checkout of revision %s: %v\n%s", revision, err, out)
		}
	})
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(dir, "sluice"), sluicePackage)
	cmd.Dir = dir
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building revision %s: %v\n%s", revision, err, out)
	}
	return filepath.Join(dir, "sluice")
}
