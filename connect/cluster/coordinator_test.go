package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sluice-connect/sluice/connect/group"
)

// coordinator is a group coordinator in memory, as strict as a broker's with what matters here: joins are a barrier, sessions expire, a
// member that is late for a round is thrown out, and any member may lead after the leader has gone.
type coordinator struct {
	session, patience time.Duration
	roll              func(n int) int

	mu         sync.Mutex
	members    map[string]*seat
	generation int32
	leader     string
	protocol   string
	stage      stage
	began      time.Time
	numbers    int
	changed    chan struct{} // closed and replaced
}

type stage int

const (
	empty stage = iota
	gathering
	dividing
	stable
)

type seat struct {
	offers []group.Offer
	waits  bool // in join
	answer []byte
	beat   time.Time
}

var (
	errUnknownMember = errors.New("unknown member")
	errRebalance     = errors.New("rebalance in progress")
	errLostAnswer    = errors.New("connection reset")
)

func newCoordinator(roll func(n int) int) *coordinator {
	return &coordinator{roll: roll, session: 10 * time.Second, patience: 20 * time.Second, members: map[string]*seat{}, changed: make(chan struct{})}
}

func (c *coordinator) signal() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// run throws out who is silent.
func (c *coordinator) run(ctx context.Context) {
	for ticker := time.NewTicker(100 * time.Millisecond); ; {
		select {
		case <-ticker.C:
			c.expire()
		case <-ctx.Done():
			ticker.Stop()
			return
		}
	}
}

func (c *coordinator) expire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, s := range c.members {
		late := c.stage == gathering && !s.waits && time.Since(c.began) > c.patience
		if late || !s.waits && time.Since(s.beat) > c.session {
			c.remove(id)
		}
	}
}

// remove takes a member out and has the others join again.
func (c *coordinator) remove(id string) {
	delete(c.members, id)
	if c.stage != gathering {
		c.gather()
	}
	c.complete()
}

func (c *coordinator) gather() {
	c.stage, c.began = gathering, time.Now()
	c.signal()
}

// complete ends the gathering when everybody is there.
func (c *coordinator) complete() {
	if c.stage != gathering || len(c.members) == 0 {
		return
	}
	for _, s := range c.members {
		if !s.waits {
			return
		}
	}
	c.generation++
	c.stage = dividing
	if c.members[c.leader] == nil {
		c.leader = slices.Sorted(maps.Keys(c.members))[c.roll(len(c.members))]
	}
	c.protocol = c.common()
	for _, s := range c.members {
		s.waits, s.answer, s.beat = false, nil, time.Now()
	}
	c.signal()
}

// join waits for the round.
func (c *coordinator) join(ctx context.Context, id string, offers []group.Offer) (group.Round, []group.Peer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id == "" {
		c.numbers++
		id = fmt.Sprintf("member-%d", c.numbers)
		c.members[id] = &seat{}
	}
	me, ok := c.members[id]
	if !ok {
		return group.Round{}, nil, errUnknownMember
	}
	me.offers, me.waits = offers, true
	if c.stage != gathering {
		c.gather()
	}
	generation := c.generation
	c.complete()
	for c.generation == generation {
		if err := c.wait(ctx); err != nil {
			c.remove(id)
			return group.Round{MemberID: id}, nil, err
		}
		if c.members[id] == nil {
			return group.Round{}, nil, errUnknownMember
		}
	}
	round := group.Round{Generation: c.generation, MemberID: id, LeaderID: c.leader, Protocol: c.protocol}
	var peers []group.Peer
	for _, id := range slices.Sorted(maps.Keys(c.members)) {
		metadata, _ := c.members[id].offer(c.protocol)
		peers = append(peers, group.Peer{ID: id, Metadata: metadata})
	}
	return round, peers, nil
}

// common is the protocol that the leader likes best of those that all members offer.
func (c *coordinator) common() string {
	for _, o := range c.members[c.leader].offers {
		all := true
		for _, s := range c.members {
			_, offered := s.offer(o.Protocol)
			all = all && offered
		}
		if all {
			return o.Protocol
		}
	}
	return ""
}

// offer is a member's metadata for a protocol.
func (s *seat) offer(protocol string) ([]byte, bool) {
	at := slices.IndexFunc(s.offers, func(o group.Offer) bool { return o.Protocol == protocol })
	if at < 0 {
		return nil, false
	}
	return s.offers[at].Metadata, true
}

// wait waits for a change; the caller holds the lock.
func (c *coordinator) wait(ctx context.Context) error {
	changed := c.changed
	c.mu.Unlock()
	defer c.mu.Lock()
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *coordinator) sync(ctx context.Context, r group.Round, answers map[string][]byte) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if answers != nil && c.generation == r.Generation && c.stage == dividing {
		for id, s := range c.members {
			s.answer = answers[id]
		}
		c.stage = stable
		c.signal()
	}
	for {
		me := c.members[r.MemberID]
		switch {
		case me == nil:
			return nil, errUnknownMember
		case c.generation != r.Generation || c.stage == gathering:
			return nil, errRebalance
		case c.stage == stable:
			return me.answer, nil
		}
		if err := c.wait(ctx); err != nil {
			return nil, err
		}
	}
}

func (c *coordinator) heartbeat(r group.Round) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	me := c.members[r.MemberID]
	if me == nil {
		return errUnknownMember
	}
	me.beat = time.Now()
	if c.stage != stable || c.generation != r.Generation {
		return errRebalance
	}
	return nil
}

func (c *coordinator) leave(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.members[id] != nil {
		c.remove(id)
	}
}

// residents are the members of a group at rest, as one that is to join sees them.
func (c *coordinator) residents() (protocol string, all []group.Resident) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stage != stable {
		return "", nil
	}
	for _, id := range slices.Sorted(maps.Keys(c.members)) {
		metadata, _ := c.members[id].offer(c.protocol)
		all = append(all, group.Resident{Peer: group.Peer{ID: id, Metadata: metadata}})
	}
	return c.protocol, all
}

// size is the number of members.
func (c *coordinator) size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.members)
}

// rounds are how many there have been.
func (c *coordinator) rounds() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return int(c.generation)
}

// link is a node's way to something, which may be cut.
type link struct {
	mu     sync.Mutex
	closed chan struct{} // nil while the link is up; closed when it is up again
}

func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed == nil {
		l.closed = make(chan struct{})
	}
}

func (l *link) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed != nil {
		close(l.closed)
		l.closed = nil
	}
}

// up waits until there is a link.
func (l *link) up(ctx context.Context) error {
	for {
		l.mu.Lock()
		closed := l.closed
		l.mu.Unlock()
		if closed == nil {
			return ctx.Err()
		}
		select {
		case <-closed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l *link) isUp() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed == nil
}

// deafness says whether a member misses a round, and what it knows of its protocol. Nil is for one that misses none.
type deafness func(group.Round) (protocol string, missed bool)

// member is a group.Member on such a coordinator.
type member struct {
	at      *coordinator
	link    *link
	handler group.Handler
	dead    <-chan struct{} // killed: not a word more
	again   chan struct{}   // capacity 1
	beat    time.Duration   // between heartbeats
	roll    func(n int) int
	misses  deafness
}

func (m *member) Rejoin(string) {
	select {
	case m.again <- struct{}{}:
	default:
	}
}

func (m *member) Residents(ctx context.Context) (string, []group.Resident, error) {
	if err := m.link.up(ctx); err != nil {
		return "", nil, err
	}
	protocol, all := m.at.residents()
	return protocol, all, nil
}

func (m *member) Run(ctx context.Context) error {
	if protocol, residents := m.at.residents(); len(residents) > 0 {
		if _, err := m.handler.Enter(ctx, protocol, residents); err != nil {
			return err
		}
	}
	id := ""
	for ctx.Err() == nil {
		round, err := m.round(ctx, id)
		id = round.MemberID
		if errors.Is(err, errUnknownMember) {
			id = ""
			m.handler.Lost(err)
		}
		if err == nil && errors.Is(m.work(ctx, round), errUnknownMember) {
			id = ""
			m.handler.Lost(errUnknownMember)
		}
	}
	select {
	case <-m.dead:
	default:
		m.at.leave(id)
	}
	return nil
}

func (m *member) round(ctx context.Context, id string) (group.Round, error) {
	select {
	case <-m.again:
	default:
	}
	offers, err := m.handler.Prepare(ctx)
	if err != nil {
		return group.Round{MemberID: id}, err
	}
	if err := m.link.up(ctx); err != nil {
		return group.Round{MemberID: id}, err
	}
	r, peers, err := m.at.join(ctx, id, offers)
	if err != nil {
		return r, err
	}
	if !m.link.isUp() && m.roll(2) == 0 { // the connection has broken: the answer is lost, not late
		m.handler.Missed(ctx, group.Round{})
		return group.Round{MemberID: id}, errLostAnswer
	}
	if err := m.link.up(ctx); err != nil {
		return r, err
	}
	sent := time.Now()
	if err := m.at.heartbeat(r); errors.Is(err, errUnknownMember) {
		return r, err
	}
	m.handler.Beat(sent)
	var answers map[string][]byte
	if r.LeaderID == r.MemberID {
		if answers, err = m.handler.Lead(ctx, r, peers); err != nil {
			return r, err
		}
	}
	if m.misses != nil {
		if knows, missed := m.misses(r); missed {
			m.handler.Missed(ctx, group.Round{Protocol: knows})
			return r, errLostAnswer
		}
	}
	answer, err := m.at.sync(ctx, r, answers)
	if err != nil {
		m.handler.Missed(ctx, r)
		return r, err
	}
	m.handler.Joined(ctx, r, answer)
	return r, nil
}

// work beats until another round is due.
func (m *member) work(ctx context.Context, r group.Round) error {
	beats := time.NewTicker(m.beat)
	defer beats.Stop()
	for {
		select {
		case <-m.again:
			return nil
		case <-beats.C:
			if !m.link.isUp() {
				continue
			}
			sent := time.Now()
			err := m.at.heartbeat(r)
			if errors.Is(err, errUnknownMember) {
				return err
			}
			m.handler.Beat(sent)
			if err != nil {
				return nil
			}
		case <-ctx.Done():
			return nil
		}
	}
}
