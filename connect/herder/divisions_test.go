package herder

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/stores"
)

func TestTasksThatWaitTogetherAreWrittenTogether(t *testing.T) {
	h := mindOf(t, nil)
	const count = 40
	for i := range count {
		create(t, h, fmt.Sprint("c", i), "hang-split")
	}
	require.NoError(t, h.Stop(t.Context(), "c0"))
	busy, release := make(chan struct{}), make(chan struct{})
	var callers sync.WaitGroup
	callers.Go(func() {
		_ = h.lead(t.Context(), func(context.Context) error { close(busy); <-release; return nil })
	})
	<-busy
	failed := make([]error, count)
	for i := range count {
		callers.Go(func() {
			failed[i] = h.putTasks(t.Context(), fmt.Sprint("c", i), []connect.Config{{"n": "0"}, {"n": fmt.Sprint(i)}})
		})
	}
	gone, cancel := context.WithCancel(t.Context())
	callers.Go(func() { assert.Error(t, h.putTasks(gone, "c1", []connect.Config{{"n": "given up"}})) })
	require.Eventually(t, func() bool {
		h.divisions.mu.Lock()
		defer h.divisions.mu.Unlock()
		return len(h.divisions.waiting) == count+1
	}, 10*time.Second, time.Millisecond)
	cancel()
	require.Eventually(t, func() bool {
		h.divisions.mu.Lock()
		defer h.divisions.mu.Unlock()
		return len(h.divisions.waiting) == count
	}, 10*time.Second, time.Millisecond)
	close(release)
	callers.Wait()
	require.EqualError(t, failed[0], "Cannot submit non-empty set of task configs for stopped connector c0")
	state := h.configs.Snapshot()
	for i := 1; i < count; i++ {
		name := fmt.Sprint("c", i)
		require.NoError(t, failed[i])
		require.Equal(t, connect.Config{"n": fmt.Sprint(i)}, state.Task(stores.TaskID{Connector: name, Task: 1}))
		require.Len(t, state.Tasks(name), 2)
	}
	require.Empty(t, h.divisions.waiting)
}

func TestADivisionThatFailedWithOthersIsWrittenAlone(t *testing.T) {
	var q divisions
	of := func(connector string) *division {
		return &division{ConnectorTasks: stores.ConnectorTasks{Connector: connector}}
	}
	a, b, again, c := of("a"), of("b"), of("a"), of("c")
	for _, d := range []*division{a, b, again, c} {
		q.add(d)
	}
	require.Equal(t, []*division{a, b, c}, q.take(a), "one a connector")
	q.giveBack([]*division{b, c})
	require.Equal(t, []*division{b}, q.take(b))
	require.Equal(t, []*division{again}, q.take(again))
	require.Equal(t, []*division{c}, q.take(c))
	require.Empty(t, q.waiting)
}
