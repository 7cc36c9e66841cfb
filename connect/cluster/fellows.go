package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sluice-connect/sluice/connect/assignment"
	"github.com/sluice-connect/sluice/connect/group"
	"github.com/sluice-connect/sluice/connect/herder"
)

// fellow is another worker of the group, and the topics that it has told.
type fellow struct {
	url    string
	topics *herder.InternalTopics // nil until it has told them
	mute   bool                   // it never will: it is one of Java's
	due    time.Time              // of the next question
	pause  time.Duration          // after that one
	blamed bool                   // the log tells of its topics
}

// fellows are the other workers of the group, by the ids of their members.
type fellows map[string]*fellow

const (
	// askTime is how long answers are waited for: a fellow that is frozen holds up nobody for longer.
	askTime = 3 * time.Second
	// askFirst and askAtMost are the pauses between questions to one that does not answer.
	askFirst  = time.Second
	askAtMost = 10 * time.Minute
	// surveyPace is the least time between two looks at the group, whose rounds may follow one another.
	surveyPace = time.Second
)

// InternalTopics implements [herder.Membership].
func (c *Cluster) InternalTopics() *herder.InternalTopics {
	return &herder.InternalTopics{
		Worker: c.URL, Group: c.Group, Config: c.ConfigTopic, Offset: c.OffsetTopic, Status: c.StatusTopic, Since: c.standing.Load().Since,
	}
}

// meet refuses a group in which a worker has other topics than this one. Whoever does not answer in time is asked again after the round.
func (c *Cluster) meet(ctx context.Context, p assignment.Protocol, residents []group.Resident) error {
	all := fellows{}
	all.update(c.URL, p, residents)
	c.ask(ctx, all)
	for _, d := range all.disagreements(c.InternalTopics(), "") {
		if d.Worker == c.URL {
			return refusal(d)
		}
	}
	return nil
}

// survey asks whoever is new in the group after a round, until ctx ends. It has a goroutine of its own, for they may not answer.
func (c *Cluster) survey(ctx context.Context) {
	all := fellows{}
	var again <-chan time.Time
	for {
		select {
		case <-c.rounds:
		case <-again:
		case <-ctx.Done():
			return
		}
		again = nil
		if pause, unanswered := c.look(ctx, all); unanswered {
			again = time.After(pause)
		}
		select {
		case <-time.After(surveyPace):
		case <-ctx.Done():
			return
		}
	}
}

// look asks those members of the group that have not told their topics, and acts on what is known then. It returns when to ask again, where one has
// not answered.
func (c *Cluster) look(ctx context.Context, all fellows) (pause time.Duration, unanswered bool) {
	var member Member
	err := c.mind.Do(ctx, func() {
		if c.phase == working {
			member = c.member
		}
	})
	if err != nil || member == nil { // the end of the round that is under way asks for another look
		return 0, false
	}
	attempt, cancel := context.WithTimeout(ctx, askTime)
	protocol, residents, err := member.Residents(attempt)
	cancel()
	if err != nil {
		c.Log.Debug("the members of the group cannot be asked for their topics: the group does not tell them", "error", err)
		return askFirst, true
	}
	p, err := assignment.ProtocolNamed(protocol)
	if err != nil || len(residents) == 0 {
		return 0, false
	}
	all.update(c.URL, p, residents)
	c.ask(ctx, all)
	_ = c.mind.Do(ctx, func() { c.judge(all) }) // it fails only when the membership ends
	return all.next()
}

// update forgets the members that have gone and takes up those that are new.
func (all fellows) update(own string, p assignment.Protocol, residents []group.Resident) {
	there := map[string]bool{}
	for _, r := range residents {
		state, err := assignment.DecodeWorkerState(p, r.Metadata)
		if err != nil || state.URL == own {
			continue
		}
		there[r.ID] = true
		if all[r.ID] == nil {
			all[r.ID] = &fellow{url: state.URL, pause: askFirst}
		}
	}
	maps.DeleteFunc(all, func(id string, _ *fellow) bool { return !there[id] })
}

// ask asks all whose turn it is, at once.
func (c *Cluster) ask(ctx context.Context, all fellows) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	var asking sync.WaitGroup
	for _, f := range all {
		if f.topics == nil && !f.mute && !f.due.After(time.Now()) {
			asking.Go(func() {
				topics, err := c.mind.InternalTopicsOf(ctx, f.url)
				if err != nil {
					c.Log.Debug("a worker of the group does not tell its topics", "worker", f.url, "error", err)
				}
				f.answered(topics, err, c.Group)
			})
		}
	}
	asking.Wait()
}

// answered takes an answer. What somebody else says at the worker's address, as a proxy or a worker of another group may, says nothing of it; and one
// that has only just joined does not know yet since when.
func (f *fellow) answered(topics *herder.InternalTopics, err error, group string) {
	switch {
	case errors.Is(err, herder.ErrUntold), err == nil && (topics.Worker != f.url || topics.Group != group):
		f.mute = true
	case err == nil && topics.Since >= 0:
		f.topics = topics
	default:
		f.due = time.Now().Add(f.pause)
		f.pause = min(2*f.pause, askAtMost)
	}
}

// next is when somebody is to be asked again.
func (all fellows) next() (pause time.Duration, unanswered bool) {
	for _, f := range all {
		if f.topics == nil && !f.mute && (!unanswered || time.Until(f.due) < pause) {
			pause, unanswered = time.Until(f.due), true
		}
	}
	return pause, unanswered
}

// disagreements are all between a worker and its fellows.
func (all fellows) disagreements(own *herder.InternalTopics, leader string) (found []herder.Disagreement) {
	for _, id := range slices.Sorted(maps.Keys(all)) {
		switch other := all[id].topics; {
		case other == nil:
		case elder(own, other, leader):
			found = append(found, other.Disagreements(own)...)
		default:
			found = append(found, own.Disagreements(other)...)
		}
	}
	return found
}

// elder reports whether a worker has been in the group for longer than another, which has been there since some round. Of two that came together
// the leader counts as the elder, so that both find the same.
func elder(own, other *herder.InternalTopics, leader string) bool {
	switch {
	case own.Since < 0 || own.Since != other.Since:
		return own.Since >= 0 && own.Since < other.Since
	case own.Worker == leader || other.Worker == leader:
		return own.Worker == leader
	}
	return own.Worker < other.Worker
}

// judge makes the disagreements known, and has this worker give way where it is the one that came later: what others have begun goes on where it has
// its offsets.
func (c *Cluster) judge(all fellows) {
	found := all.disagreements(c.InternalTopics(), c.last.LeaderURL)
	c.stand(func(s *herder.Standing) { s.Disagreements = found })
	for _, f := range all {
		if f.topics == nil || f.blamed {
			continue
		}
		f.blamed = true
		for _, d := range found {
			if d.Worker == f.url || d.Elder == f.url {
				c.Log.Error("two workers of this group keep its memory in different topics", "key", d.Key, "worker", d.Worker, "value", d.Value, "elder", d.Elder,
					"elder_value", d.ElderValue, "effect", effects[d.Key], "fix", fix(d))
			}
		}
	}
	for _, d := range found {
		if d.Worker == c.URL {
			c.quit(refusal(d))
			return
		}
	}
}

// effects are what becomes of a cluster in which two workers have different topics.
var effects = map[string]string{
	"config.storage.topic": "they do not know the same connectors",
	"offset.storage.topic": "a task that moves from one to the other does not find its offsets, so that records come twice or never",
	"status.storage.topic": "neither knows the state of what runs on the other",
}

func fix(d herder.Disagreement) string {
	return fmt.Sprintf("start the worker at %s with %s=%s, or with another group.id", d.Worker, d.Key, d.ElderValue)
}

// refusal is why a worker is not in the group.
func refusal(d herder.Disagreement) error {
	return &group.FatalError{Text: fmt.Sprintf("%s: it is %s at this worker and %s at the group's worker at %s: %s; %s", d.Key, d.Value, d.ElderValue, d.Elder,
		effects[d.Key], fix(d))}
}
