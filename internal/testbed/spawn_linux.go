package testbed

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// spawn starts the command so that it is killed when this process ends, however that ends.
//
// Linux sends the signal when the *thread* that forked ends (prctl(2), PR_SET_PDEATHSIG), so all children are forked by
// one thread that lives as long as the process: a goroutine locked to it, which waits for work forever.
func spawn(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	answer := make(chan error, 1)
	spawner() <- spawnRequest{cmd: cmd, answer: answer}
	return <-answer
}

type spawnRequest struct {
	cmd    *exec.Cmd
	answer chan<- error
}

var spawner = sync.OnceValue(func() chan<- spawnRequest {
	requests := make(chan spawnRequest)
	go func() {
		runtime.LockOSThread()
		for request := range requests {
			request.answer <- request.cmd.Start()
		}
	}()
	return requests
})
