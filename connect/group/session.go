package group

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// session is a member's time between the answer to its JoinGroup and its next one: a goroutine of its own beats, whatever the member's handler
// is doing meanwhile.
type session struct {
	m       *Member
	round   Round
	cancel  context.CancelFunc
	beating sync.WaitGroup
	verdict chan error // capacity 1: why the session is over
}

// begin starts the heartbeats.
func (m *Member) begin(ctx context.Context, r Round) *session {
	s := &session{m: m, round: r, verdict: make(chan error, 1)}
	ctx, s.cancel = context.WithCancel(ctx)
	s.beating.Go(func() { s.beat(ctx) })
	return s
}

// end stops the heartbeats and waits for that.
func (s *session) end() {
	s.cancel()
	s.beating.Wait()
}

// last waits until another round is due: nil where that was asked for, here or by the coordinator.
func (s *session) last(ctx context.Context, again <-chan string) error {
	select {
	case <-again:
		return nil
	case err := <-s.verdict:
		if errors.Is(err, sarama.ErrRebalanceInProgress) {
			return nil
		}
		return err
	case <-ctx.Done():
		return nil
	}
}

// say tells the member's goroutine why the session is over; the first reason counts.
func (s *session) say(err error) {
	select {
	case s.verdict <- err:
	default:
	}
}

// beat sends heartbeats until ctx ends or the coordinator does not know the member any more. A coordinator out of reach is looked for, again
// and again: it may come back, or another may take its place, with the member still in the group.
func (s *session) beat(ctx context.Context) {
	var c *connection
	defer func() {
		if c != nil {
			c.close()
		}
	}()
	pause, tries, said := s.m.pauses(), 0, ""
	timer := time.NewTimer(s.m.Heartbeat)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		began := time.Now()
		var err error
		if c == nil {
			c, err = s.m.finder.connect(ctx, s.m.patience())
		}
		if err == nil {
			err = s.once(c)
		}
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			if said != "" {
				s.m.log.Info("the group's coordinator answers heartbeats again", "group", s.m.Group)
			}
			pause, tries, said = s.m.pauses(), 0, ""
			timer.Reset(max(0, s.m.Heartbeat-time.Since(began)))
			continue
		case ends(err):
			s.say(err)
			return
		}
		// One connection that breaks is worth no word: brokers close idle ones.
		if text := err.Error(); tries > 0 && text != said {
			said = text
			s.m.log.Warn("the group's coordinator does not answer heartbeats: when session.timeout.ms is over, tasks write no more", "group", s.m.Group,
				"error", err)
		}
		if c != nil {
			c.close()
			c = nil
		}
		tries++
		pause.wait(ctx)
		timer.Reset(0)
	}
}

// once sends a heartbeat.
func (s *session) once(c *connection) error {
	sent := time.Now()
	answer, err := c.broker.Heartbeat(&sarama.HeartbeatRequest{
		Version: 3, GroupId: s.m.Group, GenerationId: s.round.Generation, MemberId: s.round.MemberID,
	})
	if err != nil {
		return c.failed("sending a heartbeat", err)
	}
	s.m.Metrics.beat(sent)
	switch answer.Err {
	case sarama.ErrNoError:
		s.m.handler.Beat(sent)
		return nil
	case sarama.ErrRebalanceInProgress: // the member is still one
		s.m.handler.Beat(sent)
		s.say(answer.Err)
		return nil
	}
	return s.m.refused("sending a heartbeat", answer.Err)
}

// ends reports whether a heartbeat's error ends the session.
func ends(err error) bool {
	for _, e := range []error{sarama.ErrUnknownMemberId, sarama.ErrIllegalGeneration, sarama.ErrFencedInstancedId} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// patience is how long a heartbeat may wait for its answer: a frozen broker must be noticed while there is time to find another.
func (m *Member) patience() time.Duration { return max(m.Session/3, time.Second) }
