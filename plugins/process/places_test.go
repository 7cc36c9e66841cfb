//go:build linux && controlgroups

package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// allHold is what the first process of a virtual machine says at its end if no test has failed in any place.
const allHold = "limits hold in all places"

const (
	groupsRoot = "/sys/fs/cgroup"
	nobody     = 65534
	both       = "cpu memory"
)

// place is where a worker can be.
type place struct {
	name   string
	unit   string // the control group of its service, below the topmost one; "" for that itself
	worker string // the group of the worker below that of its service; "" for that itself
	mark   string // the attribute by which systemd says that the service's group is handed over; "" for one that is not
	owner  int    // of the service's group and of the worker
	files  []string
	has    string // controllers that the service's group has
	hold   string // and those that can hold limits
	brief  bool   // what differs from other places is whether a group can be made
}

// handedOver are the files of a control group that systemd gives to the owner of a service, beside the folder.
var handedOver = []string{"cgroup.procs", "cgroup.threads", "cgroup.subtree_control"}

var places = []place{
	{name: "the topmost group", has: both, hold: both},
	{name: "below one that is handed over", unit: "a.service", worker: "worker", mark: "trusted.delegate", files: handedOver, has: both, hold: both, brief: true},
	{name: "in one that is handed over", unit: "b.service", mark: "user.delegate", files: handedOver, has: both, hold: both, brief: true},
	{name: "below nobody's", unit: "c.service", worker: "worker", mark: "user.delegate", owner: nobody, files: handedOver, has: both, hold: both, brief: true},
	{name: "in nobody's", unit: "d.service", mark: "user.delegate", owner: nobody, files: handedOver, has: both, hold: both},
	{name: "without the memory controller", unit: "cpu.slice/e.service", worker: "worker", mark: "user.delegate", files: handedOver, has: "cpu", hold: "cpu"},
	{name: "in one that is not handed over", unit: "f.scope", has: both},
	{name: "below one that is not handed over", unit: "g.service", worker: "worker", has: both},
	{name: "where processes may not be moved", unit: "h.service", worker: "worker", mark: "user.delegate", owner: nobody, files: handedOver[2:], has: both},
}

// Tests: all, and those of whether there is a group.
const (
	allTests   = "^Test(AControlGroup|TheControlGroup|WhatNoControlGroupHolds|ALimitIsHeldOrMissed)"
	briefTests = "^Test(WhatNoControlGroupHolds|ALimitIsHeldOrMissed)"
)

// The program is the first process of a machine before it is a test. A plugin is the first of its namespace, but has arguments.
func init() {
	if os.Getpid() != 1 || len(os.Args) > 1 {
		return
	}
	if err := inhabit(); err != nil {
		fmt.Println(err)
	}
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART) // does not return
}

// inhabit runs the tests in all places.
func inhabit() error {
	for _, m := range [][2]string{{"/proc", "proc"}, {"/dev", "devtmpfs"}, {"/tmp", "tmpfs"}, {"/sys", "sysfs"}, {groupsRoot, "cgroup2"}} {
		if err := errors.Join(os.MkdirAll(m[0], 0o755), unix.Mount(m[1], m[0], m[1], 0, "")); err != nil {
			return fmt.Errorf("mounting %s: %w", m[0], err)
		}
	}
	if err := errors.Join(os.Chmod("/tmp", os.ModeSticky|0o777), enable(groupsRoot, both)); err != nil {
		return err
	}
	var failed error
	for _, p := range places {
		dir, err := p.furnish()
		if err == nil {
			err = p.test(dir)
		}
		fmt.Printf("%s, %s: %v\n", filepath.Join("/", p.unit, p.worker), p.name, err)
		failed = errors.Join(failed, err)
	}
	if failed == nil {
		fmt.Println(allHold)
	}
	return failed
}

func enable(dir, controllers string) error {
	for c := range strings.FieldsSeq(controllers) {
		if err := set(dir, "cgroup.subtree_control", "+"+c); err != nil {
			return err
		}
	}
	return nil
}

// furnish makes the control groups, as systemd does.
func (p *place) furnish() (dir string, err error) {
	dir = groupsRoot
	if p.unit == "" {
		return dir, nil
	}
	for i, part := range strings.Split(p.unit, "/") {
		if i > 0 {
			err = enable(dir, p.has)
		}
		dir = filepath.Join(dir, part)
		if err := errors.Join(err, os.Mkdir(dir, 0o755)); err != nil {
			return "", err
		}
	}
	if p.mark != "" {
		err = unix.Setxattr(dir, p.mark, []byte("1"), 0)
	}
	for _, file := range append([]string{""}, p.files...) {
		err = errors.Join(err, os.Chown(filepath.Join(dir, file), p.owner, p.owner))
	}
	dir = filepath.Join(dir, p.worker)
	return dir, errors.Join(err, os.MkdirAll(dir, 0o755))
}

// test runs the tests as a worker that is in a control group.
func (p *place) test(dir string) error {
	group, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = group.Close() }() // a folder
	tests := allTests
	if p.brief || p.hold != both {
		tests = briefTests
	}
	cmd := exec.Command("/proc/self/exe", "-test.v", "-test.timeout", "5m", "-test.run", tests)
	cmd.Env = []string{"PATH=/", "HOME=/tmp", "TMPDIR=/tmp", holdEnv + "=" + p.hold}
	cmd.Dir, cmd.Stdout, cmd.Stderr = "/tmp", os.Stdout, os.Stdout
	cmd.SysProcAttr = &syscall.SysProcAttr{
		UseCgroupFD: true, CgroupFD: int(group.Fd()), Credential: &syscall.Credential{Uid: uint32(p.owner), Gid: uint32(p.owner)},
	}
	return cmd.Run()
}
