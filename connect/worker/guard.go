package worker

import (
	"fmt"
	"runtime/debug"
)

// panicked is a panic out of a plugin, made an error. Its text has the stack: it becomes the status trace.
type panicked struct {
	where string
	what  any
	stack []byte
}

func (p *panicked) Error() string {
	return fmt.Sprintf("panic in %s: %v\n%s", p.where, p.what, p.stack)
}

// guard calls into a plugin: a panic there must cost one task, not the worker.
func guard(where string, call func() error) (err error) {
	defer func() {
		if what := recover(); what != nil {
			err = &panicked{where: where, what: what, stack: debug.Stack()}
		}
	}()
	return call()
}
