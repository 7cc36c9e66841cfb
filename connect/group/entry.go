package group

import (
	"context"
	"net"
	"strings"

	"github.com/IBM/sarama"
)

// Resident is a member that was in the group before this one.
type Resident struct {
	Peer
	// Near is true for a member that speaks from this member's address, as the coordinator sees it: nothing but a process of the same host does,
	// for behind address translation neither address is what the other side sees.
	Near bool
}

// stable is the state of a group at rest, the only one in which the coordinator tells members' metadata.
const stable = "Stable"

// Residents are the members of the group where it is at rest, and the protocol that they speak; none where it is not, or may not be looked at. It
// may be called from any goroutine, also after Run's end.
func (m *Member) Residents(ctx context.Context) (protocol string, all []Resident, err error) {
	c, err := m.finder.connect(ctx, m.patience())
	if err != nil {
		return "", nil, err
	}
	defer c.close()
	return m.describe(c)
}

func (m *Member) describe(c *connection) (protocol string, all []Resident, err error) {
	answer, err := c.broker.DescribeGroups(&sarama.DescribeGroupsRequest{Version: 2, Groups: []string{m.Group}})
	if err != nil {
		return "", nil, c.failed("describing the group", err)
	}
	if len(answer.Groups) != 1 {
		return "", nil, nil
	}
	group := answer.Groups[0]
	switch group.Err {
	case sarama.ErrNoError:
	case sarama.ErrNotCoordinatorForConsumer, sarama.ErrConsumerCoordinatorNotAvailable, sarama.ErrOffsetsLoadInProgress:
		return "", nil, m.refused("describing the group", group.Err) // it would not take a join either
	default:
		return "", nil, nil
	}
	if group.State != stable {
		return "", nil, nil
	}
	for _, r := range group.Members {
		all = append(all, Resident{Peer: Peer{ID: r.MemberId, Metadata: r.MemberMetadata}, Near: near(r.ClientHost, c.dialer.Local())})
	}
	return group.Protocol, all, nil
}

// enter looks at the group before joining it for the first time. That is worth a try, no more: without an answer this member joins like any
// other.
func (m *Member) enter(ctx context.Context, c *connection) error {
	protocol, residents, err := m.describe(c)
	if err != nil || len(residents) == 0 {
		return err
	}
	ghosts, err := m.handler.Enter(ctx, protocol, residents)
	if err != nil {
		return err
	}
	for _, id := range ghosts {
		m.log.Info("removing what is left of this worker's former life from the group", "group", m.Group, "member", id)
		if err := c.dismiss(m.Group, id); err != nil {
			m.log.Warn("it could not be removed, it goes when its session.timeout.ms is over", "group", m.Group, "error", err)
		}
	}
	return nil
}

// near reports whether the host of a member, as the coordinator writes it, is the one that a connection speaks from.
func near(host string, local net.Addr) bool {
	tcp, ok := local.(*net.TCPAddr)
	ip := net.ParseIP(strings.TrimPrefix(host, "/"))
	return ok && ip != nil && ip.Equal(tcp.IP)
}

// dismiss removes a member from the group.
func (c *connection) dismiss(group, member string) error {
	answer, err := c.broker.LeaveGroup(&sarama.LeaveGroupRequest{
		Version: 3, GroupId: group, Members: []sarama.MemberIdentity{{MemberId: member}},
	})
	switch {
	case err != nil:
		return err
	case answer.Err != sarama.ErrNoError && answer.Err != sarama.ErrUnknownMemberId:
		return answer.Err
	}
	return nil
}
