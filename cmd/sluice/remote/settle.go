package remote

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/api/client"
	"github.com/sluice-connect/sluice/connect/herder"
)

// settling waits until connectors do what they were told to.
type settling struct {
	patience time.Duration
	// calm is how long a verdict has to stand: a status is a little behind, and that of before a change must not be taken for the one after it. To call
	// something broken takes longer, for what was broken before a change stays so until a rebalance is over.
	calm map[verdict]time.Duration
	poll time.Duration
}

func newSettling(patience time.Duration) settling {
	return settling{patience: patience, calm: map[verdict]time.Duration{well: 3 * time.Second, broken: 8 * time.Second}, poll: 250 * time.Millisecond}
}

// verdict is what a status means to who waits.
type verdict int

const (
	underWay verdict = iota // it may become well
	well                    // it runs, or rests as it was told to
	broken                  // it has failed, and does not go on by itself
)

// judgement is a verdict and why.
type judgement struct {
	verdict verdict
	why     string
}

// of is the error about a connector of that name; nil where it is well.
func (j judgement) of(name, after string) error {
	switch j.verdict {
	case well:
		return nil
	case broken:
		after = ""
	}
	return &NotRunningError{name, after + j.why}
}

// retrying begins the trace of a task that runs and cannot reach its system.
const retrying = "retrying: "

// judgeStatus says what a status means.
func judgeStatus(status herder.ConnectorStateInfo) judgement {
	result := judgement{verdict: well, why: status.Connector.State}
	note := func(what, state, worker, trace string) {
		switch state {
		case "RUNNING", "PAUSED", "STOPPED":
			if strings.HasPrefix(trace, retrying) && result.verdict == well {
				result = judgement{underWay, fmt.Sprintf("%s on %s: %s", what, worker, firstLine(trace))}
			}
		case "FAILED":
			if result.verdict != broken {
				lines, _ := condensed(trace)
				result = judgement{broken, fmt.Sprintf("%s has failed on %s:\n%s", what, worker, strings.Join(lines, "\n"))}
			}
		default:
			if result.verdict == well {
				result = judgement{underWay, fmt.Sprintf("%s is %s", what, state)}
			}
		}
	}
	note("the connector", status.Connector.State, status.Connector.WorkerID, status.Connector.Trace)
	for _, t := range status.Tasks {
		note(fmt.Sprintf("task %d", t.ID), t.State, t.WorkerID, t.Trace)
	}
	if result.verdict == well && status.Connector.State == "RUNNING" && len(status.Tasks) == 0 {
		return judgement{underWay, "it has no tasks"}
	}
	return result
}

// NotRunningError says that a connector does not run, with its trace.
type NotRunningError struct{ Name, Why string }

func (e *NotRunningError) Error() string { return e.Name + " does not run: " + e.Why }

// await waits for one connector; ctx bounds it, and so does the patience.
func (w settling) await(ctx context.Context, c *client.Client, name string) error {
	deadline, cancel := context.WithTimeout(ctx, w.patience)
	defer cancel()
	ticker := time.NewTicker(w.poll)
	defer ticker.Stop()
	var last judgement
	since := time.Now()
	for {
		status, err := c.Status(deadline, name)
		now := judgement{underWay, "it has no status yet"}
		switch {
		case err == nil:
			now = judgeStatus(status)
		case deadline.Err() == nil && !client.NotFound(err):
			return err
		}
		if deadline.Err() == nil && now != last {
			last, since = now, time.Now()
		}
		if last.verdict != underWay && time.Since(since) >= w.calm[last.verdict] {
			return last.of(name, "")
		}
		select {
		case <-ticker.C:
		case <-deadline.Done():
			if err := ctx.Err(); err != nil {
				return err
			}
			return last.of(name, fmt.Sprintf("after %v ", w.patience))
		}
	}
}

// awaitStopped waits until a connector that was told to stop has no tasks any more.
func (w settling) awaitStopped(ctx context.Context, c *client.Client, name string) error {
	deadline, cancel := context.WithTimeout(ctx, w.patience)
	defer cancel()
	ticker := time.NewTicker(w.poll)
	defer ticker.Stop()
	for {
		status, err := c.Status(deadline, name)
		if err == nil && status.Connector.State == "STOPPED" && len(status.Tasks) == 0 {
			return nil
		}
		if err != nil && deadline.Err() == nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-deadline.Done():
			if err := ctx.Err(); err != nil {
				return err
			}
			return &Error{exitFailed, fmt.Errorf("after %v it is %s and has %d tasks", w.patience, status.Connector.State, len(status.Tasks))}
		}
	}
}
