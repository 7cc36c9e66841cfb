//go:build !linux

package process

import (
	"log/slog"
	"os/exec"
)

// bounds are none here: this system offers none for another process.
type bounds struct{}

func newBounds(l *Launch, log *slog.Logger) *bounds {
	if l.Limits != (Limits{}) {
		log.Warn("the limits of the plugin are not enforced: only Linux offers that", "memory", l.Limits.Memory, "cpus", l.Limits.CPUs)
	}
	return &bounds{}
}

func (b *bounds) enter(*exec.Cmd)   {}
func (b *bounds) apply(int)         {}
func (b *bounds) forgo(error)       {}
func (b *bounds) grouped() bool     { return false }
func (b *bounds) kill()             {}
func (b *bounds) close()            {}
func (b *bounds) outOfMemory() bool { return false }
