package process

import (
	"fmt"
	"math"
)

// memoryHint is how much of a memory limit a Go program is told to keep to, so that it collects garbage before it is killed.
const memoryHint = 0.9

// hints tell a program in Go of its limits. They are granted before the plugin's own variables, which may say otherwise.
func (l Limits) hints() []string {
	var out []string
	if l.Memory > 0 {
		out = append(out, fmt.Sprintf("GOMEMLIMIT=%d", int64(float64(l.Memory)*memoryHint)))
	}
	if l.CPUs > 0 {
		out = append(out, fmt.Sprintf("GOMAXPROCS=%d", max(1, int(math.Ceil(l.CPUs)))))
	}
	return out
}
