package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect/assignment"
	"github.com/sluice-connect/sluice/connect/herder"
)

// TestRandomHistories holds that whatever happens to a cluster nothing has two owners, and everything has one in the end. There are more of them
// with SLUICE_SOAK set, and others from the number on that SLUICE_SOAK_SEED gives; one is repeated by its number: -run TestRandomHistories/17.
func TestRandomHistories(t *testing.T) {
	histories := 60
	switch {
	case os.Getenv("SLUICE_SOAK") != "":
		histories = 1000
	case testing.Short():
		histories = 8
	}
	first, err := strconv.Atoi(cmp.Or(os.Getenv("SLUICE_SOAK_SEED"), "0"))
	require.NoError(t, err, "SLUICE_SOAK_SEED")
	for seed := first; seed < first+histories; seed++ {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			t.Parallel()
			delays := []time.Duration{0, 5 * time.Second, time.Minute}
			h := &history{mixed: seed%2 == 1, want: map[string]int{}}
			assemble(t, uint64(seed)+100, protocols[seed/3%len(protocols)], delays[seed%len(delays)], func(t *testing.T, c *crew) {
				h.crew = c
				h.run(40)
			})
		})
	}
}

var protocols = []assignment.Protocol{assignment.Sessioned, assignment.Compatible, assignment.Eager}

// history is a cluster to which random things happen, before all is well.
type history struct {
	*crew
	mixed bool           // each node has a protocol of its own
	want  map[string]int // the number of tasks of each connector
}

func (h *history) run(steps int) {
	h.add()
	for range steps {
		h.event()
		h.pass(time.Duration(h.roll(15000)) * time.Millisecond)
		if h.roll(3) == 0 {
			h.mend()
		}
	}
	h.mend()
	for name := range h.want {
		h.lead(func(ctx context.Context, m *herder.Herder) error { return m.Resume(ctx, name) })
	}
	h.settles(h.want)
}

// add starts a node.
func (h *history) add() {
	if h.mixed {
		h.protocol = protocols[h.roll(len(protocols))]
	}
	h.crew.add()
}

// event lets one thing happen.
func (h *history) event() {
	several := len(h.all()) > 1
	switch event := h.roll(16); {
	case event < 3:
		name := fmt.Sprintf("c%d", h.roll(5))
		h.want[name] = 1 + h.roll(4)
		h.put(name, h.want[name])
	case event == 3:
		h.known(func(ctx context.Context, m *herder.Herder, name string) error {
			delete(h.want, name)
			return ignoreGone(m.Delete(ctx, name))
		})
	case event == 4 && len(h.all()) < 5:
		h.add()
	case event == 5 && several:
		h.kill(h.any())
	case event == 6 && several:
		h.stop(h.any())
	case event == 7:
		h.any().link.cut()
	case event == 8:
		h.any().configs.cut()
	case event == 9:
		h.known(func(ctx context.Context, m *herder.Herder, name string) error { return m.Pause(ctx, name) })
	case event == 10:
		h.known(func(ctx context.Context, m *herder.Herder, name string) error { return m.Stop(ctx, name) })
	case event == 11:
		h.known(func(ctx context.Context, m *herder.Herder, name string) error { return m.Resume(ctx, name) })
	case event == 12:
		h.known(func(ctx context.Context, m *herder.Herder, name string) error {
			_, err := m.Restart(ctx, name, h.roll(2) == 0, h.roll(2) == 0)
			return ignoreGone(err) // it may have no status yet
		})
	}
}

// known does something to one of the connectors there are, on the leader.
func (h *history) known(do func(ctx context.Context, m *herder.Herder, name string) error) {
	if len(h.want) == 0 {
		return
	}
	name := slices.Sorted(maps.Keys(h.want))[h.roll(len(h.want))]
	h.lead(func(ctx context.Context, m *herder.Herder) error { return do(ctx, m, name) })
}

func ignoreGone(err error) error {
	if gone := new(herder.NotFoundError); errors.As(err, &gone) {
		return nil
	}
	return err
}
