package process

import (
	"errors"
	"fmt"
	"io/fs"
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
	dir    string   // the control group
	open   *os.File // it, for the fork; nil for none. It is locked, by which other workers know that it is in use
	held   Limits   // those of the limits that the control group holds
}

// newBounds makes the control group, if there is anything to bound. Where that cannot be, the log says what is not enforced, and why.
func newBounds(l *Launch, log *slog.Logger) *bounds {
	b := &bounds{limits: l.Limits, log: log}
	if l.Limits != (Limits{}) {
		b.tell(b.makeGroup())
	}
	return b
}

// forgo does without the control group, which takes no process in.
func (b *bounds) forgo(err error) {
	b.close()
	b.open, b.held = nil, Limits{}
	b.tell(err)
}

// tell has the log say which limits the control group does not hold.
func (b *bounds) tell(err error) {
	if b.held.CPUs != b.limits.CPUs {
		b.log.Warn("the plugin's CPU limit is not enforced: "+groupFix, "cpus", b.limits.CPUs, "error", err)
	}
	if b.held.Memory != b.limits.Memory {
		b.log.Info("the plugin's memory limit is one of its data segment (RLIMIT_DATA), not of a control group: "+groupFix,
			"memory", b.limits.Memory, "error", err)
	}
}

const groupFix = "the worker needs a control group (cgroup v2) that it may divide; under systemd: Delegate=yes"

// groupTries is how often a group is made that another worker takes for left over, because it looks in the moment between making and locking.
const groupTries = 3

// makeGroup makes the control group. Where the system has controllers for some of the limits alone there is both a group and an error.
func (b *bounds) makeGroup() error {
	parent, err := groupParent()
	if err != nil {
		return err
	}
	sweep(parent)
	for range groupTries {
		if err = b.makeGroupIn(parent); err == nil || b.grouped() {
			return err
		}
	}
	return err
}

// cpuPeriod is that of cpu.max, in microseconds: the kernel's own.
const cpuPeriod = 100_000

// controller is one of the system's for control groups, and what its files are told.
type controller struct {
	name  string
	files map[string]string
	holds func(held *Limits)
}

// controllers are those that it takes to hold the limits.
func (l Limits) controllers() (all []controller) {
	if l.Memory > 0 {
		files := map[string]string{"memory.max": strconv.FormatInt(l.Memory, 10), "memory.swap.max": "0", "memory.oom.group": "1"}
		all = append(all, controller{"memory", files, func(held *Limits) { held.Memory = l.Memory }})
	}
	if l.CPUs > 0 {
		files := map[string]string{"cpu.max": fmt.Sprintf("%d %d", max(1000, int64(l.CPUs*cpuPeriod)), cpuPeriod)}
		all = append(all, controller{"cpu", files, func(held *Limits) { held.CPUs = l.CPUs }})
	}
	return all
}

func (b *bounds) makeGroupIn(parent string) (err error) {
	can, err := os.ReadFile(filepath.Join(parent, "cgroup.controllers"))
	if err != nil {
		return err
	}
	var lacking error
	var all []controller
	for _, c := range b.limits.controllers() {
		if !slices.Contains(strings.Fields(string(can)), c.name) {
			lacking = errors.Join(lacking, fmt.Errorf("control group %s has no %s controller", parent, c.name))
			continue
		}
		if err := set(parent, "cgroup.subtree_control", "+"+c.name); err != nil {
			return err
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return lacking
	}
	if b.dir, err = os.MkdirTemp(parent, groupName); err != nil {
		return err
	}
	defer func() {
		if err != nil && !b.grouped() {
			_ = unix.Rmdir(b.dir) // nothing is in it
			b.held = Limits{}
		}
	}()
	open, err := os.Open(b.dir)
	if err != nil {
		return err
	}
	if err := unix.Flock(int(open.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return errors.Join(err, open.Close())
	}
	for _, c := range all {
		for file, value := range c.files {
			err := set(b.dir, file, value)
			if err != nil && !(file == "memory.swap.max" && errors.Is(err, fs.ErrNotExist)) { // a kernel that does not count swap
				return errors.Join(err, open.Close())
			}
		}
		c.holds(&b.held)
	}
	b.open = open
	return lacking
}

// grouped reports whether there is a control group.
func (b *bounds) grouped() bool { return b.open != nil }

// enter has a process begin in its control group.
func (b *bounds) enter(cmd *exec.Cmd) {
	if b.grouped() {
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(b.open.Fd())
	}
}

// apply bounds the memory of a process whose control group does not. What counts is its data segment: private memory that can be written. The address
// space is no measure, because programs in Go, Java and Python reserve much more of it than they use.
func (b *bounds) apply(pid int) {
	if b.held.Memory == b.limits.Memory {
		return
	}
	most := uint64(b.limits.Memory)
	if err := unix.Prlimit(pid, unix.RLIMIT_DATA, &unix.Rlimit{Cur: most, Max: most}, nil); err != nil {
		b.log.Warn("the plugin's memory limit is not enforced", "error", err)
	}
}

// kill ends all that is in the control group, also what has left the process's group.
func (b *bounds) kill() {
	if b.grouped() {
		_ = set(b.dir, "cgroup.kill", "1") // since Linux 5.14; the process itself is killed in any case
	}
}

// outOfMemory reports whether the kernel has killed the process for its memory limit.
func (b *bounds) outOfMemory() bool {
	if !b.grouped() {
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
	if !b.grouped() {
		return
	}
	b.kill()
	defer func() { _ = b.open.Close() }() // a folder
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
