//go:build !linux

package process

import "os/exec"

// pin can do nothing here: the file is executed by its name.
func (p *program) pin(*exec.Cmd, string) {}
