//go:build !linux

package testbed

import "os/exec"

// spawn starts the command. Without Linux's parent-death signal a child outlives a test process that is killed.
func spawn(cmd *exec.Cmd) error { return cmd.Start() }
