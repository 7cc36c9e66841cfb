package group

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-connect/sluice/connect/kafkaclient"
	"github.com/sluice-connect/sluice/internal/testbed"
)

func TestALoneMemberLeadsIsGivenItsWorkAndLeaves(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 1)
	ids := k.joiners()
	m := k.member(&script{name: "ada"})

	round := m.await(joined, 1)
	assert.Equal(t, "work for ada", round.assignment)
	assert.Equal(t, protocol, round.round.Protocol)
	assert.Equal(t, round.round.LeaderID, round.round.MemberID)
	assert.Equal(t, []string{"", round.round.MemberID}, ids(), "the coordinator gives the id before it takes the member")
	assert.Zero(t, m.count(entered), "there was nobody to look at")
	m.beats(3)

	m.stop()
	require.NoError(t, m.ended())
	assert.Equal(t, "Empty", k.GroupInfo(crew).State)
	assert.Empty(t, k.GroupInfo(crew).Members)
	assert.Empty(t, m.logged.String())
}

func TestMembersShareGenerationsAsTheyComeAndGo(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 1)
	first := k.member(&script{name: "ada"})
	alone := first.await(joined, 1).round
	second := k.member(&script{name: "bob"})

	one, two := first.await(joined, 2), second.await(joined, 1)
	assert.Equal(t, one.round.Generation, two.round.Generation)
	assert.Equal(t, alone.MemberID, one.round.MemberID)
	assert.Equal(t, one.round.LeaderID, two.round.LeaderID)
	assert.Equal(t, "work for ada", one.assignment)
	assert.Equal(t, "work for bob", two.assignment)
	assert.Equal(t, 2, first.await(led, 2).peers)
	assert.Zero(t, second.count(led))

	second.stop()
	require.NoError(t, second.ended())
	assert.Greater(t, first.await(joined, 3).round.Generation, two.round.Generation)
	assert.Equal(t, 1, first.await(led, 3).peers)
	assert.Zero(t, first.count(lost))
}

func TestRejoinBringsARound(t *testing.T) {
	t.Parallel()
	m := startKafka(t, 1).member(&script{})
	before := m.await(joined, 1).round
	m.Rejoin("news")
	after := m.await(joined, 2).round
	assert.Equal(t, before.Generation+1, after.Generation)
	assert.Equal(t, before.MemberID, after.MemberID)
}

func TestManyRejoinsAtOnceAreOneRound(t *testing.T) {
	t.Parallel()
	var m *crewman
	started := make(chan struct{})
	m = startKafka(t, 1).member(&script{prepare: func(_ context.Context, count int) error {
		<-started
		if count == 1 { // the round that has begun does not hear of it
			for range 100 {
				m.Rejoin("news")
			}
		}
		return nil
	}})
	close(started)
	m.await(joined, 2)
	m.beats(3)
	assert.Equal(t, 2, m.count(joined))
}

func TestARejoinThatIsAskedForBeforeARoundBeginsIsThatRound(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 1)
	var m *crewman
	started := make(chan struct{})
	m = k.member(&script{lost: func() {
		<-started
		m.Rejoin("everything is lost")
	}})
	close(started)
	k.expel(m.await(joined, 1).round.MemberID)
	m.await(joined, 2)
	m.beats(3)
	assert.Equal(t, 2, m.count(joined))
}

func TestARequestThatHasNoAnswerIsSentAgain(t *testing.T) {
	for _, key := range []kmsg.Key{kmsg.FindCoordinator, kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat} {
		t.Run(key.Name(), func(t *testing.T) {
			t.Parallel()
			k := startKafka(t, 1)
			silenced := make(chan struct{})
			k.ControlKey(int16(key), func(kmsg.Request) (kmsg.Response, error, bool) {
				close(silenced)
				return nil, errors.New("the connection is closed"), true
			})
			m := k.member(&script{})
			m.await(joined, 1)
			<-silenced
			m.beats(2)
			assert.Zero(t, m.count(lost))
		})
	}
}

func TestAGoodbyeThatIsRefusedIsLogged(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 1)
	m := k.member(&script{})
	m.await(joined, 1)
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.LeaveGroup}, Group: crew, Err: kerr.GroupAuthorizationFailed, TopLevel: true})
	m.stop()
	require.NoError(t, m.ended())
	assert.Contains(t, m.logged.String(), "the group could not be left, it will notice after session.timeout.ms")
}

func TestAMemberAsksForIDsOfItsOwnOnlyOnce(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 1)
	ids := k.joiners()
	m := k.member(&script{})
	id := m.await(joined, 1).round.MemberID
	m.Rejoin("news")
	m.await(joined, 2)
	assert.Equal(t, []string{"", id, id}, ids())
}

func TestALeaderThatCannotDivideTheWorkPausesBetweenTries(t *testing.T) {
	t.Parallel()
	const first, most = 50 * time.Millisecond, 100 * time.Millisecond
	began := time.Now()
	m := startKafka(t, 1).member(&script{lead: func(count int) error {
		if count <= 3 {
			return errors.New("a config topic that is behind")
		}
		return nil
	}}, func(s *Settings) { s.RetryBackoff, s.RetryBackoffMax = first, most })
	m.await(joined, 1)
	assert.GreaterOrEqual(t, time.Since(began), (first+most+most)*4/5)
	assert.Equal(t, 4, m.count(led))
	assert.Regexp(t, "trying again.*a config topic that is behind", m.logged.String())
	assert.Zero(t, m.count(lost))
}

func TestRunEndsWhilePrepareWaits(t *testing.T) {
	t.Parallel()
	m := startKafka(t, 1).member(&script{prepare: func(ctx context.Context, _ int) error {
		<-ctx.Done()
		return ctx.Err()
	}})
	m.await(prepared, 1)
	m.stop()
	require.NoError(t, m.ended())
	assert.Empty(t, m.logged.String())
}

func TestRunEndsWhileOthersAreWaitedFor(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 1)
	haunt(t, k.coordinator().Addr(), crew, "ghost", false)
	m := k.member(&script{})
	testbed.Await(t, patience, "the member's second join", func(context.Context) error {
		if info := k.GroupInfo(crew); info.State != "PreparingRebalance" {
			return errors.New(info.State)
		}
		return nil
	})
	m.stop()
	require.NoError(t, m.ended())
	assert.Len(t, k.GroupInfo(crew).Members, 1, "the ghost's")
}

func TestAgainstARealKafka(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a real Kafka")
	}
	t.Parallel()
	address, group := testbed.SharedKafka(t), testbed.Prefix(t)+"crew"
	in := func(s *Settings) { s.Group = group }
	p := kafkaclient.Properties{"bootstrap.servers": address}
	first := start(t, p, &script{name: "ada"}, in)
	id := first.await(joined, 1).round.MemberID
	var seen []Resident
	second := start(t, p, &script{name: "bob", enter: func(_ string, residents []Resident) ([]string, error) {
		seen = residents
		return nil, nil
	}}, in)
	both := second.await(joined, 1)
	assert.Equal(t, "work for bob", both.assignment)
	assert.Equal(t, []Resident{{Peer: Peer{ID: id, Metadata: []byte("ada")}, Near: true}}, seen)
	assert.Equal(t, both.round.Generation, first.await(joined, 2).round.Generation)
	second.stop()
	require.NoError(t, second.ended())
	first.await(joined, 3)
	first.beats(3)
	assert.Zero(t, first.count(lost))
}
