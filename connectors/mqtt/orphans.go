package mqtt

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"

	"github.com/sluice-connect/sluice/connect"
)

// orphans are the sessions of tasks that are no more: the number of tasks is less, or their filters have moved. The broker goes on queueing for them. The
// connector's first task reads them empty beside its own, and ends them (mqtt.orphan.session.policy).
type orphans struct {
	policy string
	wait   time.Duration // mqtt.orphan.drain.idle.ms
	flows  []*orphan

	stop context.CancelFunc
	work sync.WaitGroup
}

// orphan is one of them; it is the peer of its own link.
type orphan struct {
	*listener
	in     inflow
	wanted []string     // filters that other tasks have now
	began  chan *uplink // capacity 1: a connection stands
}

// findOrphans looks for task numbers that have an offset and no task. Offsets know how many tasks there were.
func findOrphans(ctx context.Context, rt connect.SourceContext, cfg connect.Config, of func(number int) (*connect.Partition, connect.Offset, error)) ([]int, error) {
	alive := taskNumbers.Get(cfg)
	own := strconv.Itoa(taskNumber.Get(cfg))
	if len(alive) == 0 || alive[0] != own || orphanPolicy.Get(cfg) == "ignore" || sourceClean.Get(cfg) {
		return nil, nil
	}
	var found []int
	last, err := strconv.Atoi(alive[len(alive)-1])
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", taskNumbers.Name(), err)
	}
	for n := 0; n <= last; n++ {
		_, at, err := of(n)
		if err != nil {
			return nil, err
		}
		if tasks := at.Get("tasks"); tasks.Kind() == connect.KindInt64 {
			last = max(last, int(tasks.Int64())-1)
		}
		if !at.IsZero() && !slices.Contains(alive, strconv.Itoa(n)) {
			found = append(found, n)
		}
	}
	if len(found) > 0 {
		rt.Log().Info("sessions of earlier tasks", slog.Any("tasks", found), slog.String("policy", orphanPolicy.Get(cfg)))
	}
	return found, nil
}

// start begins to drain or to end them, each beside the others; ctx's end does not stop it, close does.
func (o *orphans) start(ctx context.Context) {
	ctx, o.stop = context.WithCancel(context.WithoutCancel(ctx))
	for _, f := range o.flows {
		o.work.Go(func() {
			if o.policy == "drain" && !o.drain(ctx, f) {
				return
			}
			id := slog.String("client_id", f.broker.clientID)
			if err := endSession(ctx, *f.broker); err != nil {
				f.log.Warn("could not end the session of an earlier task", id, slog.Any("error", err))
				return
			}
			f.log.Info("ended the session of an earlier task", id)
		})
	}
}

// close leaves what is not drained for the next life of the task.
func (o *orphans) close(ctx context.Context) error {
	if o.stop == nil {
		return nil
	}
	o.stop()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		o.work.Wait()
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("closing the sessions of earlier tasks: %w", ctx.Err())
	}
}

// drain reads a session until it is empty, and reports whether it is. It stays subscribed until the filters' new sessions are, or for a while where those
// are another process's: nothing may fall between.
func (o *orphans) drain(ctx context.Context, f *orphan) bool {
	l := f.in.link
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l.rt = aside{TaskContext: l.rt, failed: cancel}
	l.start(ctx)
	defer func() { _ = l.close(context.WithoutCancel(ctx)) }()
	subscribed := true
	quiet := time.Now()
	_, known := f.queue.state()
	tick := time.NewTicker(o.wait / 10)
	defer tick.Stop()
	var up *uplink
	for {
		_, changed := handovers.taken(f.division, f.wanted)
		select {
		case up = <-f.began:
			if !up.ack.SessionPresent {
				return true
			}
			quiet = time.Now()
		case <-tick.C:
		case <-changed:
		case <-ctx.Done():
			return false
		}
		waiting, arrived := f.queue.state()
		busy := waiting > 0 || f.in.subscriber.unanswered() > 0 || arrived != known && !subscribed
		known = arrived
		if up == nil || busy && !subscribed {
			quiet = time.Now()
		}
		taken, _ := handovers.taken(f.division, f.wanted)
		if time.Since(quiet) < o.wait && !(taken && subscribed && up != nil) {
			continue
		}
		if !subscribed {
			return true
		}
		asked, done := up.patience(ctx, l.broker.timeout)
		_, err := up.client.Unsubscribe(asked, &paho.Unsubscribe{Topics: f.filters})
		done()
		if subscribed = err != nil; err == nil {
			quiet = time.Now()
		}
	}
}

// begin takes the session as it is.
func (f *orphan) begin(_ context.Context, up *uplink) error {
	select {
	case <-f.began: // of an earlier connection
	default:
	}
	f.began <- up
	return nil
}

// endSession has the broker forget a session: an empty one takes its place and ends with its connection.
func endSession(ctx context.Context, b broker) error {
	b.cleanStart, b.sessionExpiry, b.status = true, 0, nil
	l := &link{broker: b, peer: probe{newSubscriber(newQueue(probeMessages, probeBytes, dropNewest), false)}}
	up, err := l.connect(ctx)
	if err != nil {
		return err
	}
	_ = up.client.Disconnect(&paho.Disconnect{ReasonCode: packets.DisconnectNormalDisconnection})
	<-up.client.Done()
	return nil
}

// aside is the runtime of a connection beside the task's: what happens to it is logged, and is not the state of the task.
type aside struct {
	connect.TaskContext
	failed context.CancelFunc
}

func (a aside) Waiting(cause error, _ time.Time) {
	a.Log().Debug("session of an earlier task", slog.Any("waiting", cause))
}

func (a aside) Healthy() {}

func (a aside) Fail(cause error) {
	a.Log().Warn("session of an earlier task", slog.Any("given_up", cause))
	a.failed()
}
