package stores

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

// tail follows the partitions of a topic. Its loop alone delivers records; for each leading broker one request is under way, in a goroutine
// that the loop waits for.
//
// It stands in for sarama's consumer because that one hides its position: behind a transaction's marker or a hole left by compaction
// nobody could tell that the end is reached.
type tail struct {
	client  *connection
	topic   string
	deliver func(Entry)
	logger  *slog.Logger
	explain func(error) error
	outages *Outages

	mu        sync.Mutex
	positions map[int32]int64 // the next offset to deliver
	moved     chan struct{}   // closed and replaced when a position changes
	trouble   map[int32]error // partitions that cannot be read at present
	since     time.Time       // when trouble began

	// Only the loop uses what follows.
	busy     map[int32]bool // leaders with a request under way
	idle     map[int32]bool // partitions in no request
	failures map[int32]int  // failed requests in a row, by partition
	results  chan fetched
	requests sync.WaitGroup
}

func newTail(k Kafka, client *connection, topic string, partitions []int32, deliver func(Entry)) *tail {
	t := &tail{
		client: client, topic: topic, deliver: deliver, logger: k.logger().With("topic", topic), explain: k.explained, outages: k.outages(),
		positions: map[int32]int64{}, moved: make(chan struct{}), trouble: map[int32]error{},
		busy: map[int32]bool{}, idle: map[int32]bool{}, failures: map[int32]int{}, results: make(chan fetched),
	}
	for _, p := range partitions {
		t.positions[p] = 0
		t.idle[p] = true
	}
	return t
}

// run delivers until ctx ends.
func (t *tail) run(ctx context.Context) {
	defer t.requests.Wait()
	for {
		t.request(ctx)
		select {
		case <-ctx.Done():
			return
		case f := <-t.results:
			t.take(ctx, f)
		}
	}
}

// request asks every leader that is not being asked for the idle partitions it leads.
func (t *tail) request(ctx context.Context) {
	groups, leaderless := t.byLeader()
	for leader, partitions := range groups {
		if t.busy[leader] {
			continue
		}
		t.busy[leader] = true
		f := fetch{client: t.client, topic: t.topic, leader: leader, leaderless: leaderless, from: map[int32]int64{}}
		for _, p := range partitions {
			delete(t.idle, p)
			f.from[p] = t.position(p)
		}
		t.start(ctx, f.run)
	}
}

func (t *tail) start(ctx context.Context, run func() fetched) {
	t.requests.Go(func() {
		result := run()
		select {
		case t.results <- result:
		case <-ctx.Done():
		}
	})
}

// byLeader groups the idle partitions; those whose leader is unknown stand under noLeader, and the error is why.
func (t *tail) byLeader() (groups map[int32][]int32, leaderless error) {
	groups = map[int32][]int32{}
	for p := range t.idle {
		broker, err := t.client.Leader(t.topic, p)
		if err != nil {
			leaderless = fmt.Errorf("finding the leader of partition %d: %w", p, err)
			groups[noLeader] = append(groups[noLeader], p)
			continue
		}
		groups[broker.ID()] = append(groups[broker.ID()], p)
	}
	return groups, leaderless
}

// take delivers what a request brought. Partitions that failed rest before they are asked for again.
func (t *tail) take(ctx context.Context, f fetched) {
	if f.leader != resting {
		t.busy[f.leader] = false
	}
	failed := []int32{}
	worst := 0
	for _, part := range f.parts {
		for _, e := range part.entries {
			t.deliver(e)
		}
		t.settle(part)
		if part.err == nil {
			t.idle[part.partition] = true
			if f.leader != resting {
				t.failures[part.partition] = 0
			}
			continue
		}
		failed = append(failed, part.partition)
		worst = max(worst, t.failures[part.partition])
		t.failures[part.partition]++
	}
	if len(failed) > 0 {
		t.rest(ctx, failed, worst)
	}
}

// rest keeps the partitions from being asked for during a back-off, and looks for their leaders afterwards.
func (t *tail) rest(ctx context.Context, partitions []int32, attempt int) {
	t.start(ctx, func() fetched {
		f := fetched{leader: resting}
		for _, p := range partitions {
			f.parts = append(f.parts, part{partition: p, next: unmoved, resting: true})
		}
		if pause(ctx, attempt) == nil {
			_ = t.client.RefreshMetadata(t.topic) // a leader still unknown is found out by the next request
		}
		return f
	})
}

func (t *tail) position(partition int32) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.positions[partition]
}

// settle notes how far a partition was read and whether it can be.
func (t *tail) settle(p part) {
	if p.resting {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if p.next != unmoved && p.next != t.positions[p.partition] {
		if p.next < t.positions[p.partition] || p.reset {
			t.logger.Warn("the topic no longer has the offset to read on from, reading on from its beginning",
				"partition", p.partition, "offset", t.positions[p.partition], "beginning", p.next)
		}
		t.positions[p.partition] = p.next
		close(t.moved)
		t.moved = make(chan struct{})
	}
	t.noteTrouble(p)
}

// noteTrouble keeps what there is to tell of an outage. A connection that ends and comes back at once is none for the log, and the second failure
// says better than the first what is wrong. The caller holds the lock.
func (t *tail) noteTrouble(p part) {
	if p.err == nil {
		if delete(t.trouble, p.partition); len(t.trouble) == 0 {
			t.outages.end(t.logger, t.topic)
		}
		return
	}
	if len(t.trouble) == 0 {
		t.since = time.Now()
	}
	cause := t.explain(p.err)
	t.trouble[p.partition] = cause
	if t.failures[p.partition] > 0 {
		t.outages.begin(t.logger, t.topic, cause)
	}
}

func (t *tail) outage() Outage {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, cause := range t.trouble {
		return Outage{cause, t.since}
	}
	return Outage{}
}

// reach returns when every partition has been delivered up to the given offset.
func (t *tail) reach(ctx context.Context, ends map[int32]int64) error {
	for {
		behind, moved := t.behind(ends)
		if len(behind) == 0 {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", describe(behind), gaveUp(context.Cause(ctx), t.outage().Cause))
		}
	}
}

type lag struct {
	partition     int32
	position, end int64
}

// behind lists the partitions that are not yet read up to ends, and a channel that closes on the next progress.
func (t *tail) behind(ends map[int32]int64) ([]lag, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var behind []lag
	for p, end := range ends {
		if t.positions[p] < end {
			behind = append(behind, lag{p, t.positions[p], end})
		}
	}
	return behind, t.moved
}

func describe(behind []lag) string {
	first := slices.MinFunc(behind, func(a, b lag) int { return int(a.partition - b.partition) })
	return fmt.Sprintf("partition %d is at offset %d of %d", first.partition, first.position, first.end)
}

// partitions lists the topic's partitions as they were at the start, as in Java: more of them are seen by the next start.
func (t *tail) partitions() []int32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Sorted(maps.Keys(t.positions))
}
