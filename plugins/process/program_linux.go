package process

import (
	"os"
	"os/exec"
	"path/filepath"
)

// pin has the very file executed that was checked, by its descriptor, the first that a child gets beside its standard ones. The symbolic link in the
// private folder is there for its name alone, which is what ps and top show.
func (p *program) pin(cmd *exec.Cmd, sockets string) {
	if p.pinned == nil {
		return
	}
	const third = "/proc/self/fd/3"
	cmd.ExtraFiles, cmd.Path = []*os.File{p.pinned}, third
	link := filepath.Join(sockets, filepath.Base(p.path))
	if target, err := os.Readlink(link); err == nil && target == third || os.Symlink(third, link) == nil {
		cmd.Path = link
	}
}
