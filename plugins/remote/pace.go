package remote

import (
	"context"
	"time"

	"github.com/sluice-connect/sluice/plugins/contract"
)

// What a task may say beside records, in points: each second, and at once. One that says more is heard later, by which its stream comes to a stand, and with
// it the plugin: the worker has its time for others. A plugin of the SDK stays well below.
const (
	pointsASecond = 10_000
	pointsAtOnce  = 20_000
)

// What it costs.
const (
	messageCost = 1
	lineCost    = 5
	metricCost  = 2
	stateCost   = 500 // another state of the task's system, which may become a record on the status topic
)

// pace has a stream's reader wait when the plugin says too much. It is for the reader.
type pace struct {
	left  float64 // below 0 while it waits
	since time.Time
	cause string // of the last Waiting; "" after Healthy
	next  int64
}

// spend takes points, and waits until there are as many or ctx ends.
func (p *pace) spend(ctx context.Context, points int) {
	now := time.Now()
	if p.since.IsZero() {
		p.left = pointsAtOnce
	} else {
		p.left = min(pointsAtOnce, p.left+now.Sub(p.since).Seconds()*pointsASecond)
	}
	p.since = now
	if p.left -= float64(points); p.left >= 0 {
		return
	}
	timer := time.NewTimer(time.Duration(-p.left / pointsASecond * float64(time.Second)))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// state is what it costs to say how the task's system is. What was said already is cheap.
func (p *pace) state(now *contract.Waiting) int {
	if now.GetCause() == p.cause && now.GetNextTry() == p.next {
		return messageCost
	}
	p.cause, p.next = now.GetCause(), now.GetNextTry()
	return stateCost
}
