package cluster

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect/assignment"
	"github.com/sluice-connect/sluice/connect/herder"
)

// keeping makes a node that keeps the cluster's memory in other topics.
func (c *crew) keeping(offsets, statuses string) *node {
	c.offsets, c.statuses = offsets, statuses
	n := c.enrol()
	c.offsets, c.statuses = "offsets", "statuses"
	return n
}

// silence has workers not answer for their topics, but for those at the given URLs.
func (c *crew) silence(but ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.untold = func(url string) error {
		for _, other := range but {
			if url == other {
				return nil
			}
		}
		return errors.New("connection refused")
	}
}

// speech ends that.
func (c *crew) speech() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.untold = nil
}

// questions are how often a node was asked.
func (c *crew) questions(n *node) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked[n.url]
}

func TestAWorkerWithOtherTopicsIsNotLetIn(t *testing.T) {
	for name, a := range map[string]struct{ offsets, statuses, says string }{
		"offsets": {"mine", "statuses", "offset.storage.topic: it is mine at this worker and offsets at the group's worker at http://w1:8083/: a task that " +
			"moves from one to the other does not find its offsets, so that records come twice or never; start the worker at http://w2:8083/ with " +
			"offset.storage.topic=offsets, or with another group.id"},
		"statuses": {"offsets", "mine", "status.storage.topic: it is mine at this worker and statuses at the group's worker at http://w1:8083/: neither knows " +
			"the state of what runs on the other; start the worker at http://w2:8083/ with status.storage.topic=statuses, or with another group.id"},
	} {
		for _, protocol := range protocols {
			t.Run(name+" "+protocol.String(), func(t *testing.T) {
				assemble(t, 71, protocol, 0, func(t *testing.T, c *crew) {
					first := c.add()
					c.put("a", 4)
					c.settles(map[string]int{"a": 4})
					before, rounds := first.tasks(), c.at.rounds()
					stray := c.keeping(a.offsets, a.statuses)
					failed := stray.start()
					c.pass(10 * time.Second)
					require.EqualError(t, <-failed, a.says)
					require.Equal(t, before, first.tasks())
					require.Equal(t, rounds, c.at.rounds(), "nobody is disturbed")
					c.stop(stray)
				})
			})
		}
	}
}

// It has work by the time that it is known: nobody answered before.
func TestAWorkerThatLearnsOfOtherTopicsAfterTheRoundGivesWay(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(protocol.String(), func(t *testing.T) {
			assemble(t, 72, protocol, 0, func(t *testing.T, c *crew) {
				first := c.add()
				c.add()
				c.put("a", 6)
				c.settles(map[string]int{"a": 6})
				c.silence()
				stray := c.keeping("mine", "statuses")
				failed := stray.start()
				c.settles(map[string]int{"a": 6})
				require.NotEmpty(t, stray.tasks())
				c.speech()
				for len(failed) == 0 {
					c.pass(time.Second)
				}
				require.ErrorContains(t, <-failed, "offset.storage.topic: it is mine at this worker and offsets at")
				require.False(t, stray.gate.Open(), "it writes nothing any more")
				c.told(stray, "two workers of this group keep its memory in different topics", "level=ERROR", "key=offset.storage.topic",
					"worker=http://w3:8083/", "value=mine", "elder=http://w1:8083/", "elder_value=offsets", "offset.storage.topic=offsets, or with another group.id")
				c.stop(stray)
				c.settles(map[string]int{"a": 6})
				require.Empty(t, first.hindered())
			})
		})
	}
}

func TestTheLeaderTellsOfAWorkerWithOtherTopicsThatCannotKnow(t *testing.T) {
	assemble(t, 73, assignment.Sessioned, 0, func(t *testing.T, c *crew) {
		first := c.add()
		c.silence("http://w2:8083/")
		stray := c.keeping("mine", "theirs")
		failed := stray.start()
		line := c.told(first, "two workers of this group keep its memory in different topics", "key=offset.storage.topic")
		c.told(first, "two workers of this group keep its memory in different topics", "key=status.storage.topic", "elder_value=statuses")
		require.Contains(t, line, `worker=http://w2:8083/ value=mine elder=http://w1:8083/ elder_value=offsets`)
		info, err := first.herder.Cluster(t.Context())
		require.NoError(t, err)
		require.Equal(t, []herder.Disagreement{
			{Key: "offset.storage.topic", Worker: "http://w2:8083/", Value: "mine", Elder: "http://w1:8083/", ElderValue: "offsets"},
			{Key: "status.storage.topic", Worker: "http://w2:8083/", Value: "theirs", Elder: "http://w1:8083/", ElderValue: "statuses"},
		}, info.Disagreements)
		require.Empty(t, failed)
		require.Empty(t, first.hindered(), "it does its work")
		c.put("a", 2) // rounds do not have the log say it again
		c.settles(map[string]int{"a": 2})
		c.pass(time.Minute)
		require.Len(t, first.said("two workers of this group"), 2)
		require.LessOrEqual(t, c.questions(stray), 2, "who has answered is not asked again")
		c.stop(stray)
		c.settles(map[string]int{"a": 2})
		c.pass(10 * time.Second)
		info, err = first.herder.Cluster(t.Context())
		require.NoError(t, err)
		require.Empty(t, info.Disagreements)
	})
}

func TestAWorkerThatTellsNothingIsAskedOnceARound(t *testing.T) {
	assemble(t, 74, assignment.Compatible, 0, func(t *testing.T, c *crew) {
		c.untold = func(string) error { return herder.ErrUntold } // Java's workers
		java := c.add()
		second := c.keeping("mine", "statuses")
		failed := second.start()
		c.put("a", 2)
		c.settles(map[string]int{"a": 2})
		c.pass(time.Hour)
		require.Equal(t, 2, c.questions(java), "at the entry, and after the round")
		require.Empty(t, failed)
	})
}

func TestAWorkerThatDoesNotAnswerIsAskedLessAndLessOften(t *testing.T) {
	assemble(t, 75, assignment.Sessioned, 0, func(t *testing.T, c *crew) {
		c.silence()
		first := c.add()
		c.add()
		c.pass(2 * time.Hour)
		require.Less(t, c.questions(first), 30)
		require.Greater(t, c.questions(first), 15)
	})
}

func TestOfTwoWorkersTheElderStays(t *testing.T) {
	at := func(url string, since int) *herder.InternalTopics {
		return &herder.InternalTopics{Worker: url, Since: since}
	}
	for name, a := range map[string]struct {
		own, other *herder.InternalTopics
		leader     string
		want       bool
	}{
		"it came first":               {at("b", 3), at("a", 4), "a", true},
		"it came last":                {at("a", 4), at("b", 3), "a", false},
		"it has not come yet":         {at("a", -1), at("b", 0), "", false},
		"together, and it leads":      {at("b", 3), at("a", 3), "b", true},
		"together, and another leads": {at("a", 3), at("b", 3), "b", false},
		"together under a third":      {at("a", 3), at("b", 3), "c", true},
		"the same from the other":     {at("b", 3), at("a", 3), "c", false},
	} {
		require.Equal(t, a.want, elder(a.own, a.other, a.leader), name)
	}
}

// What answers at a worker's address may be somebody else.
func TestAnAnswerCountsForTheWorkerThatWasAsked(t *testing.T) {
	for name, a := range map[string]struct {
		topics     *herder.InternalTopics
		err        error
		told, mute bool
	}{
		"its own":         {topics: &herder.InternalTopics{Worker: "http://a/", Group: "g"}, told: true},
		"a proxy's":       {topics: &herder.InternalTopics{Worker: "http://b/", Group: "g"}, mute: true},
		"another group's": {topics: &herder.InternalTopics{Worker: "http://a/", Group: "h"}, mute: true},
		"too early":       {topics: &herder.InternalTopics{Worker: "http://a/", Group: "g", Since: -1}},
		"a Java worker's": {err: herder.ErrUntold, mute: true},
		"none":            {err: errors.New("connection refused")},
	} {
		f := &fellow{url: "http://a/", pause: askFirst}
		f.answered(a.topics, a.err, "g")
		require.Equal(t, a.told, f.topics != nil, name)
		require.Equal(t, a.mute, f.mute, name)
		require.Equal(t, !a.told && !a.mute, !f.due.IsZero(), name)
	}
}
