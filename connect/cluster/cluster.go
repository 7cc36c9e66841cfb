// Package cluster is a worker's membership in a Kafka Connect cluster: workers of one group, Java's among them, that divide connectors and
// tasks among themselves (KIP-415). It joins what the group's protocol says (package group), what an assignment means (package assignment), and the
// herder that obeys it (package herder).
package cluster

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-connect/sluice/connect/assignment"
	"github.com/sluice-connect/sluice/connect/group"
	"github.com/sluice-connect/sluice/connect/herder"
	"github.com/sluice-connect/sluice/connect/kafkaclient"
	"github.com/sluice-connect/sluice/connect/metrics"
	"github.com/sluice-connect/sluice/connect/stores"
)

// Options are what a membership is made of.
type Options struct {
	// URL is where other workers reach this one, with a slash at its end.
	URL string
	// Group is group.id, and these are the cluster's topics: what workers of a group must have in common.
	Group, ConfigTopic, OffsetTopic, StatusTopic string
	// Protocol is the highest that this worker offers (connect.protocol).
	Protocol assignment.Protocol
	// Session is session.timeout.ms: how long the work is this worker's without a heartbeat.
	Session time.Duration
	// MaxDelay is scheduled.rebalance.max.delay.ms: how long the work of a lost worker waits for its return.
	MaxDelay time.Duration
	// Sync is worker.sync.timeout.ms: how long reading the config topic to its end may take.
	Sync time.Duration
	// Unsync is worker.unsync.backoff.ms: how long a worker of an eager group stays out after that took too long.
	Unsync time.Duration
	// Release bounds how long work that was taken away is waited for before the next round: what tasks and connectors get to stop.
	Release time.Duration
	// Gate holds back what tasks write while the work is not this worker's for sure.
	Gate *kafkaclient.Gate
	// Join makes the member of the group. It is called once for each time that the worker joins from outside.
	Join func(group.Handler) Member
	// ClientID names this worker's client in metrics.
	ClientID string
	// Sampling is over what time averages and maxima of metrics are taken.
	Sampling metrics.Sampling
	Log      *slog.Logger
}

// Member is a [group.Member].
type Member interface {
	Run(ctx context.Context) error
	Rejoin(reason string)
	Residents(ctx context.Context) (protocol string, all []group.Resident, err error)
}

// Cluster is the membership of one worker. It implements [herder.Membership].
type Cluster struct {
	Options
	mind     herder.Mind
	lease    lease
	metrics  *Metrics
	leader   *assignment.Leader
	standing atomic.Pointer[herder.Standing]
	overview atomic.Pointer[herder.ClusterInfo] // nil until this worker has led a round

	background sync.WaitGroup // reading to the config topic's end, and asking fellow workers
	rounds     chan struct{}  // capacity 1: one has ended
	ended      context.Context

	// What follows belongs to the mind's goroutine.
	member    Member
	leave     context.CancelCauseFunc // of the present membership
	phase     phase
	protocol  assignment.Protocol
	chosen    assignment.Protocol // of the last round, whether or not its assignment arrived
	round     group.Round
	completed int32 // generation of the last assignment received
	since     int32 // generation of the first one in this group's life; -1 before
	last      assignment.Assignment
	held      assignment.Work // the group's word: what is assigned here
	running   assignment.Work // what may run: held, less what waits for the configuration
	tasksOf   map[string]int  // of running tasks: the generation of their connector's task configurations
	known     map[string]bool // connectors that need no round any more to be somebody's
	offered   assignment.Snapshot
	division  *assignment.Division // of the last round that this worker led
	told      *assignment.Division // the last one that the log tells of
	clearing  bool                 // the round that this worker leads divides nothing: see begin
	scheduled *time.Timer          // of a delayed rebalance, and of a round that had no result; nil for none
	paced     *time.Timer          // of the round that changes ask for; nil for none
	behind    int                  // rounds in a row in which the config topic did not have what others have
	begun     bool                 // this worker has had an assignment that could be begun
	reading   bool                 // the config topic, to its end
	ahead     time.Time            // since when the leader lacks what this worker has read; zero for not
	lagging   string               // that leader
	began     time.Time            // of the round
	underWay  chan struct{}        // closed at the round's end; nil for none
	reasons   []string             // for the round
}

// phase is where a worker is between two assignments.
type phase int

const (
	outside   phase = iota // it never had an assignment
	preparing              // it ends what must not run on, and will tell what it holds
	joining                // it has told
	assigned               // it knows its assignment, and reads the configuration that this is about
	working                // it does what was assigned
)

// New returns a membership that has not begun.
func New(o Options) *Cluster {
	c := &Cluster{
		Options: o, lease: lease{gate: o.Gate, session: o.Session}, protocol: o.Protocol, chosen: o.Protocol, completed: -1, since: -1,
		rounds: make(chan struct{}, 1), tasksOf: map[string]int{}, known: map[string]bool{},
	}
	c.leader = assignment.NewLeader(o.MaxDelay, time.Now, func() assignment.Snapshot { return assignment.SnapshotOf(c.mind.State()) })
	c.metrics = newMetrics(o.ClientID, o.Sampling, &c.lease)
	c.standing.Store(&herder.Standing{Generation: -1, Since: -1, Signed: o.Protocol == assignment.Sessioned})
	return c
}

// Metrics are those of the membership.
func (c *Cluster) Metrics() *Metrics { return c.metrics }

// Run implements [herder.Membership].
func (c *Cluster) Run(ctx context.Context, m herder.Mind) error {
	c.mind = m
	var end context.CancelFunc
	c.ended, end = context.WithCancel(ctx)
	defer c.background.Wait()
	defer end()
	c.background.Go(func() { c.survey(c.ended) })
	for {
		membership, leave := context.WithCancelCause(ctx)
		member := c.Join(handler{c})
		if err := m.Do(ctx, func() { c.member, c.leave = member, leave }); err != nil {
			leave(nil)
			return nil
		}
		err := member.Run(membership)
		leave(nil)
		if fatal := new(group.FatalError); err == nil && errors.As(context.Cause(membership), &fatal) {
			err = fatal
		}
		if err != nil || ctx.Err() != nil {
			return err
		}
		if !c.recover(ctx) {
			return nil
		}
	}
}

// Share implements [herder.Membership]. Tasks whose configurations have changed since the last round are left out: they begin again after the next,
// so that no two generations of a connector's tasks run at once, wherever they are.
func (c *Cluster) Share(state *stores.ConfigState) (connectors []string, tasks []stores.TaskID) {
	for _, name := range c.running.Connectors {
		if state.Contains(name) {
			connectors = append(connectors, name)
		}
	}
	counts := map[string]int{}
	for _, id := range c.running.Tasks {
		count, counted := counts[id.Connector]
		if !counted {
			if c.tasksOf[id.Connector] == state.Generation(id.Connector) {
				count = len(state.Tasks(id.Connector))
			}
			counts[id.Connector] = count
		}
		if id.Task < count {
			tasks = append(tasks, id)
		}
	}
	return connectors, tasks
}

// Heard implements [herder.Membership].
func (c *Cluster) Heard(e stores.ConfigEvent) {
	switch e := e.(type) {
	case stores.ConnectorChanged:
		if !c.known[e.Connector] {
			c.known[e.Connector] = true
			c.changed("connector " + e.Connector + " was created")
		}
	case stores.ConnectorRemoved:
		delete(c.known, e.Connector)
		c.changed("connector " + e.Connector + " was deleted")
	case stores.TasksChanged:
		c.changed("connector " + e.Connector + " has other tasks")
	}
}

// changed asks for another round. While the worker prepares one, the change is in what it will tell.
func (c *Cluster) changed(reason string) {
	if c.phase == preparing {
		c.because(reason)
		return
	}
	c.stand(func(s *herder.Standing) { s.RebalanceDue = true })
	c.because(reason)
	if c.paced == nil {
		member := c.member
		c.paced = time.AfterFunc(time.Until(c.began.Add(pace)), func() { member.Rejoin(reason) })
	}
}

// pace is the least time between the beginnings of two rounds that changes of the configuration ask for: what is submitted in bulk is divided in
// bulk, instead of all workers doing nothing but rounds.
const pace = 50 * time.Millisecond

func (c *Cluster) rejoin(reason string) {
	c.because(reason)
	c.member.Rejoin(reason)
}

// reasonCount is how many reasons of a round are remembered.
const reasonCount = 4

func (c *Cluster) because(reason string) {
	if len(c.reasons) < reasonCount {
		c.reasons = append(c.reasons, reason)
	} else {
		c.reasons[reasonCount-1] = "more"
	}
}

// Standing implements [herder.Membership]. A worker without lease does not lead: the others may have another leader by now.
func (c *Cluster) Standing() herder.Standing {
	s := *c.standing.Load()
	s.Lost = c.lease.lost()
	if s.Leads && !c.lease.good() {
		s.Leads, s.LeaderURL, s.Owner = false, "", nil
	}
	return s
}

// stand changes the standing. It is for the mind's goroutine.
func (c *Cluster) stand(change func(*herder.Standing)) {
	s := *c.standing.Load()
	change(&s)
	c.standing.Store(&s)
}

// after asks for another round in d, in place of any that was asked for in this way before.
func (c *Cluster) after(d time.Duration, reason string) {
	if c.scheduled != nil {
		c.scheduled.Stop()
	}
	member := c.member
	c.because(reason)
	c.scheduled = time.AfterFunc(d, func() { member.Rejoin(reason) })
}

// cancel forgets the rounds that are due: one begins.
func (c *Cluster) cancel() {
	for _, timer := range []**time.Timer{&c.scheduled, &c.paced} {
		if *timer != nil {
			(*timer).Stop()
			*timer = nil
		}
	}
}
