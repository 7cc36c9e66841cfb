package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// set writes to a file of a control group, which is there already: the system makes them.
func set(dir, file, value string) error {
	f, err := os.OpenFile(filepath.Join(dir, file), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}

// groupName begins the names of control groups.
const groupName = "sluice-plugin-"

// sweep removes the groups of workers that were killed, with what has outlived them.
func sweep(parent string) {
	groups, err := filepath.Glob(filepath.Join(parent, groupName+"*"))
	if err != nil {
		return // of the pattern, which is a good one
	}
	for _, dir := range groups {
		open, err := os.Open(dir)
		if err != nil {
			continue // another user's, or gone meanwhile
		}
		if unix.Flock(int(open.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			_ = set(dir, "cgroup.kill", "1") // what was killed just now is gone by the next time
			_ = unix.Rmdir(dir)
		}
		_ = open.Close() // a folder
	}
}

// groupParent is the control group in which this worker may make others. A group with processes in it cannot be divided, unless it is the topmost of the
// system. So it is the one above the worker's own if systemd has handed that over (Delegate=yes and DelegateSubgroup=, of systemd 254), or the worker's own
// after it has left that for one below (Delegate=yes).
func groupParent() (string, error) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return "", err
	}
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", err
	}
	var root, path string
	for line := range strings.Lines(string(mounts)) {
		if fields := strings.Fields(line); len(fields) > 2 && fields[2] == "cgroup2" {
			root = fields[1]
		}
	}
	for line := range strings.Lines(string(own)) {
		if rest, ok := strings.CutPrefix(line, "0::"); ok {
			path = strings.TrimSpace(rest)
		}
	}
	if root == "" || path == "" {
		return "", errors.New("there is no cgroup v2 here")
	}
	dir := filepath.Join(root, path)
	if _, err := os.Stat(filepath.Join(dir, "cgroup.type")); errors.Is(err, fs.ErrNotExist) { // all have one but the topmost
		return dir, nil
	}
	if path != "/" && delegated(filepath.Dir(dir)) {
		return filepath.Dir(dir), nil
	}
	if delegated(dir) {
		return dir, vacate(dir)
	}
	return "", fmt.Errorf("control group %s, which the worker is in, is not handed over to it", path)
}

// delegated reports whether systemd has handed a control group over.
func delegated(dir string) bool {
	for _, mark := range []string{"user.delegate", "trusted.delegate"} {
		value := make([]byte, 1)
		if n, err := unix.Getxattr(dir, mark, value); err == nil && n == 1 && value[0] == '1' {
			return true
		}
	}
	return false
}

// vacate moves what runs in a control group, this worker among it, into one below.
func vacate(dir string) error {
	below := filepath.Join(dir, "worker")
	if err := os.Mkdir(below, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	pids, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	if err != nil {
		return err
	}
	for pid := range strings.FieldsSeq(string(pids)) {
		if err := set(below, "cgroup.procs", pid); err != nil && !errors.Is(err, unix.ESRCH) { // it has ended
			return err
		}
	}
	return nil
}
