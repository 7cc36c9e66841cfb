package group

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-connect/sluice/connect/kafkaclient"
	"github.com/sluice-connect/sluice/internal/testbed"
)

func (k *kafka) finder(p kafkaclient.Properties) *finder {
	return newFinder(settings(k.t, p), Settings{Group: crew, Session: 3 * time.Second, Request: 5 * time.Second})
}

// connects fails the test where the finder does not find and reach the group's coordinator.
func connects(t *testing.T, f *finder) {
	t.Helper()
	c, err := f.connect(t.Context(), time.Second)
	require.NoError(t, err)
	c.close()
}

func TestAFinderRemembersTheCoordinator(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 1)
	asked := k.watch(kmsg.FindCoordinator, nil)
	f := k.finder(k.clients())
	connects(t, f)
	connects(t, f)
	assert.Equal(t, 1, asked.Hits())
	f.forget()
	connects(t, f)
	assert.Equal(t, 2, asked.Hits())
}

func TestAFinderAsksOneBrokerAfterTheOther(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 2)
	for k.coordinator() != k.proxies[1] {
		k.RehashCoordinators()
	}
	k.proxies[0].Refuse()
	connects(t, k.finder(k.clients()))
}

func TestAFinderAsksBrokersThatItHasHeardOf(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 2)
	f := k.finder(k.clients(k.proxies[0]))
	connects(t, f)
	for k.coordinator() != k.proxies[1] {
		k.RehashCoordinators()
	}
	k.proxies[0].Refuse()
	f.forget()
	connects(t, f)
}

func TestAFinderLooksAgainWhereTheCoordinatorCannotBeReached(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 2)
	f := k.finder(k.clients())
	connects(t, f)
	gone := k.coordinator()
	gone.Refuse()
	k.move()
	_, err := f.connect(t.Context(), time.Second)
	assert.ErrorContains(t, err, "coordinator at "+gone.Addr())
	assert.ErrorContains(t, err, "connection refused")
	connects(t, f)
}

func TestAFinderThatFindsNobodyNamesEveryBroker(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 2)
	k.proxies[0].Refuse()
	k.refuse(kmsg.FindCoordinator, kerr.CoordinatorNotAvailable, 1)
	_, err := k.finder(k.clients()).connect(t.Context(), time.Second)
	assert.ErrorContains(t, err, k.proxies[0].Addr())
	assert.ErrorContains(t, err, k.proxies[1].Addr())
}

func TestAFrozenBrokerHoldsAFinderUpNoLongerThanItsPatience(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 2)
	for k.coordinator() != k.proxies[1] {
		k.RehashCoordinators()
	}
	k.proxies[0].Stall()
	began := time.Now()
	connects(t, k.finder(k.clients()))
	assert.Less(t, time.Since(began), 4*time.Second, "a third of the session is 1 s, the request timeout 5 s")
}

func TestABrokerThatIsFrozenIsSaidNotToAnswer(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 1)
	k.proxies[0].Stall()
	_, err := k.finder(k.clients()).connect(t.Context(), time.Hour)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.ErrorContains(t, err, "does not answer (timeout)")
}

func TestAFinderEndsWithItsContext(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 1)
	k.proxies[0].Stall()
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	f := k.finder(k.clients())
	f.patience = time.Hour
	done := make(chan error, 1)
	go func() {
		_, err := f.connect(ctx, time.Hour)
		done <- err
	}()
	testbed.Await(t, patience, "the connection", func(context.Context) error {
		if k.proxies[0].Links() == 0 {
			return errors.New("none")
		}
		return nil
	})
	cancel(enough)
	assert.ErrorIs(t, <-done, enough)
}

// The coordinator that moves is known to the member no more than to a real one: by what it is answered.
func TestAMemberFollowsItsCoordinator(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 2)
	m := k.member(&script{})
	id := m.await(joined, 1).round.MemberID
	k.move()
	m.beats(3)
	k.move()
	m.Rejoin("news")
	assert.Equal(t, id, m.await(joined, 2).round.MemberID)
	assert.Zero(t, m.count(lost))
}

func TestACoordinatorThatIsNoneIsLookedForAndTheMemberStaysWhoItIs(t *testing.T) {
	for _, key := range []kmsg.Key{kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat} {
		for _, refuse := range []*kerr.Error{kerr.NotCoordinator, kerr.CoordinatorNotAvailable} {
			t.Run(key.Name()+" "+refuse.Message, func(t *testing.T) {
				t.Parallel()
				k := startKafka(t, 1)
				m := k.member(&script{})
				id := m.await(joined, 1).round.MemberID
				asked := k.watch(kmsg.FindCoordinator, nil)
				refused := k.refuse(key, refuse, 1)
				if key == kmsg.Heartbeat {
					require.NoError(t, refused.Wait(t.Context(), 1))
					m.beats(3)
				}
				m.Rejoin("news")
				assert.Equal(t, id, m.await(joined, 2).round.MemberID)
				assert.Equal(t, 1, refused.Hits())
				assert.NotZero(t, asked.Hits())
				assert.Zero(t, m.count(lost))
			})
		}
	}
}

func TestACoordinatorThatIsStillLoadingIsAskedAgain(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 1)
	k.refuse(kmsg.FindCoordinator, kerr.CoordinatorNotAvailable, 2)
	k.refuse(kmsg.JoinGroup, kerr.CoordinatorLoadInProgress, 3)
	m := k.member(&script{})
	m.await(joined, 1)
	loading := k.refuse(kmsg.Heartbeat, kerr.CoordinatorLoadInProgress, 3)
	require.NoError(t, loading.Wait(t.Context(), 3))
	m.beats(3)
	assert.Equal(t, 1, m.count(joined))
	assert.Zero(t, m.count(lost))
}

func TestACutConnectionIsMadeAgain(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 1)
	m := k.member(&script{})
	m.await(joined, 1)
	for range 5 {
		m.beats(1)
		k.proxies[0].Cut()
		m.beats(2)
	}
	assert.Equal(t, 1, m.count(joined))
	assert.Zero(t, m.count(lost))
	assert.Empty(t, m.logged.String())
}

func TestAFrozenCoordinatorCostsAMemberLessThanItsSession(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 2)
	m := k.member(&script{}, func(s *Settings) { s.Session = 6 * time.Second })
	id := m.await(joined, 1).round.MemberID
	m.beats(1)
	k.coordinator().Stall()
	k.move()
	m.beats(2)
	assert.Zero(t, m.count(lost))
	m.Rejoin("news")
	assert.Equal(t, id, m.await(joined, 2).round.MemberID)
}

// The heartbeats find the new coordinator meanwhile; the group's next round may not wait for this member as long as a JoinGroup may take.
func TestARoundDoesNotWaitForAFrozenCoordinatorToTakeAConnection(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 2)
	m := k.member(&script{}, func(s *Settings) { s.Session, s.Rebalance = 6*time.Second, time.Hour })
	id := m.await(joined, 1).round.MemberID
	k.coordinator().Stall()
	k.move()
	m.Rejoin("news")
	assert.Equal(t, id, m.await(joined, 2).round.MemberID)
	assert.Zero(t, m.count(lost))
}

func TestAMemberWhoseOnlyBrokerIsGoneEndsWithoutIt(t *testing.T) {
	for name, end := range map[string]func(*testbed.Proxy){
		"frozen": (*testbed.Proxy).Stall,
		"down":   func(p *testbed.Proxy) { p.Refuse(); p.Cut() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := startKafka(t, 1)
			m := k.member(&script{})
			m.await(joined, 1)
			end(k.proxies[0])
			m.Rejoin("news")
			m.await(prepared, 2)
			began := time.Now()
			m.stop()
			require.NoError(t, m.ended())
			assert.Less(t, time.Since(began), leaveTimeout+3*time.Second)
			assert.Contains(t, m.logged.String(), "the group could not be left")
		})
	}
}
