package assignment

import (
	"bytes"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect/stores"
)

// metadataOf is a member at http://<id>/.
func metadataOf(t testing.TB, p Protocol, id string, offset int64, held *Assignment) Metadata {
	t.Helper()
	b, err := WorkerState{URL: "http://" + id + "/", ConfigOffset: offset, Held: held}.Encode(p)
	require.NoError(t, err)
	return Metadata{Member: id, Bytes: b}
}

func stale() Snapshot { return Snapshot{ConfigOffset: -1} }

func leaderWith(fresh func() Snapshot) *Leader { return NewLeader(time.Minute, time.Now, fresh) }

func answers(t testing.TB, d *Division) map[string]Assignment {
	t.Helper()
	decoded := make(map[string]Assignment, len(d.Assignments))
	for id, b := range d.Assignments {
		a, err := DecodeAssignment(d.Protocol, b)
		require.NoError(t, err)
		decoded[id] = a
	}
	return decoded
}

func TestEveryMemberIsAnsweredInTheProtocolChosen(t *testing.T) {
	for _, p := range Sessioned.Offers() {
		t.Run(p.String(), func(t *testing.T) {
			d, err := leaderWith(stale).Lead(Group{
				Protocol: p, Leader: "a", LastCompleted: -1, Current: 1, Snapshot: Snapshot{7, numbered(2, 2)},
				Metadata: []Metadata{metadataOf(t, p, "a", 7, nil), metadataOf(t, p, "b", 5, nil)},
			})
			require.NoError(t, err)
			got := answers(t, d)
			require.Len(t, got, 2)
			var all Work
			for id, a := range got {
				assert.Equal(t, []byte{0, byte(p)}, d.Assignments[id][:2])
				assert.Equal(t, "a", a.Leader)
				assert.Equal(t, "http://a/", a.LeaderURL)
				assert.EqualValues(t, 7, a.ConfigOffset)
				assert.Equal(t, NoError, a.Error)
				assert.Len(t, a.Assigned.Tasks, 2)
				all = all.Plus(a.Assigned)
			}
			assert.Equal(t, numbered(2, 2), all.Sorted())
		})
	}
}

func TestWhatMembersHoldStaysWithThem(t *testing.T) {
	held := &Assignment{Assigned: numbered(2, 2)}
	d, err := leaderWith(stale).Lead(Group{
		Protocol: Sessioned, Leader: "a", LastCompleted: -1, Current: 1, Snapshot: Snapshot{7, numbered(2, 2)},
		Metadata: []Metadata{metadataOf(t, Sessioned, "a", 7, held)},
	})
	require.NoError(t, err)
	assert.Empty(t, answers(t, d)["a"].Assigned)
	assert.Equal(t, numbered(2, 2), d.Holders["a"].Keeps.Sorted())
}

func TestARoundThatClearsDividesNothing(t *testing.T) {
	for name, read := range map[string]int64{"all have read the same": 7, "the leader has read more since it joined": 5} {
		t.Run(name, func(t *testing.T) {
			d, err := leaderWith(func() Snapshot { return Snapshot{7, numbered(2, 2)} }).Lead(Group{
				Protocol: Eager, Leader: "a", Current: 1, Snapshot: Snapshot{read, numbered(2, 2)}, Clears: true,
				Metadata: []Metadata{metadataOf(t, Eager, "a", read, nil), metadataOf(t, Eager, "b", 7, nil)},
			})
			require.NoError(t, err)
			for id, a := range answers(t, d) {
				assert.Equal(t, NoError, a.Error, id)
				assert.True(t, a.Assigned.Empty(), id)
			}
			assert.Equal(t, numbered(2, 2), d.Waiting().Sorted())
		})
	}
}

func TestALeaderBehindTakesAFreshSnapshot(t *testing.T) {
	for _, p := range Sessioned.Offers() {
		d, err := leaderWith(func() Snapshot { return Snapshot{12, numbered(3, 1)} }).Lead(Group{
			Protocol: p, Leader: "a", LastCompleted: -1, Current: 1, Snapshot: Snapshot{7, Work{}},
			Metadata: []Metadata{metadataOf(t, p, "a", 7, nil), metadataOf(t, p, "b", 10, nil)},
		})
		require.NoError(t, err)
		assert.EqualValues(t, 12, d.ConfigOffset)
		assert.Equal(t, numbered(3, 1), d.Snapshot.Configured)
		for _, a := range answers(t, d) {
			assert.EqualValues(t, 12, a.ConfigOffset)
			assert.NotEmpty(t, a.Assigned)
		}
	}
}

func TestALeaderStillBehindDividesNothing(t *testing.T) {
	for _, p := range Sessioned.Offers() {
		d, err := leaderWith(func() Snapshot { return Snapshot{9, numbered(3, 1)} }).Lead(Group{
			Protocol: p, Leader: "a", LastCompleted: -1, Current: 1, Snapshot: Snapshot{7, numbered(3, 1)},
			Metadata: []Metadata{metadataOf(t, p, "a", 7, nil), metadataOf(t, p, "b", 10, nil)},
		})
		require.NoError(t, err)
		got := answers(t, d)
		require.Len(t, got, 2)
		for _, a := range got {
			assert.Equal(t, Assignment{Error: ConfigMismatch, Leader: "a", LeaderURL: "http://a/", ConfigOffset: 10}, a)
		}
		assert.Empty(t, d.Waiting())
		_, owned := d.ConnectorOwner("c00000")
		assert.False(t, owned)
	}
}

func TestAMemberWhoseMetadataIsBrokenIsNamed(t *testing.T) {
	_, err := leaderWith(stale).Lead(Group{
		Protocol: Sessioned, Leader: "a",
		Metadata: []Metadata{metadataOf(t, Sessioned, "a", 7, nil), {Member: "broken", Bytes: []byte{0}}},
	})
	require.ErrorIs(t, err, ErrMalformed)
	assert.ErrorContains(t, err, "broken")
}

func TestALeaderOutsideTheGroupIsAnError(t *testing.T) {
	_, err := leaderWith(stale).Lead(Group{Protocol: Sessioned, Leader: "x", Metadata: []Metadata{metadataOf(t, Sessioned, "a", 7, nil)}})
	assert.ErrorContains(t, err, `"x" is not among them`)
}

func TestALeaderKnowsWhoRunsWhatAndWhatWaits(t *testing.T) {
	now := time.UnixMilli(1)
	leader := NewLeader(time.Minute, func() time.Time { return now }, stale)
	group := Group{
		Protocol: Sessioned, Leader: "a", LastCompleted: -1, Current: 1, Snapshot: Snapshot{7, connectorOf("x", 1)},
		Metadata: []Metadata{metadataOf(t, Sessioned, "a", 7, nil), metadataOf(t, Sessioned, "b", 7, nil)},
	}
	d, err := leader.Lead(group)
	require.NoError(t, err)
	owner, owned := d.ConnectorOwner("x")
	assert.True(t, owned)
	assert.Equal(t, "http://a/", owner.URL)
	_, owned = d.TaskOwner(stores.TaskID{Connector: "x", Task: 1})
	assert.False(t, owned)
	assert.Empty(t, d.Waiting())

	held := answers(t, d)["b"]
	assert.Empty(t, held.Assigned, "a has the first connector and the first task")
	group.LastCompleted, group.Current = 1, 2
	group.Leader, group.Metadata = "b", []Metadata{metadataOf(t, Sessioned, "b", 7, &held)}
	d, err = leader.Lead(group)
	require.NoError(t, err)
	assert.Equal(t, connectorOf("x", 1), d.Waiting())
	assert.Equal(t, time.Minute, d.Delay)
	assert.Equal(t, now.Add(time.Minute), d.Scheduled)
	assert.Equal(t, time.Minute, answers(t, d)["b"].Delay)
	_, owned = d.ConnectorOwner("x")
	assert.False(t, owned)
}

func TestARoundIsOneLineInTheLog(t *testing.T) {
	line := func(d *Division) string {
		var out bytes.Buffer
		slog.New(slog.NewTextHandler(&out, nil)).Info("divided", "round", d)
		return out.String()
	}
	group := Group{
		Protocol: Sessioned, Leader: "a", LastCompleted: -1, Current: 3, Snapshot: Snapshot{7, numbered(2, 1)},
		Metadata: []Metadata{metadataOf(t, Sessioned, "a", 7, nil)},
	}
	d, err := leaderWith(stale).Lead(group)
	require.NoError(t, err)
	assert.Contains(t, line(d), "round.protocol=sessioned round.generation=3 round.config_offset=7 round.members=1 "+
		"round.running=4 round.assigned=4 round.revoked=0 round.waiting=0")
	group.Snapshot.ConfigOffset = 6
	d, err = leaderWith(stale).Lead(group)
	require.NoError(t, err)
	assert.Contains(t, line(d), "round.config_offset=7 round.members=1 round.leader_config_offset=-1")
}

func TestASnapshotOfNothingReadHasNoWork(t *testing.T) {
	assert.Equal(t, Snapshot{ConfigOffset: -1, Configured: Work{Connectors: []string{}}}, SnapshotOf(&stores.ConfigState{}))
}

func TestWorkIsAddedAndTakenAwayInOrder(t *testing.T) {
	x, y := connectorOf("x", 2), connectorOf("y", 1)
	both := x.Plus(y).Plus(x)
	assert.Equal(t, 5, both.Size())
	assert.Equal(t, []string{"x", "y"}, both.Connectors)
	assert.Equal(t, y, both.Minus(x))
	assert.True(t, both.Minus(both).Empty())
	assert.Equal(t, both, y.Plus(x).Sorted())
	assert.Equal(t, []string{"y", "x"}, y.Plus(x).Connectors)
}

func BenchmarkLead(b *testing.B) {
	for _, size := range []int{500, 5000} {
		b.Run(fmt.Sprintf("connectors=%d", size), func(b *testing.B) {
			group := Group{Protocol: Sessioned, Leader: "a", LastCompleted: -1, Snapshot: Snapshot{7, numbered(size, 1)}}
			for _, id := range []string{"a", "b", "n"} {
				group.Metadata = append(group.Metadata, metadataOf(b, Sessioned, id, 7, nil))
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := leaderWith(stale).Lead(group); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// It does not know the round before, in which that was configured.
func TestALeaderKnowsThatSomebodyKeepsWhatIsGone(t *testing.T) {
	held := &Assignment{Assigned: numbered(2, 2)}
	l := leaderWith(stale)
	g := Group{
		Protocol: Sessioned, Leader: "a", LastCompleted: 3, Current: 4, Snapshot: Snapshot{8, numbered(2, 1)},
		Metadata: []Metadata{metadataOf(t, Sessioned, "a", 8, held)},
	}
	d, err := l.Lead(g)
	require.NoError(t, err)
	assert.True(t, d.Obsolete())
	g.LastCompleted, g.Current = 4, 5
	d, err = l.Lead(g)
	require.NoError(t, err)
	assert.False(t, d.Obsolete())
	assert.NotEmpty(t, answers(t, d)["a"].Revoked.Tasks)
}
