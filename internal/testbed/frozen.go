package testbed

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// allStopped is nil once every thread of the process is stopped. SIGSTOP takes effect thread by thread, and a JVM has many:
// some still answer after the signal has been sent. Without Linux's /proc nobody can tell, then it is nil at once.
func allStopped(pid int) error {
	dir := fmt.Sprintf("/proc/%d/task", pid)
	threads, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("listing the threads: %w", err)
	}
	for _, thread := range threads {
		stat, err := os.ReadFile(dir + "/" + thread.Name() + "/stat")
		if errors.Is(err, fs.ErrNotExist) {
			continue // it has just ended
		}
		if err != nil {
			return fmt.Errorf("reading the state of a thread: %w", err)
		}
		if state := threadState(string(stat)); state != "T" && state != "Z" {
			return fmt.Errorf("thread %s is in state %s", thread.Name(), state)
		}
	}
	return nil
}

// threadState is field 3 of proc(5)'s stat, the first behind the name in parentheses.
func threadState(stat string) string {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) == 0 {
		return "?"
	}
	return fields[0]
}
