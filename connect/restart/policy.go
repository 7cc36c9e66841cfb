// Package restart says when what has failed is started again. Kafka Connect never does that: a task that has failed stays so until somebody comes.
package restart

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/connect"
)

// Policy is when a connector's instance or a task is started again after it has failed. The zero Policy is never.
type Policy struct {
	OnFailure bool
	// InitialDelay is how long the first restart waits; each that follows waits twice as long, up to MaxDelay.
	InitialDelay, MaxDelay time.Duration
	// MaxAttempts bounds the restarts in a row; -1 does not.
	MaxAttempts int
	// ResetAfter is how long something must have lived for its next failure to count as the first.
	ResetAfter time.Duration
}

// Keys of workers and connectors, our own.
var (
	policyKey = connect.StringKey("sluice.restart.policy", "on-failure: a failed connector or task is started again; none: it is not.").Default("none").
			Must(connect.OneOf("none", "on-failure"))
	initialKey = connect.LongKey("sluice.restart.initial.delay.ms", "How long the first restart waits; each that follows waits twice as long.").
			Default(1000).Must(connect.AtLeast(1))
	maxKey = connect.LongKey("sluice.restart.max.delay.ms", "The longest such wait.").Default(300000).Must(connect.AtLeast(1))
	// countKey has no bound by default: most systems that fail for a night are there again in the morning.
	countKey = connect.IntKey("sluice.restart.max.attempts", "How many restarts in a row; -1 for no bound.").Default(-1).Must(connect.AtLeast(-1))
	resetKey = connect.LongKey("sluice.restart.reset.after.ms", "How long it must have run for its next failure to count as the first.").
			Default(600000).Must(connect.AtLeast(1))
)

// Keys are those of a policy. A connector's come over its worker's, one by one.
func Keys() connect.ConfigDef {
	return connect.NewSpec("", "", policyKey, initialKey, maxKey, countKey, resetKey).Keys
}

// Parse reads the policy of a connector, nil for that of the worker. The error says what is wrong with which key.
func Parse(connector, worker connect.Config) (Policy, error) {
	var texts []string
	for _, problem := range Check(connector, worker) {
		texts = append(texts, problem.Message)
	}
	if len(texts) > 0 {
		return Policy{}, errors.New(strings.Join(texts, "; "))
	}
	return read(layers(connector, worker)), nil
}

// Check tells what is wrong with the policy of a connector.
func Check(connector, worker connect.Config) []connect.Problem {
	cfg := layers(connector, worker)
	var problems []connect.Problem
	for _, found := range Keys().Validate(cfg) {
		for _, e := range found.Errors {
			problems = append(problems, connect.Problem{Key: found.Def.Name, Message: e})
		}
	}
	if len(problems) > 0 {
		return problems
	}
	if p := read(cfg); p.MaxDelay < p.InitialDelay {
		return []connect.Problem{{Key: maxKey.Name(), Message: fmt.Sprintf("%s (%d) must not be less than %s (%d)", maxKey.Name(),
			p.MaxDelay.Milliseconds(), initialKey.Name(), p.InitialDelay.Milliseconds())}}
	}
	return nil
}

// layers are the keys of the worker and over them those of the connector.
func layers(connector, worker connect.Config) connect.Config {
	cfg := connect.Config{}
	for _, key := range Keys() {
		for _, from := range []connect.Config{worker, connector} {
			if value, given := from[key.Name]; given {
				cfg[key.Name] = value
			}
		}
	}
	return cfg
}

func read(cfg connect.Config) Policy {
	return Policy{
		OnFailure: policyKey.Get(cfg) == "on-failure", InitialDelay: milliseconds(initialKey.Get(cfg)), MaxDelay: milliseconds(maxKey.Get(cfg)),
		MaxAttempts: countKey.Get(cfg), ResetAfter: milliseconds(resetKey.Get(cfg)),
	}
}

func milliseconds(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// Attempts counts the restarts of one thing that follow one another. The zero value has seen none.
type Attempts struct{ made int }

// Next counts a failure of what has lived for so long. It returns how long to wait with the restart, or false where there is to be none.
func (a *Attempts) Next(p Policy, lived time.Duration) (wait time.Duration, ok bool) {
	if !p.OnFailure {
		return 0, false
	}
	if lived >= p.ResetAfter {
		a.made = 0
	}
	if p.MaxAttempts >= 0 && a.made >= p.MaxAttempts {
		return 0, false
	}
	wait = p.InitialDelay
	for range a.made {
		if wait = min(2*wait, p.MaxDelay); wait == p.MaxDelay {
			break
		}
	}
	a.made++
	return wait, true
}

// Made is the number of the last restart in a row, of those that Next has allowed.
func (a *Attempts) Made() int { return a.made }

// Reset forgets them.
func (a *Attempts) Reset() { a.made = 0 }
