package assignment

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/internal/golden"
)

// history is one of a group, as Java's assignor saw and decided it.
type history struct {
	MaxDelay int64          `json:"max_delay_ms"`
	Rounds   []historyRound `json:"rounds"`
}

type historyRound struct {
	Now           int64          `json:"now_ms"`
	Connectors    map[string]int `json:"connectors"` // to their number of tasks
	Inconsistent  []string       `json:"inconsistent"`
	NewLeader     bool           `json:"new_leader"`
	LastCompleted int32          `json:"last_completed_generation"`
	Current       int32          `json:"current_generation"`
	Members       orderedMembers `json:"members"`
	Expect        struct {
		Delay     int64 `json:"delay_ms"`
		Scheduled int64 `json:"scheduled_ms"`
		Assign    map[string]struct {
			NewConnectors     []string   `json:"new_connectors"`
			NewTasks          []taskName `json:"new_tasks"`
			RevokedConnectors []string   `json:"revoked_connectors"`
			RevokedTasks      []taskName `json:"revoked_tasks"`
		} `json:"assign"`
	} `json:"expect"`
}

// taskName is a task written as connector-number.
type taskName stores.TaskID

func (n *taskName) UnmarshalJSON(raw []byte) error {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return err
	}
	dash := strings.LastIndexByte(text, '-')
	task, err := strconv.Atoi(text[dash+1:])
	*n = taskName{text[:dash], task}
	return err
}

func taskIDs(names []taskName) []stores.TaskID {
	ids := make([]stores.TaskID, len(names))
	for i, n := range names {
		ids[i] = stores.TaskID(n)
	}
	return ids
}

// orderedMembers keeps the order of the object's members, in which Java's table was filled.
type orderedMembers []Member

func (m *orderedMembers) UnmarshalJSON(raw []byte) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if _, err := dec.Token(); err != nil {
		return err
	}
	for dec.More() {
		id, err := dec.Token()
		if err != nil {
			return err
		}
		var held struct {
			Connectors []string
			Tasks      []taskName
		}
		if err := dec.Decode(&held); err != nil {
			return err
		}
		*m = append(*m, Member{id.(string), Work{held.Connectors, taskIDs(held.Tasks)}})
	}
	return nil
}

func (r historyRound) configured() Work {
	var w Work
	for name, count := range r.Connectors {
		if slices.Contains(r.Inconsistent, name) {
			count = 0
		}
		w = w.Plus(connectorOf(name, count))
	}
	return w
}

// connectorOf is a connector and its tasks.
func connectorOf(name string, taskCount int) Work {
	w := Work{Connectors: []string{name}}
	for n := range taskCount {
		w.Tasks = append(w.Tasks, stores.TaskID{Connector: name, Task: n})
	}
	return w
}

func TestGoldenHistoriesAreDecidedAsJavaDecidedThem(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(golden.Dir(), "assignor.json"))
	require.NoError(t, err)
	var histories []history
	require.NoError(t, json.Unmarshal(raw, &histories))
	require.NotEmpty(t, histories)
	for i, h := range histories {
		require.NotEmpty(t, h.Rounds)
		t.Run(strconv.Itoa(i), func(t *testing.T) { replay(t, h) })
	}
}

func replay(t *testing.T, h history) {
	var now time.Time
	clock := func() time.Time { return now }
	assignor := NewIncremental(time.Duration(h.MaxDelay)*time.Millisecond, clock)
	for n, r := range h.Rounds {
		now = time.UnixMilli(r.Now)
		if r.NewLeader {
			assignor = NewIncremental(time.Duration(h.MaxDelay)*time.Millisecond, clock)
		}
		plan := assignor.Assign(Round{
			Configured: r.configured(), Members: r.Members, LastCompleted: r.LastCompleted, Current: r.Current,
		})
		compareRound(t, n, r, plan, assignor.Scheduled())
		if t.Failed() {
			return // later rounds follow from this one
		}
	}
}

func compareRound(t *testing.T, n int, r historyRound, plan Plan, scheduled time.Time) {
	t.Helper()
	assert.Equal(t, r.Expect.Delay, plan.Delay.Milliseconds(), "round %d: delay", n)
	if r.Expect.Scheduled == 0 {
		assert.Zero(t, scheduled, "round %d: schedule", n)
	} else {
		assert.Equal(t, r.Expect.Scheduled, scheduled.UnixMilli(), "round %d: schedule", n)
	}
	require.Len(t, plan.Shares, len(r.Expect.Assign), "round %d: members", n)
	for id, want := range r.Expect.Assign {
		got := plan.Shares[id]
		assert.ElementsMatch(t, want.NewConnectors, got.New.Connectors, "round %d: new connectors of %s", n, id)
		assert.ElementsMatch(t, taskIDs(want.NewTasks), got.New.Tasks, "round %d: new tasks of %s", n, id)
		assert.ElementsMatch(t, want.RevokedConnectors, got.Revoked.Connectors, "round %d: revoked connectors of %s", n, id)
		assert.ElementsMatch(t, taskIDs(want.RevokedTasks), got.Revoked.Tasks, "round %d: revoked tasks of %s", n, id)
	}
}
