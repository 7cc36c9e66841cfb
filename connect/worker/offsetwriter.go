package worker

import (
	"context"
	"log/slog"
	"time"

	"github.com/sluice-connect/sluice/connect/kafkaclient"
	"github.com/sluice-connect/sluice/connect/stores"
)

// offsetWriter stores a task's offsets from time to time. A failure costs repetitions after a crash, never the task
// (SourceTaskOffsetCommitter): what could not be stored is due again at the next flush.
type offsetWriter struct {
	store     stores.OffsetStore
	connector string
	tracker   *tracker
	interval  time.Duration
	timeout   time.Duration
	gate      *kafkaclient.Gate
	log       *slog.Logger
	commits   *commitMetrics
	records   []stores.Record
}

// run flushes every interval until ctx ends; a flush under way then is finished. flushes bounds them all.
func (w *offsetWriter) run(ctx, flushes context.Context) {
	for sleep(ctx, w.interval) {
		w.flush(flushes)
	}
}

// flush stores the offsets that have moved. It is called by one goroutine at a time: run's, and the task's when run has ended.
func (w *offsetWriter) flush(ctx context.Context) {
	due := w.tracker.positions()
	if !w.gate.Open() { // without a lease somebody else may be further
		return
	}
	began := time.Now()
	if len(due) == 0 {
		w.commits.succeeded(0) // Java counts it too
		return
	}
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	w.records = w.records[:0]
	for _, p := range due {
		records, err := w.store.Encode(w.records, w.connector, p.partition, p.offset)
		if err != nil {
			w.log.Error("an offset cannot be stored", "partition", p.partition.String(), "error", err)
			continue
		}
		w.records = records
	}
	if err := w.store.Put(ctx, w.records); err != nil {
		w.commits.failed()
		w.log.Warn("offsets could not be stored, they are due again at the next flush", "error", err, "timeout", w.timeout.String(),
			"key", "offset.flush.timeout.ms")
		return
	}
	w.commits.succeeded(time.Since(began))
	w.tracker.stored(due)
}
