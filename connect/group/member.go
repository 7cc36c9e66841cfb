package group

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect/kafkaclient"
	"github.com/sluice-connect/sluice/connect/metrics"
)

// Settings are how a member keeps its membership.
type Settings struct {
	Group           string
	ProtocolType    string
	Session         time.Duration // session.timeout.ms: after so long without a heartbeat the coordinator takes the member for dead
	Heartbeat       time.Duration // between two heartbeats, and so until the member notices that others have joined or gone
	Rebalance       time.Duration // rebalance.timeout.ms: how long members get to join a round
	Request         time.Duration // request.timeout.ms
	RetryBackoff    time.Duration // retry.backoff.ms; the pause doubles up to RetryBackoffMax
	RetryBackoffMax time.Duration
	Metrics         *Metrics // nil for none that anybody sees
}

// Member is one membership, from joining to leaving.
type Member struct {
	Settings
	kafka   *kafkaclient.Settings
	handler Handler
	log     *slog.Logger
	finder  *finder
	again   chan string // capacity 1: why another round is wanted

	// What follows belongs to Run's goroutine.
	entered bool     // the group was looked at
	id      string   // given by the coordinator; "" before that, and after it has forgotten this member
	session *session // of the last round; nil before
	said    string   // the trouble last logged: tries follow one another several times a second
}

// New returns a membership that has not begun. kafka is how brokers are reached.
func New(kafka *kafkaclient.Settings, s Settings, h Handler, log *slog.Logger) *Member {
	if s.Metrics == nil {
		s.Metrics = NewMetrics("", metrics.Sampling{})
	}
	own := *kafka
	own.Traffic = s.Metrics
	kafka = &own
	return &Member{Settings: s, kafka: kafka, handler: h, log: log, finder: newFinder(kafka, s), again: make(chan string, 1)}
}

// Rejoin asks for another round. It returns at once; requests that come together are one. It may be called from any goroutine.
func (m *Member) Rejoin(reason string) {
	select {
	case m.again <- reason:
	default:
	}
}

// FatalError says that the coordinator will never take this member as it is. Its text names the key to change.
type FatalError struct {
	Text  string
	Cause error
}

func (e *FatalError) Error() string { return e.Text }

func (e *FatalError) Unwrap() error { return e.Cause }

// Run keeps the membership until ctx ends, then leaves the group. Its error wraps a [*FatalError]. It is called once.
func (m *Member) Run(ctx context.Context) error {
	defer m.leave()
	defer m.endSession()
	pause := m.pauses()
	joined := false
	for ctx.Err() == nil {
		began := time.Now()
		err := m.round(ctx)
		if ctx.Err() == nil {
			m.Metrics.round(began, err)
		}
		if err == nil {
			joined, pause, m.said = true, m.pauses(), ""
			err = m.session.last(ctx, m.again)
		}
		if err == nil || ctx.Err() != nil {
			continue
		}
		if fatal := new(FatalError); errors.As(err, &fatal) && !joined {
			return err
		}
		m.judge(err)
		if !quick(err) {
			m.complain(err)
			pause.wait(ctx)
		}
	}
	return nil
}

func (m *Member) complain(err error) {
	if text := err.Error(); text != m.said {
		m.said = text
		m.log.Warn("the group cannot be joined, trying again", "group", m.Group, "error", err)
	}
}

func (m *Member) endSession() {
	if m.session != nil {
		m.session.end()
	}
}

// judge finds out what an error means for the membership.
func (m *Member) judge(err error) {
	switch {
	case errors.Is(err, sarama.ErrUnknownMemberId), errors.Is(err, sarama.ErrFencedInstancedId):
		m.id = ""
		m.handler.Lost(err)
	case errors.Is(err, sarama.ErrIllegalGeneration):
		m.handler.Lost(err)
	}
}

// quick reports whether the next try may follow at once: the coordinator is there and has said what to do.
func quick(err error) bool {
	for _, e := range []error{sarama.ErrUnknownMemberId, sarama.ErrIllegalGeneration, sarama.ErrRebalanceInProgress, sarama.ErrMemberIdRequired} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// round joins the group and carries the round to its end. The heartbeats of the last round go on until this member joins, those of this one begin
// with the coordinator's answer to that.
func (m *Member) round(ctx context.Context) error {
	select {
	case <-m.again: // what was asked for so far is what this round is for
	default:
	}
	offers, err := m.handler.Prepare(ctx)
	if err != nil {
		return fmt.Errorf("preparing to join the group: %w", err)
	}
	c, err := m.finder.connect(ctx, max(m.Request, m.Rebalance+joinMargin))
	if err != nil {
		return err
	}
	defer c.close()
	if !m.entered {
		if err := m.enter(ctx, c); err != nil {
			return err
		}
		m.entered = true
	}
	m.endSession()
	joining := time.Now()
	answer, err := m.join(ctx, c, offers)
	if err != nil {
		return err
	}
	m.Metrics.joins.Record(since(joining))
	r := Round{Generation: answer.GenerationId, MemberID: answer.MemberId, LeaderID: answer.LeaderId, Protocol: answer.GroupProtocol}
	m.session = m.begin(ctx, r)
	assignment, sent, err := m.sync(ctx, c, r, answer.Members)
	if err != nil {
		m.handler.Missed(ctx, r)
		return err
	}
	m.Metrics.syncs.Record(since(sent))
	m.handler.Beat(sent)
	m.handler.Joined(ctx, r, assignment)
	return nil
}

// joinMargin is what a JoinGroup may take beyond the rebalance timeout (JOIN_GROUP_TIMEOUT_LAPSE).
const joinMargin = 5 * time.Second

func (m *Member) join(ctx context.Context, c *connection, offers []Offer) (*sarama.JoinGroupResponse, error) {
	request := &sarama.JoinGroupRequest{
		Version: 5, GroupId: m.Group, MemberId: m.id, ProtocolType: m.ProtocolType,
		SessionTimeout: int32(m.Session.Milliseconds()), RebalanceTimeout: int32(m.Rebalance.Milliseconds()),
	}
	for _, o := range offers {
		request.OrderedGroupProtocols = append(request.OrderedGroupProtocols, &sarama.GroupProtocol{Name: o.Protocol, Metadata: o.Metadata})
	}
	for {
		answer, err := c.broker.JoinGroup(request)
		if err != nil {
			if m.session != nil && ctx.Err() == nil { // without a round before it there is nothing to lose
				m.handler.Missed(ctx, Round{})
			}
			return nil, c.failed("joining the group", err)
		}
		switch answer.Err {
		case sarama.ErrNoError:
			m.id = answer.MemberId
			return answer, nil
		case sarama.ErrMemberIdRequired:
			m.id = answer.MemberId
			request.MemberId = answer.MemberId
		default:
			return nil, m.refused("joining the group", answer.Err)
		}
	}
}

func (m *Member) sync(ctx context.Context, c *connection, r Round, members []sarama.GroupMember) (assignment []byte, sent time.Time, err error) {
	request := &sarama.SyncGroupRequest{Version: 3, GroupId: m.Group, GenerationId: r.Generation, MemberId: r.MemberID}
	if r.LeaderID == r.MemberID {
		peers := make([]Peer, 0, len(members))
		for _, p := range members {
			peers = append(peers, Peer{ID: p.MemberId, Metadata: p.Metadata})
		}
		answers, err := m.handler.Lead(ctx, r, peers)
		if err != nil {
			return nil, sent, fmt.Errorf("dividing the group's work: %w", err)
		}
		for id, answer := range answers {
			request.GroupAssignments = append(request.GroupAssignments, sarama.SyncGroupRequestAssignment{MemberId: id, Assignment: answer})
		}
	}
	sent = time.Now()
	answer, err := c.broker.SyncGroup(request)
	if err != nil {
		return nil, sent, c.failed("asking the group for an assignment", err)
	}
	if answer.Err != sarama.ErrNoError {
		return nil, sent, m.refused("asking the group for an assignment", answer.Err)
	}
	return answer.MemberAssignment, sent, nil
}

// refused is what the coordinator has against a request.
func (m *Member) refused(doing string, e sarama.KError) error {
	switch e {
	case sarama.ErrNotCoordinatorForConsumer, sarama.ErrConsumerCoordinatorNotAvailable:
		m.finder.forget()
	case sarama.ErrInconsistentGroupProtocol:
		return &FatalError{Cause: e, Text: fmt.Sprintf("group.id: the group %s has members that are no Connect workers, or share no connect.protocol with this one", m.Group)}
	case sarama.ErrInvalidSessionTimeout:
		return &FatalError{Cause: e, Text: fmt.Sprintf("session.timeout.ms: the broker does not allow %d: its group.min.session.timeout.ms and "+
			"group.max.session.timeout.ms are the bounds", m.Session.Milliseconds())}
	case sarama.ErrInvalidGroupId:
		return &FatalError{Cause: e, Text: fmt.Sprintf("group.id: the broker does not take %q as a group's name", m.Group)}
	case sarama.ErrGroupAuthorizationFailed:
		return &FatalError{Cause: e, Text: fmt.Sprintf("group.id: not authorized to join group %s: the principal needs READ on it", m.Group)}
	case sarama.ErrGroupMaxSizeReached:
		return &FatalError{Cause: e, Text: fmt.Sprintf("group.id: group %s has as many members as the broker's group.max.size allows", m.Group)}
	}
	return fmt.Errorf("%s: %w", doing, e)
}

// leaveTimeout bounds the goodbye. A coordinator that does not hear it waits for the session's end.
const leaveTimeout = 2 * time.Second

func (m *Member) leave() {
	if m.id == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	err := m.goodbye(ctx)
	if errors.Is(err, sarama.ErrNotCoordinatorForConsumer) { // it has just moved
		m.finder.forget()
		err = m.goodbye(ctx)
	}
	if err != nil {
		m.log.Warn("the group could not be left, it will notice after session.timeout.ms", "group", m.Group, "error", err)
	}
}

func (m *Member) goodbye(ctx context.Context) error {
	c, err := m.finder.connect(ctx, leaveTimeout)
	if err != nil {
		return err
	}
	defer c.close()
	return c.dismiss(m.Group, m.id)
}
