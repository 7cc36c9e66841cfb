package herder

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/worker"
)

// scriptedZombies remembers who was fenced.
type scriptedZombies struct {
	during func() error // of a round; nil for nothing

	mu     sync.Mutex
	fenced []string
}

func (z *scriptedZombies) Fence(_ context.Context, connector string, _ connect.Config, n int) error {
	z.mu.Lock()
	z.fenced = append(z.fenced, fmt.Sprintf("%d of %s", n, connector))
	z.mu.Unlock()
	if z.during != nil {
		return z.during()
	}
	return nil
}

func tasks(n int) []connect.Config {
	configs := make([]connect.Config, n)
	for i := range configs {
		configs[i] = connect.Config{"name": "flow", "n": fmt.Sprint(i)}
	}
	return configs
}

// stoppedSource has a source that divides nothing by itself, and its zombies.
func stoppedSource(t *testing.T) (*Herder, *scriptedZombies) {
	t.Helper()
	h, z := mindOf(t, nil), &scriptedZombies{}
	h.Zombies = z
	_, err := h.Create(t.Context(), NewConnector{Name: "flow", InitialState: "STOPPED", Config: connect.Config{
		"name": "flow", "connector.class": "test.ScriptedConnector", "script": "", "topic": "flow", "secret": "s",
	}})
	require.NoError(t, err)
	return h, z
}

func recorded(h *Herder) int {
	n, ok := h.configs.Snapshot().TaskCountRecord("flow")
	if !ok {
		return -1
	}
	return n
}

func TestARoundFencesAsManyTasksAsTheLastOneRecorded(t *testing.T) {
	h, z := stoppedSource(t)
	require.NoError(t, h.FenceZombies(t.Context(), "flow"))
	assert.Equal(t, -1, recorded(h), "there was no commit of tasks, so there is nothing to fence")
	for _, step := range []struct {
		tasks  int
		fenced []string // in all
	}{
		{1, nil}, // the first generation that there is
		{1, nil}, // its only producer is fenced by that of the next
		{3, []string{"1 of flow"}},
		{2, []string{"1 of flow", "3 of flow"}},
		{0, []string{"1 of flow", "3 of flow", "2 of flow"}},
		{1, []string{"1 of flow", "3 of flow", "2 of flow", "0 of flow"}},
	} {
		require.NoError(t, h.configs.PutTaskConfigs(t.Context(), "flow", tasks(step.tasks)))
		for range 2 { // the second has nothing to do
			require.NoError(t, h.FenceZombies(t.Context(), "flow"))
			assert.Equal(t, step.fenced, z.fenced)
			assert.Equal(t, step.tasks, recorded(h))
			assert.False(t, h.configs.Snapshot().PendingFencing("flow"))
		}
	}
}

func TestNothingIsRecordedWhereFencingFails(t *testing.T) {
	h, z := stoppedSource(t)
	require.NoError(t, h.configs.PutTaskConfigs(t.Context(), "flow", tasks(2)))
	require.NoError(t, h.FenceZombies(t.Context(), "flow"))
	require.NoError(t, h.configs.PutTaskConfigs(t.Context(), "flow", tasks(3)))
	z.during = func() error { return errors.New("no coordinator") }
	require.ErrorContains(t, h.FenceZombies(t.Context(), "flow"), "no coordinator")
	assert.Equal(t, 2, recorded(h))
	assert.True(t, h.configs.Snapshot().PendingFencing("flow"))
}

func TestARoundIsForNothingWhereTheConnectorHasOtherTasksMeanwhile(t *testing.T) {
	h, z := stoppedSource(t)
	require.NoError(t, h.configs.PutTaskConfigs(t.Context(), "flow", tasks(2)))
	require.NoError(t, h.FenceZombies(t.Context(), "flow"))
	require.NoError(t, h.configs.PutTaskConfigs(t.Context(), "flow", tasks(3)))
	z.during = func() error { return h.configs.PutTaskConfigs(t.Context(), "flow", tasks(4)) }
	var superseded *SupersededError
	require.ErrorAs(t, h.FenceZombies(t.Context(), "flow"), &superseded)
	assert.Equal(t, 2, recorded(h))
}

func TestRequestsForOneConnectorShareARound(t *testing.T) {
	h, z := stoppedSource(t)
	require.NoError(t, h.configs.PutTaskConfigs(t.Context(), "flow", tasks(2)))
	require.NoError(t, h.FenceZombies(t.Context(), "flow"))
	require.NoError(t, h.configs.PutTaskConfigs(t.Context(), "flow", tasks(3)))
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() { assert.NoError(t, h.FenceZombies(t.Context(), "flow")) })
	}
	workers.Wait()
	assert.Equal(t, []string{"2 of flow"}, z.fenced)
}

func TestOnlySourcesHaveZombies(t *testing.T) {
	h, _ := stoppedSource(t)
	_, err := h.Create(t.Context(), NewConnector{Name: "sink", InitialState: "STOPPED", Config: connect.Config{
		"name": "sink", "connector.class": "test.SwallowSink", "topics": "t",
	}})
	require.NoError(t, err)
	require.EqualError(t, h.FenceZombies(t.Context(), "sink"), "Connector sink is not a source connector")
	require.EqualError(t, h.FenceZombies(t.Context(), "nobody"), "Connector nobody not found")
}

func TestATaskIsCurrentOnlyInItsGenerationAndWhereItIsToRun(t *testing.T) {
	h, _ := stoppedSource(t)
	require.NoError(t, h.configs.PutTaskConfigs(t.Context(), "flow", tasks(2)))
	ask := fencing{h}
	generation := h.configs.Snapshot().Generation("flow")
	id := worker.TaskID{Connector: "flow", Task: 1}
	require.NoError(t, ask.Current(t.Context(), id, generation))
	require.ErrorIs(t, ask.Current(t.Context(), worker.TaskID{Connector: "flow", Task: 2}, generation), worker.ErrSuperseded)
	require.NoError(t, h.configs.PutTaskConfigs(t.Context(), "flow", tasks(2)))
	require.ErrorIs(t, ask.Current(t.Context(), id, generation), worker.ErrSuperseded)
}
