package group

import (
	"errors"
	"net"
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

// named has those members removed that go by a name.
func named(name string) func(string, []Resident) ([]string, error) {
	return func(_ string, residents []Resident) (ids []string, err error) {
		for _, r := range residents {
			if string(r.Metadata) == name {
				ids = append(ids, r.ID)
			}
		}
		return ids, nil
	}
}

// The group would wait a minute for the ghost to join its next round.
func TestAMemberDoesNotWaitForWhatIsLeftOfItsFormerLife(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 1)
	ghost := haunt(t, k.coordinator().Addr(), crew, "ada", false)
	m := k.member(&script{name: "ada", enter: named("ada")})

	assert.NotEqual(t, ghost, m.await(joined, 1).round.MemberID)
	assert.Len(t, k.GroupInfo(crew).Members, 1)
	assert.Contains(t, m.logged.String(), ghost)
	m.Rejoin("news")
	m.await(joined, 2)
	assert.Equal(t, 1, m.count(entered), "it enters once")
}

func TestAMemberMeetsTheResidentsBeforeItJoins(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 1)
	ada := k.member(&script{name: "ada"})
	id := ada.await(joined, 1).round.MemberID
	requests := k.joiners()
	type meeting struct {
		protocol  string
		residents []Resident
		requests  int
	}
	var met meeting
	bob := k.member(&script{name: "bob", enter: func(protocol string, residents []Resident) ([]string, error) {
		met = meeting{protocol, residents, len(requests())}
		return nil, nil
	}})
	bob.await(joined, 1)
	assert.Equal(t, meeting{protocol, []Resident{{Peer: Peer{ID: id, Metadata: []byte("ada")}}}, 0}, met)
	ada.await(joined, 2)
	assert.Zero(t, ada.count(lost), "nobody but those named is removed")
}

func TestAMemberThatRefusesToEnterNeverJoins(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 1)
	haunt(t, k.coordinator().Addr(), crew, "ghost", false)
	requests := k.joiners()
	cause := errors.New("another topic")
	m := k.member(&script{enter: func(string, []Resident) ([]string, error) {
		return nil, &FatalError{Text: "config.storage.topic: another one", Cause: cause}
	}})
	assert.ErrorIs(t, fatal(t, m, "config.storage.topic"), cause)
	assert.Empty(t, requests())
	assert.Len(t, k.GroupInfo(crew).Members, 1)
}

func TestAMemberThatCannotEnterYetTriesAgain(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 1)
	k.member(&script{name: "ada"}).await(joined, 1)
	tries := 0
	m := k.member(&script{name: "bob", enter: func(string, []Resident) ([]string, error) {
		if tries++; tries < 3 {
			return nil, errors.New("the config topic cannot be read")
		}
		return nil, nil
	}})
	m.await(joined, 1)
	assert.Equal(t, 3, m.count(entered))
	assert.Contains(t, m.logged.String(), "the config topic cannot be read")
}

func TestAGroupThatDoesNotRestIsJoinedWithoutALook(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 1)
	ghost := haunt(t, k.coordinator().Addr(), crew, "ghost", true)
	joins := k.watch(kmsg.JoinGroup, nil)
	m := k.member(&script{})
	require.NoError(t, joins.Wait(t.Context(), 2)) // for an id, and to join
	k.expel(ghost)
	m.await(joined, 1)
	assert.Zero(t, m.count(entered))
}

func TestAGroupThatMayNotBeLookedAtIsJoinedAllTheSame(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 1)
	k.member(&script{}).await(joined, 1)
	k.refuse(kmsg.DescribeGroups, kerr.GroupAuthorizationFailed, -1)
	m := k.member(&script{})
	m.await(joined, 1)
	assert.Zero(t, m.count(entered))
	assert.Empty(t, m.logged.String())
}

func TestAGroupWhoseCoordinatorIsOnTheMoveIsLookedAtAgain(t *testing.T) {
	for _, refuse := range []*kerr.Error{kerr.NotCoordinator, kerr.CoordinatorNotAvailable, kerr.CoordinatorLoadInProgress} {
		t.Run(refuse.Message, func(t *testing.T) {
			t.Parallel()
			k := startKafka(t, 1)
			haunt(t, k.coordinator().Addr(), crew, "ada", false)
			k.refuse(kmsg.DescribeGroups, refuse, 2)
			m := k.member(&script{name: "ada", enter: named("ada")})
			m.await(joined, 1)
			assert.Equal(t, 1, m.count(entered))
		})
	}
}

func TestALookAtTheGroupThatHadNoAnswerIsTakenAgain(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 1)
	haunt(t, k.coordinator().Addr(), crew, "ada", false)
	k.ControlKey(int16(kmsg.DescribeGroups), func(kmsg.Request) (kmsg.Response, error, bool) {
		return nil, errors.New("the connection is closed"), true
	})
	m := k.member(&script{name: "ada", enter: named("ada")})
	m.await(joined, 1)
	assert.Equal(t, 1, m.count(entered))
	assert.Contains(t, m.logged.String(), "describing the group")
}

func TestAGhostThatCannotBeRemovedIsWaitedFor(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 1)
	ghost := haunt(t, k.coordinator().Addr(), crew, "ada", false)
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.LeaveGroup}, Group: crew, Err: kerr.GroupAuthorizationFailed, TopLevel: true})
	joins := k.watch(kmsg.JoinGroup, nil)
	m := k.member(&script{name: "ada", enter: named("ada")})
	require.NoError(t, joins.Wait(t.Context(), 2))
	assert.Contains(t, m.logged.String(), "could not be removed")
	k.expel(ghost)
	m.await(joined, 1)
}

func TestAResidentIsNearWhenItsAddressIsOurs(t *testing.T) {
	here := &net.TCPAddr{IP: net.ParseIP("10.1.2.3"), Port: 4711}
	for host, want := range map[string]bool{
		"/10.1.2.3": true, "10.1.2.3": true, "/::ffff:10.1.2.3": true, "/10.1.2.4": false, "": false, "/somewhere": false,
	} {
		assert.Equal(t, want, near(host, here), host)
	}
	assert.True(t, near("/0:0:0:0:0:0:0:1", &net.TCPAddr{IP: net.IPv6loopback}))
	assert.False(t, near("/10.1.2.3", nil), "without a connection nobody is near")
}

func TestARealKafkaDropsAGhostAndTellsWhoIsNear(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a real Kafka")
	}
	t.Parallel()
	address, group := testbed.SharedKafka(t), testbed.Prefix(t)+"crew"
	p, in := kafkaclient.Properties{"bootstrap.servers": address}, func(s *Settings) { s.Group = group }
	before := start(t, p, &script{name: "ada"}, in) // after this the group has its coordinator
	before.await(joined, 1)
	before.stop()
	require.NoError(t, before.ended())
	ghost := haunt(t, address, group, "ada", false)
	var near bool
	began := time.Now()
	m := start(t, p, &script{name: "ada", enter: func(protocol string, residents []Resident) ([]string, error) {
		near = len(residents) == 1 && residents[0].Near
		return named("ada")(protocol, residents)
	}}, in)
	assert.NotEqual(t, ghost, m.await(joined, 1).round.MemberID)
	assert.True(t, near)
	assert.Less(t, time.Since(began), 30*time.Second, "the ghost's session is a minute")
}

func TestAMemberLooksAtItsGroupWheneverItIsAsked(t *testing.T) {
	t.Parallel()
	k := startKafka(t, 1)
	ada := k.member(&script{name: "ada"})
	id := ada.await(joined, 1).round.MemberID
	speaks, all, err := ada.Residents(t.Context())
	require.NoError(t, err)
	assert.Equal(t, protocol, speaks)
	assert.Equal(t, []Resident{{Peer: Peer{ID: id, Metadata: []byte("ada")}}}, all)

	k.refuse(kmsg.DescribeGroups, kerr.GroupAuthorizationFailed, 1)
	_, all, err = ada.Residents(t.Context())
	require.NoError(t, err)
	assert.Empty(t, all)
	k.refuse(kmsg.DescribeGroups, kerr.NotCoordinator, 1)
	_, _, err = ada.Residents(t.Context())
	assert.ErrorContains(t, err, "describing the group")
	_, all, err = ada.Residents(t.Context())
	require.NoError(t, err)
	assert.Len(t, all, 1, "the coordinator is looked for again")
}
