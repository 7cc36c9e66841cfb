package testbed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"
	"time"
)

// QEMU runs virtual machines, with or without help of the processor. Only soak tests need it.
var QEMU = Prerequisite{Name: "QEMU", AptPackage: "qemu-system-x86", BrewFormula: "qemu", program: "qemu-system-x86_64"}

// Boot runs a static program as the first and only process of a virtual machine with two processors, 1 GiB of memory and a Linux kernel of its own, where
// it is root and all is its. It returns what the program has written, which the test's log has too, when the machine has ended: that must be within a time.
func Boot(t testing.TB, program string, within time.Duration) (written string) {
	t.Helper()
	Need(t, QEMU)
	kernel, err := FetchKernel(t.Context())
	if err != nil {
		giveUp(t, fmt.Sprintf("a Linux kernel (%v)", err), "go run ./internal/testbed/prepare")
	}
	archive := filepath.Join(t.TempDir(), "initramfs")
	if err := writeInitramfs(archive, program); err != nil {
		t.Fatal(err)
	}
	qemu, err := QEMU.Path()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	cmd := exec.CommandContext(ctx, qemu, "-accel", "tcg", "-cpu", "max", "-smp", "2", "-m", "1G", "-nodefaults", "-display", "none",
		"-serial", "stdio", "-no-reboot", "-kernel", kernel, "-initrd", archive, "-append", "console=ttyS0 quiet panic=-1 no_timer_check")
	output, err := cmd.CombinedOutput()
	t.Logf("%s", output)
	if err != nil {
		t.Fatalf("running a virtual machine: %v", err)
	}
	return string(output)
}

var kernelPackage = regexp.MustCompile(`Depends: (linux-image-\S+)`)

// FetchKernel brings Debian's kernel for virtual machines into the cache, unless it is there, and returns its path. It needs apt-get, and installs nothing.
func FetchKernel(ctx context.Context) (string, error) {
	dir, err := fetched("linux", func(into string) error {
		if runtime.GOARCH != "amd64" {
			return fmt.Errorf("none is known for %s", runtime.GOARCH)
		}
		if err := os.MkdirAll(into, 0o755); err != nil {
			return err
		}
		run := func(name string, args ...string) ([]byte, error) {
			cmd := exec.CommandContext(ctx, name, args...)
			cmd.Dir = into
			output, err := cmd.CombinedOutput()
			if err != nil {
				err = fmt.Errorf("running %s: %w\n%s", name, err, output)
			}
			return output, err
		}
		newest, err := run("apt-cache", "depends", "linux-image-cloud-amd64")
		if err != nil {
			return err
		}
		name := kernelPackage.FindSubmatch(newest)
		if name == nil {
			return fmt.Errorf("apt-cache names no kernel: %s", newest)
		}
		if _, err := run("apt-get", "download", string(name[1])); err != nil {
			return err
		}
		packages, err := filepath.Glob(filepath.Join(into, "*.deb"))
		if err != nil || len(packages) != 1 {
			return fmt.Errorf("apt-get has downloaded %v: %w", packages, err)
		}
		if _, err = run("dpkg-deb", "-x", packages[0], into); err != nil {
			return err
		}
		return errors.Join(os.Remove(packages[0]), os.RemoveAll(filepath.Join(into, "lib")), os.RemoveAll(filepath.Join(into, "usr")))
	})
	if err != nil {
		return "", fmt.Errorf("fetching a Linux kernel: %w", err)
	}
	kernels, err := filepath.Glob(filepath.Join(dir, "boot", "vmlinuz-*"))
	if err != nil || len(kernels) != 1 {
		return "", fmt.Errorf("fetching a Linux kernel: there are %v: %w", kernels, err)
	}
	return kernels[0], nil
}

// File types and modes in an initramfs.
const (
	cpioDirectory = 0o40755
	cpioProgram   = 0o100755
	cpioDevice    = 0o20600
)

// writeInitramfs writes the file system that a kernel begins with: a program that it starts, and its console. The format is the kernel's own, "newc", see
// Documentation/driver-api/early-userspace/buffer-format.rst.
func writeInitramfs(path, program string) error {
	content, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	var archive bytes.Buffer
	pad := func() {
		for archive.Len()%4 != 0 {
			archive.WriteByte(0)
		}
	}
	inode := 0
	add := func(name string, mode, major, minor int, content []byte) {
		inode++
		fmt.Fprintf(&archive, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", inode, mode, 0, 0, 1, 0, len(content), 0, 0, major, minor, len(name)+1, 0)
		archive.WriteString(name + "\x00")
		pad()
		archive.Write(content)
		pad()
	}
	add("dev", cpioDirectory, 0, 0, nil)
	add("dev/console", cpioDevice, 5, 1, nil)
	add("init", cpioProgram, 0, 0, content)
	add("TRAILER!!!", 0, 0, 0, nil)
	return os.WriteFile(path, archive.Bytes(), 0o600)
}
