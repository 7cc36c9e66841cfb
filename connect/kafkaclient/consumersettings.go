package kafkaclient

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/IBM/sarama"
)

// ConsumerSettings turns the keys of Java's consumer into settings. Where a key is missing the default is Java's, but offsets are not committed
// unless enable.auto.commit is true: the framework commits.
func ConsumerSettings(p Properties) (*Settings, error) {
	r, s := read(ConsumerClient, p), new(Settings)
	r.connection(s)
	c := s.Sarama
	c.Consumer.Return.Errors = true
	c.Metadata.AllowAutoTopicCreation = r.flag("allow.auto.create.topics", true)
	c.Consumer.Retry.BackoffFunc = s.backoff.after
	c.RackID = r.text("client.rack", "")
	if r.choice("isolation.level", "read_uncommitted", "read_uncommitted", "read_committed") == "read_committed" {
		c.Consumer.IsolationLevel = sarama.ReadCommitted
	}
	s.MaxPollRecords = int(r.number("max.poll.records", 500, 1, math.MaxInt32))
	r.fetching(c)
	r.membership(s)
	r.offsets(s)
	return r.finish(s)
}

func (r *reader) fetching(c *sarama.Config) {
	// 0 means in Java that the broker answers at once, which sarama forbids because it would spin.
	c.Consumer.Fetch.Min = int32(max(r.number("fetch.min.bytes", 1, 0, math.MaxInt32), 1))
	c.Consumer.Fetch.MaxBytes = int32(max(r.number("fetch.max.bytes", 50<<20, 0, math.MaxInt32), 1))
	c.Consumer.Fetch.Default = int32(max(r.number("max.partition.fetch.bytes", 1<<20, 0, math.MaxInt32), 1))
	c.Consumer.MaxWaitTime = max(r.millis("fetch.max.wait.ms", 500*time.Millisecond, 0), time.Millisecond)
	if c.Consumer.MaxWaitTime >= c.Net.ReadTimeout {
		r.fail("fetch.max.wait.ms", errors.New("it must be below request.timeout.ms"))
	}
}

func (r *reader) membership(s *Settings) {
	group := &s.Sarama.Consumer.Group
	s.Group = r.text("group.id", "")
	group.InstanceId = r.text("group.instance.id", "")
	group.Session.Timeout = r.millis("session.timeout.ms", 45*time.Second, 3)
	group.Heartbeat.Interval = r.millis("heartbeat.interval.ms", 3*time.Second, 1)
	if group.Heartbeat.Interval >= group.Session.Timeout {
		r.fail("heartbeat.interval.ms", errors.New("it must be below session.timeout.ms"))
	}
	group.Rebalance.Timeout = r.millis("max.poll.interval.ms", 5*time.Minute, 2)
	group.Rebalance.GroupStrategies = r.assignors()
	// Members that come or go in quick succession upset one another's joining: sarama would have each wait two seconds for its next try.
	group.Rebalance.Retry.Backoff = s.backoff.first
	group.Rebalance.Retry.Max = rebalanceTries
}

// rebalanceTries are the tries to join before a trouble with joining counts as one: two seconds, unless retry.backoff.ms says otherwise.
const rebalanceTries = 20

var assignors = map[string]func() sarama.BalanceStrategy{
	"RangeAssignor":             sarama.NewBalanceStrategyRange,
	"RoundRobinAssignor":        sarama.NewBalanceStrategyRoundRobin,
	"StickyAssignor":            sarama.NewBalanceStrategySticky,
	"CooperativeStickyAssignor": sarama.NewBalanceStrategyCooperativeSticky,
}

// assignors are those of partition.assignment.strategy in order, or Java's default. The range assignor is always among them: a group of
// Java and Sluice members needs one that all offer.
func (r *reader) assignors() []sarama.BalanceStrategy {
	const key = "partition.assignment.strategy"
	names := r.list(key)
	if len(names) == 0 {
		names = []string{"RangeAssignor", "CooperativeStickyAssignor"}
	}
	var out []sarama.BalanceStrategy
	ranged := false
	for _, name := range names {
		short := name[strings.LastIndexByte(name, '.')+1:]
		create, ok := assignors[short]
		if !ok {
			r.fail(key, fmt.Errorf("%s is a Java class, which Sluice cannot run: use the Range, RoundRobin, Sticky or CooperativeStickyAssignor "+
				"of org.apache.kafka.clients.consumer", name))
			continue
		}
		ranged = ranged || short == "RangeAssignor"
		out = append(out, create())
	}
	if !ranged {
		out = append(out, sarama.NewBalanceStrategyRange())
	}
	return out
}

func (r *reader) offsets(s *Settings) {
	c := s.Sarama
	c.Consumer.Offsets.AutoCommit.Enable = r.flag("enable.auto.commit", false)
	c.Consumer.Offsets.AutoCommit.Interval = max(r.millis("auto.commit.interval.ms", 5*time.Second, 0), time.Millisecond)
	if strings.HasPrefix(strings.ToLower(r.text("auto.offset.reset", "")), "by_duration") {
		r.fail("auto.offset.reset", errors.New("by_duration is not supported: use earliest, latest or none"))
		return
	}
	s.Reset = OffsetReset(r.choice("auto.offset.reset", "latest", "earliest", "latest", "none"))
	c.Consumer.Offsets.Initial = sarama.OffsetNewest
	if s.Reset == ResetEarliest {
		c.Consumer.Offsets.Initial = sarama.OffsetOldest
	}
	c.Consumer.Group.ResetInvalidOffsets = s.Reset != ResetNone
}
