package mqtt

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// Remove ends the sessions of all tasks that the connector has had, so that the broker does not queue for nobody
// (mqtt.session.delete.policy). What waits in them is gone.
func (s Source) Remove(ctx context.Context, gone connect.Removal) error {
	cfg := gone.Config
	if deletePolicy.Get(cfg) == "keep" || sourceClean.Get(cfg) {
		return nil
	}
	b, err := newBroker(cfg)
	if err != nil {
		return err
	}
	ids := sessionsOf(cfg, gone.Offsets)
	for i, id := range ids {
		b.clientID = id
		if err := endSession(ctx, b); err != nil {
			return fmt.Errorf("ending the MQTT sessions of client ids %s: %w", strings.Join(ids[i:], ", "), err)
		}
	}
	gone.Log.Info("ended the MQTT sessions of a deleted connector with what waited in them", slog.Int("sessions", len(ids)), slog.Any("client_ids", ids))
	return nil
}

// sessionsOf are the client ids of a connector's tasks: those that its configuration can have, and those of earlier configurations with more tasks,
// which the offsets know.
func sessionsOf(cfg connect.Config, offsets []connect.SourceOffset) []string {
	tasks := len(mqttTopics.Get(cfg))
	if most, err := strconv.Atoi(cfg["tasks.max"]); err != nil {
		tasks = 1
	} else if taskAssignment.Get(cfg) == "shared" {
		tasks = most
	} else {
		tasks = min(tasks, most)
	}
	for _, o := range offsets {
		if before := o.Offset.Get("tasks"); before.Kind() == connect.KindInt64 {
			tasks = max(tasks, int(before.Int64()))
		}
	}
	ids := make([]string, 0, tasks)
	for n := range tasks {
		ids = append(ids, clientIDOf(cfg, n))
	}
	return ids
}

var _ connect.Remover = Source{}
