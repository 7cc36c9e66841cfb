package herder

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/stores"
)

// requests are those of the REST API, with what Kafka Connect makes of them while its group is not at rest (rest-api: who handles what).
var requests = []struct {
	name    string
	leaders bool // the leader alone does it
	waits   bool // a follower waits for the end of a round
	refuses bool // 409 while a round is known to be due
	do      func(ctx context.Context, h *Herder) error
}{
	{"GET connectors", false, false, false, func(ctx context.Context, h *Herder) error { _, err := h.Connectors(ctx); return err }},
	{"GET connector", false, false, false, func(ctx context.Context, h *Herder) error { _, err := h.Connector(ctx, "a"); return err }},
	{"GET config", false, false, false, func(ctx context.Context, h *Herder) error { _, err := h.Config(ctx, "a"); return err }},
	{"GET tasks", false, false, false, func(ctx context.Context, h *Herder) error { _, err := h.Tasks(ctx, "a"); return err }},
	{"GET status", false, false, false, func(ctx context.Context, h *Herder) error { _, err := h.Status(ctx, "a"); return err }},
	{"GET task status", false, false, false, func(ctx context.Context, h *Herder) error { _, err := h.TaskStatus(ctx, "a", 0); return err }},
	{"GET topics", false, false, false, func(ctx context.Context, h *Herder) error { _, err := h.ActiveTopics(ctx, "a"); return err }},
	{"PUT topics reset", false, false, false, func(ctx context.Context, h *Herder) error { return h.ResetTopics(ctx, "a") }},
	{"GET offsets", false, false, false, func(ctx context.Context, h *Herder) error { _, err := h.ConnectorOffsets(ctx, "a"); return err }},
	{"PUT pause", false, false, false, func(ctx context.Context, h *Herder) error { return h.Pause(ctx, "a") }},
	{"PUT resume", false, false, false, func(ctx context.Context, h *Herder) error { return h.Resume(ctx, "a") }},
	{"POST connector", true, true, false, func(ctx context.Context, h *Herder) error {
		_, err := h.Create(ctx, NewConnector{Name: "n", Config: scriptedConfig("n")})
		return err
	}},
	{"PUT config", true, true, false, func(ctx context.Context, h *Herder) error {
		_, err := h.PutConfig(ctx, "a", scriptedConfig("a"))
		return err
	}},
	{"PATCH config", true, true, false, func(ctx context.Context, h *Herder) error { _, err := h.PatchConfig(ctx, "a", nil); return err }},
	{"DELETE connector", true, true, false, func(ctx context.Context, h *Herder) error { return h.Delete(ctx, "a") }},
	{"PUT stop", true, true, false, func(ctx context.Context, h *Herder) error { return h.Stop(ctx, "a") }},
	{"POST tasks", true, true, false, func(ctx context.Context, h *Herder) error { return h.PutTasks(ctx, "a", []connect.Config{{"x": "1"}}) }},
	{"POST restart", false, true, true, func(ctx context.Context, h *Herder) error { _, err := h.Restart(ctx, "a", false, false); return err }},
	{"POST restart with tasks", true, true, true, func(ctx context.Context, h *Herder) error { _, err := h.Restart(ctx, "a", true, false); return err }},
	{"POST task restart", false, true, true, func(ctx context.Context, h *Herder) error { return h.RestartTask(ctx, "a", 0) }},
	{"PATCH offsets", true, true, true, func(ctx context.Context, h *Herder) error {
		_, err := h.AlterOffsets(ctx, "s", []ConnectorOffset{{Partition: stores.Members{{Name: "p", Value: connect.String("1")}}}})
		return err
	}},
	{"DELETE offsets", true, true, true, func(ctx context.Context, h *Herder) error { _, err := h.ResetOffsets(ctx, "s"); return err }},
}

func TestOnlyRestartsAndOffsetsAreRefusedWhileARoundIsDue(t *testing.T) {
	for _, leads := range []bool{true, false} {
		for _, r := range requests {
			t.Run(r.name, func(t *testing.T) {
				atDesk(t, slog.New(slog.DiscardHandler), func(t *testing.T, d *desk) {
					place := Standing{Generation: 5, Leads: leads, LeaderURL: "http://l:1/"}
					d.post.move(place)
					require.Equal(t, r.leaders && !leads, isNotLeader(r.do(t.Context(), d.Herder)), "at rest")
					place.RebalanceDue = true
					d.post.move(place)
					err := r.do(t.Context(), d.Herder)
					switch due := new(RebalanceError); {
					case r.refuses:
						assert.ErrorAs(t, err, &due)
					case r.leaders && !leads:
						assert.True(t, isNotLeader(err), "%v", err)
					case r.name == "POST connector":
						assert.ErrorAs(t, err, new(*ExistsError), "the first one was taken")
					case r.name == "DELETE connector":
						assert.ErrorAs(t, err, new(*NotFoundError), "the first one has done it")
					default:
						assert.NoError(t, err)
					}
				})
			})
		}
	}
}

func isNotLeader(err error) bool {
	elsewhere := new(NotLeaderError)
	return errors.As(err, &elsewhere) && elsewhere.URL == "http://l:1/"
}

func TestWhatAFollowerWouldPassOnWaitsForTheEndOfARoundAndTheRestDoesNot(t *testing.T) {
	for _, r := range requests {
		t.Run(r.name, func(t *testing.T) {
			atDesk(t, slog.New(slog.DiscardHandler), func(t *testing.T, d *desk) {
				over := make(chan struct{})
				d.post.move(Standing{Generation: 5, LeaderURL: "http://old:1/", Settled: over})
				answer := make(chan error, 1)
				go func() { answer <- r.do(t.Context(), d.Herder) }()
				<-time.After(time.Second)
				if !r.waits {
					require.NoError(t, <-answer)
					return
				}
				require.Empty(t, answer)
				d.post.move(Standing{Generation: 6, LeaderURL: "http://l:1/"})
				close(over)
				synctest.Wait()
				require.Len(t, answer, 1, "it goes on at once")
				require.Equal(t, r.leaders, isNotLeader(<-answer))
			})
		})
	}
}

func TestALeaderWritesDuringARoundAndOnlyRestartsAndOffsetsWait(t *testing.T) {
	for _, r := range requests {
		t.Run(r.name, func(t *testing.T) {
			atDesk(t, slog.New(slog.DiscardHandler), func(t *testing.T, d *desk) {
				d.post.move(Standing{Generation: 5, Leads: true, Settled: make(chan struct{})})
				ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
				defer cancel()
				err := r.do(ctx, d.Herder)
				if late := new(StageError); r.refuses {
					require.ErrorAs(t, err, &late, "a round that lasts is a request that is late, as in Java: no 409")
					return
				}
				require.NoError(t, err)
			})
		})
	}
}
