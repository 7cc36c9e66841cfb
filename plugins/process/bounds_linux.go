package process

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// bounds are the limits of one process: a control group (cgroup v2) of its own where this worker may make one, else a resource limit for memory.
type bounds struct {
	limits Limits
	log    *slog.Logger
	dir    string   // the control group; "" for none
	open   *os.File // it, for the fork
}

// newBounds makes the control group, if there is anything to bound. Where that cannot be, the log says what is not enforced, and why.
func newBounds(l *Launch, log *slog.Logger) (*bounds, error) {
	b := &bounds{limits: l.Limits, log: log}
	if l.Limits == (Limits{}) {
		return b, nil
	}
	err := b.makeGroup()
	if err == nil {
		return b, nil
	}
	b.close()
	if l.Limits.CPUs > 0 {
		log.Warn("the plugin's CPU limit is not enforced: "+groupFix, "cpus", l.Limits.CPUs, "error", err)
	}
	if l.Limits.Memory > 0 {
		log.Info("the plugin's memory limit is one of its data segment (RLIMIT_DATA), not of a control group: "+groupFix,
			"memory", l.Limits.Memory, "error", err)
	}
	return b, nil
}

const groupFix = "the worker needs a control group (cgroup v2) that it may divide; under systemd: Delegate=yes and DelegateSubgroup=worker"

// cpuPeriod is that of cpu.max, in microseconds: the kernel's own.
const cpuPeriod = 100_000

func (b *bounds) makeGroup() error {
	parents, err := groupParents()
	if err != nil {
		return err
	}
	for _, parent := range parents {
		if err = b.makeGroupIn(parent); err == nil {
			return nil
		}
	}
	return err
}

func (b *bounds) makeGroupIn(parent string) error {
	set := map[string]string{}
	var controllers []string
	if b.limits.Memory > 0 {
		controllers = append(controllers, "memory")
		set["memory.max"], set["memory.swap.max"], set["memory.oom.group"] = strconv.FormatInt(b.limits.Memory, 10), "0", "1"
	}
	if b.limits.CPUs > 0 {
		controllers = append(controllers, "cpu")
		set["cpu.max"] = fmt.Sprintf("%d %d", max(1000, int64(b.limits.CPUs*cpuPeriod)), cpuPeriod)
	}
	there, err := os.ReadFile(filepath.Join(parent, "cgroup.subtree_control"))
	if err != nil {
		return err
	}
	for _, c := range controllers {
		if slices.Contains(strings.Fields(string(there)), c) {
			continue
		}
		if err := os.WriteFile(filepath.Join(parent, "cgroup.subtree_control"), []byte("+"+c), 0); err != nil {
			return err
		}
	}
	if b.dir, err = os.MkdirTemp(parent, groupName); err != nil {
		return err
	}
	for file, value := range set {
		err := os.WriteFile(filepath.Join(b.dir, file), []byte(value), 0)
		if err != nil && !(file == "memory.swap.max" && errors.Is(err, os.ErrNotExist)) { // a kernel that does not count swap
			return err
		}
	}
	b.open, err = os.Open(b.dir)
	return err
}

// groupName begins the names of control groups.
const groupName = "sluice-plugin-"

// groupParents are the control groups in which this worker may make others: its own, and the one above if systemd has handed that over. A group with
// processes in it cannot be divided, unless it is the topmost, so that the second is what mostly works.
func groupParents() ([]string, error) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, err
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
		return nil, errors.New("there is no cgroup v2 here")
	}
	dir := filepath.Join(root, path)
	parents := []string{dir}
	above := filepath.Dir(dir)
	for _, mark := range []string{"user.delegate", "trusted.delegate"} {
		if value := make([]byte, 1); path != "/" {
			if n, err := unix.Getxattr(above, mark, value); err == nil && n == 1 && value[0] == '1' {
				return append(parents, above), nil
			}
		}
	}
	return parents, nil
}

// enter has a process begin in its control group.
func (b *bounds) enter(cmd *exec.Cmd) {
	if b.open != nil {
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(b.open.Fd())
	}
}

// apply bounds a process that has no control group. What counts is its data segment: private memory that can be written. The address space is no
// measure, because programs in Go, Java and Python reserve much more of it than they use.
func (b *bounds) apply(pid int) {
	if b.open != nil || b.limits.Memory <= 0 {
		return
	}
	most := uint64(b.limits.Memory)
	if err := unix.Prlimit(pid, unix.RLIMIT_DATA, &unix.Rlimit{Cur: most, Max: most}, nil); err != nil {
		b.log.Warn("the plugin's memory limit is not enforced", "error", err)
	}
}

// kill ends all that is in the control group, also what has left the process's group.
func (b *bounds) kill() {
	if b.open != nil {
		_ = os.WriteFile(filepath.Join(b.dir, "cgroup.kill"), []byte("1"), 0) // since Linux 5.14; the process itself is killed in any case
	}
}

// outOfMemory reports whether the kernel has killed the process for its memory limit.
func (b *bounds) outOfMemory() bool {
	if b.open == nil {
		return false
	}
	events, err := os.ReadFile(filepath.Join(b.dir, "memory.events"))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(events)) {
		if name, count, _ := strings.Cut(strings.TrimSpace(line), " "); name == "oom_kill" {
			return count != "0"
		}
	}
	return false
}

// groupPatience is how long the control group's last processes get to be gone after they were killed.
const groupPatience = 2 * time.Second

// close ends the control group and what is left in it.
func (b *bounds) close() {
	if b.dir == "" {
		return
	}
	b.kill()
	if b.open != nil {
		_ = b.open.Close() // a folder
	}
	patience := time.NewTimer(groupPatience)
	defer patience.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		err := unix.Rmdir(b.dir)
		if !errors.Is(err, unix.EBUSY) {
			return
		}
		select {
		case <-tick.C:
		case <-patience.C:
			b.log.Warn("a plugin's control group cannot be removed", "group", b.dir, "error", err)
			return
		}
	}
}
