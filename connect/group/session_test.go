package group

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestHeartbeatsGoOnWhilePrepareTakesItsTime(t *testing.T) {
	t.Parallel()
	s := new(script)
	s.prepare = func(_ context.Context, count int) error {
		if count == 1 {
			return nil
		}
		_, err := s.wait(beaten, s.count(beaten)+5)
		return err
	}
	m := startKafka(t, 1).member(s)
	m.await(joined, 1)
	m.Rejoin("news")
	m.await(joined, 2)
	assert.Empty(t, m.logged.String())
}

// Who waits with a JoinGroup is alive to the coordinator as long as that may take; a heartbeat of the generation before would be refused.
func TestAMemberIsSilentWhileItWaitsForItsJoin(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 1)
	early := k.member(&script{})
	early.await(joined, 1)
	enough := make(chan struct{})
	late := k.member(&script{prepare: func(_ context.Context, count int) error {
		if count == 2 {
			<-enough
		}
		return nil
	}})
	late.await(joined, 1)
	early.await(joined, 2)
	joins := k.watch(kmsg.JoinGroup, nil)
	early.Rejoin("news")
	require.NoError(t, joins.Wait(t.Context(), 1))
	before := early.count(beaten)
	late.beats(5)
	assert.Equal(t, before, early.count(beaten))
	close(enough)
	early.await(joined, 3)
	late.await(joined, 2)
}

// A lease counted from the answer would outlast the coordinator's patience by the time that the answer took.
func TestABeatIsTheTimeAtWhichItsHeartbeatWasSent(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 1)
	m := k.member(&script{})
	m.await(joined, 1)
	type arrival struct {
		at    time.Time
		beats int // that were told before; the arriving one is the next
	}
	arrived := make(chan arrival, 1)
	k.watch(kmsg.Heartbeat, func(kmsg.Request) {
		select {
		case arrived <- arrival{time.Now(), m.count(beaten)}:
		default:
		}
	})
	one := <-arrived
	assert.True(t, m.await(beaten, one.beats+1).sent.Before(one.at))
}

func TestTheFirstBeatIsTheTimeAtWhichTheAssignmentWasAskedFor(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 1)
	arrived := make(chan time.Time, 1)
	k.watch(kmsg.SyncGroup, func(kmsg.Request) { arrived <- time.Now() })
	m := k.member(&script{}, func(s *Settings) { s.Heartbeat = time.Hour })
	assert.True(t, m.await(beaten, 1).sent.Before(<-arrived))
}

func TestAMemberThatTheCoordinatorHasForgottenJoinsAnew(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 1)
	ids := k.joiners()
	m := k.member(&script{})
	before := m.await(joined, 1).round.MemberID
	k.expel(before)

	assert.ErrorIs(t, m.await(lost, 1).cause, sarama.ErrUnknownMemberId)
	after := m.await(joined, 2).round.MemberID
	assert.NotEqual(t, before, after)
	assert.Equal(t, []string{"", before, "", after}, ids())
	m.beats(3)
	assert.Equal(t, 1, m.count(lost))
	assert.Empty(t, m.logged.String())
}

func TestAMemberOfAGenerationThatIsOverJoinsTheNext(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 1)
	m := k.member(&script{})
	before := m.await(joined, 1).round
	k.refuse(kmsg.Heartbeat, kerr.IllegalGeneration, 1)

	assert.ErrorIs(t, m.await(lost, 1).cause, sarama.ErrIllegalGeneration)
	after := m.await(joined, 2).round
	assert.Equal(t, before.MemberID, after.MemberID)
	assert.Greater(t, after.Generation, before.Generation)
	m.beats(3)
	assert.Equal(t, 1, m.count(lost))
}

func TestAMemberThatIsToldOfARebalanceIsStillOne(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 1)
	m := k.member(&script{})
	id := m.await(joined, 1).round.MemberID
	all := k.refuse(kmsg.Heartbeat, kerr.RebalanceInProgress, -1)
	require.NoError(t, all.Wait(t.Context(), 3))
	all.Remove()
	m.await(joined, 2)

	told := 0 // of heartbeats refused: the last beat before a round is complete is that of its SyncGroup
	for _, e := range betweenRounds(m.history()) {
		if e.what == beaten {
			told++
		}
	}
	assert.Greater(t, told, 1)
	assert.Equal(t, id, m.await(joined, 2).round.MemberID)
	assert.Zero(t, m.count(lost))
	assert.Empty(t, m.logged.String())
}

func TestAMemberWhoseJoinIsNotAnsweredMayHaveMissedARound(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 1)
	// The first of the two keeps the second from being answered, as long as it does not get the turn to join.
	turn := make(chan struct{}, 1)
	k.member(&script{prepare: func(ctx context.Context, _ int) error {
		select {
		case turn <- struct{}{}:
			<-turn
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}}).await(joined, 1)
	turn <- struct{}{}
	joins := k.watch(kmsg.JoinGroup, nil)
	other := new(script)
	other.prepare = func(_ context.Context, count int) error {
		other.name = fmt.Sprint(count) // one with nothing new to say is answered at once
		return nil
	}
	m := k.member(other)
	require.NoError(t, joins.Wait(t.Context(), 1))
	k.proxies[0].Cut()
	require.NoError(t, joins.Wait(t.Context(), 2))
	assert.Zero(t, m.count(missed), "it was in none before")
	<-turn
	m.await(joined, 1)

	turn <- struct{}{}
	again := k.watch(kmsg.JoinGroup, nil)
	m.Rejoin("news")
	require.NoError(t, again.Wait(t.Context(), 1))
	k.proxies[0].Cut()
	assert.Zero(t, m.await(missed, 1).round)
	<-turn
	m.await(joined, 2)
	assert.Zero(t, m.count(lost))
}

// betweenRounds are the events from the first completed round to the next.
func betweenRounds(all []event) (between []event) {
	rounds := 0
	for _, e := range all {
		if e.what == joined {
			rounds++
		} else if rounds == 1 {
			between = append(between, e)
		}
	}
	return between
}

func TestAJoinOrSyncThatIsRefusedForThisMembersStateIsTriedAtOnce(t *testing.T) {
	for _, c := range []struct {
		key    kmsg.Key
		refuse *kerr.Error
		lost   int
		same   bool // the member id stays
	}{
		{kmsg.JoinGroup, kerr.UnknownMemberID, 1, false},
		{kmsg.SyncGroup, kerr.UnknownMemberID, 1, false},
		{kmsg.SyncGroup, kerr.IllegalGeneration, 1, true},
		{kmsg.SyncGroup, kerr.RebalanceInProgress, 0, true},
	} {
		t.Run(c.key.Name()+" "+c.refuse.Message, func(t *testing.T) {
			t.Parallel()
			k := startKafka(t, 1)
			// A pause would be longer than this test waits.
			m := k.member(&script{}, func(s *Settings) { s.RetryBackoff, s.RetryBackoffMax = time.Hour, time.Hour })
			before := m.await(joined, 1).round.MemberID
			refusal := k.refuse(c.key, c.refuse, 1)
			m.Rejoin("news")
			if !c.same { // as the coordinator says
				require.NoError(t, refusal.Wait(t.Context(), 1))
				k.expel(before)
			}
			after := m.await(joined, 2).round.MemberID
			assert.Equal(t, c.same, before == after)
			assert.Equal(t, c.lost, m.count(lost))
			if c.key == kmsg.SyncGroup {
				assert.Equal(t, protocol, m.await(missed, 1).round.Protocol)
			} else {
				assert.Zero(t, m.count(missed), "the coordinator has said that it is in no round")
			}
			assert.Empty(t, m.logged.String())
		})
	}
}
