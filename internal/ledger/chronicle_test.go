package ledger

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
)

// chronicle knows what befell a river and when its messages came, so that it can be told what doubled them.
type chronicle struct {
	logs    []func() string // of the programs
	faults  []fault
	came    map[Message]time.Time // for the first time
	doubles []double
}

// fault is one of a chronicle. It lasts until the next one, since what it did may show late.
type fault struct {
	name  string
	began time.Time
	logs  []int // how long the logs were then, in bytes
}

// double is a message that came again.
type double struct{ first, again time.Time }

// begin notes a fault.
func (c *chronicle) begin(name string) {
	f := fault{name: name, began: time.Now()}
	for _, log := range c.logs {
		f.logs = append(f.logs, len(log()))
	}
	c.faults = append(c.faults, f)
}

// enter notes a record, whose time is when its message came to the connector.
func (c *chronicle) enter(m *sarama.ConsumerMessage) error {
	number, err := numberOf(m.Value)
	if err != nil {
		return err
	}
	name := Message{string(m.Key), number}
	if first, ok := c.came[name]; ok {
		c.doubles = append(c.doubles, double{first, m.Timestamp})
		return nil
	}
	c.came[name] = m.Timestamp
	return nil
}

// at is the index of the fault that was the last at a time, -1 for none. Records have milliseconds.
func (c *chronicle) at(when time.Time) int {
	n, _ := slices.BinarySearchFunc(c.faults, when, func(f fault, when time.Time) int {
		if f.began.Truncate(time.Millisecond).After(when) {
			return 1
		}
		return -1
	})
	return n - 1
}

// name is that of the fault with an index.
func (c *chronicle) name(i int) string {
	if i < 0 {
		return "before all"
	}
	return fmt.Sprintf("#%d %s", i+1, c.faults[i].name)
}

// tell logs after which fault doubles came and after which they had come first; and of one that doubled more than a window, what the programs said.
func (c *chronicle) tell(t testing.TB) {
	t.Helper()
	after := make([]map[int]int, len(c.faults)+1)
	last := make([]time.Duration, len(c.faults)+1)
	for _, d := range c.doubles {
		i := c.at(d.again) + 1
		if after[i] == nil {
			after[i] = map[int]int{}
		}
		after[i][c.at(d.first)]++
		if i > 0 {
			last[i] = max(last[i], d.again.Sub(c.faults[i-1].began))
		}
	}
	for i, firsts := range after {
		if firsts == nil {
			continue
		}
		all := 0
		var parts []string
		for _, n := range firsts {
			all += n
		}
		for at := -1; at < len(c.faults); at++ {
			if n := firsts[at]; n > 0 {
				parts = append(parts, fmt.Sprintf("%d that had come after %s", n, c.name(at)))
			}
		}
		t.Logf("%d doubles after %s, the last %v after it: %s", all, c.name(i-1), last[i].Round(time.Millisecond), strings.Join(parts, ", "))
		if all > window && i > 0 {
			c.quote(t, i-1)
		}
	}
}

// quote logs what the programs said from a fault to the next.
func (c *chronicle) quote(t testing.TB, i int) {
	t.Helper()
	for n, log := range c.logs {
		text := log()
		end := len(text)
		if i+1 < len(c.faults) {
			end = c.faults[i+1].logs[n]
		}
		t.Logf("log %d from %s on:\n%s", n+1, c.name(i), text[c.faults[i].logs[n]:end])
	}
}
