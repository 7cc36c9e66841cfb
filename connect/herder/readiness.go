package herder

import (
	"context"
	"errors"
	"time"
)

// Health is what GET /health tells, as in Kafka Connect.
type Health struct {
	State HealthState
	Stage string // what the herder is at; "" where it answers
}

// HealthState is a worker's state of health.
type HealthState int

// The states of health.
const (
	Healthy   HealthState = iota // the herder answers
	Starting                     // it has not been ready yet
	Unhealthy                    // it was ready and does not answer
)

// Health asks the mind for a sign of life, until ctx ends. An error means that the worker is shutting down.
func (h *Herder) Health(ctx context.Context) (Health, error) {
	if err := h.await(ctx); err != nil {
		if ctx.Err() == nil {
			return Health{}, err
		}
		return Health{Starting, h.stage.summary()}, nil
	}
	if err := h.mind.Do(ctx, func() {}); err != nil {
		return Health{Unhealthy, h.stage.summary()}, nil
	}
	return Health{State: Healthy}, nil
}

// Readiness is whether a worker does its work, and what keeps it from that.
type Readiness struct {
	Ready      bool        `json:"ready"`
	Hindrances []Hindrance `json:"hindrances"`
}

// Hindrance is something that keeps a worker from its work.
type Hindrance struct {
	Cause   Cause      `json:"cause"`
	Message string     `json:"message"`
	Since   *time.Time `json:"since,omitempty"`
}

// Cause is the kind of a hindrance.
type Cause string

// The causes.
const (
	IsStarting   Cause = "starting"      // the internal topics are read, the group is joined
	CatchingUp   Cause = "catching-up"   // what this worker knows of the configuration is not what the group has divided, or cannot be read
	LostGroup    Cause = "lost-group"    // this worker is no member of its group: what it holds does not write
	Stuck        Cause = "stuck"         // the herder does not answer
	ShuttingDown Cause = "shutting-down" // nothing is begun any more
)

// stuckAfter is longer than anything may take that is written for a request.
const stuckAfter = 45 * time.Second

// Readiness looks at everything that the worker needs. It takes no longer than ctx.
func (h *Herder) Readiness(ctx context.Context) Readiness {
	var all []Hindrance
	add := func(cause Cause, since time.Time, message string) {
		hindrance := Hindrance{Cause: cause, Message: message}
		if !since.IsZero() {
			at := since.UTC()
			hindrance.Since = &at
		}
		all = append(all, hindrance)
	}
	select {
	case <-h.retired:
		add(ShuttingDown, h.stage.began(), "The worker is shutting down.")
		return Readiness{Hindrances: all}
	default:
	}
	select {
	case <-h.ready:
	default:
		add(IsStarting, h.stage.began(), h.stage.summary())
		return Readiness{Hindrances: all}
	}
	standing := h.Membership.Standing()
	if !standing.Lost.IsZero() {
		add(LostGroup, standing.Lost, "This worker is no member of its group: what it holds does not write until it has joined again.")
	}
	if !standing.Behind.IsZero() {
		add(CatchingUp, standing.Behind, "The configuration that the group has divided is not read yet: what was assigned waits for it.")
	}
	if outage := h.configs.Outage(); outage.Cause != nil {
		add(CatchingUp, outage.Since, "The config topic cannot be read: "+outage.Cause.Error())
	}
	if err := h.mind.Do(ctx, func() {}); err != nil && !errors.Is(err, context.Canceled) {
		add(Stuck, time.Time{}, "The herder does not answer. "+h.stage.summary())
	}
	if began := h.scribe.busy.Load(); began != nil && time.Since(*began) > stuckAfter {
		add(Stuck, *began, "What is being written for a request does not end, and others wait for it.")
	}
	return Readiness{Ready: len(all) == 0, Hindrances: append([]Hindrance{}, all...)}
}
