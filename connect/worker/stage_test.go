package worker

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/converters"
	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// within bounds the wait for anything that ought to happen soon; it is long because machines that test are busy.
const within = 20 * time.Second

// stage is a worker with scripted sources on an embedded Kafka. Each topic has one partition.
type stage struct {
	t        *testing.T
	worker   *Worker
	source   *scriptedSource
	convert  *scriptedConverter // of class scriptedConverterClass
	kafka    *kfake.Cluster
	statuses *statusLog
	offsets  *offsetLog
	tasks    map[TaskID]TaskSpec
}

// setting changes what a stage's worker is made with.
type setting func(*Settings)

func graceful(d time.Duration) setting { return func(s *Settings) { s.GracefulShutdown = d } }

// newStage starts Kafka with these topics and a worker that runs nothing yet.
func newStage(t *testing.T, topics []string, change ...setting) *stage {
	t.Helper()
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(testbed.FreePort(t)), kfake.SeedTopics(1, topics...))
	require.NoError(t, err)
	t.Cleanup(kafka.Close)
	source := &scriptedSource{scripts: map[string]script{}}
	convert := &scriptedConverter{}
	classes, err := catalog.New([]connect.SourceConnector{source}, nil)
	require.NoError(t, err)
	settings := &Settings{
		OffsetFlushInterval: 10 * time.Millisecond, OffsetFlushTimeout: 2 * time.Second, GracefulShutdown: 10 * time.Second,
		Properties: map[string]string{
			"bootstrap.servers": kafka.ListenAddrs()[0], "key.converter": "StringConverter", "value.converter": "StringConverter",
			"producer.retry.backoff.ms": "10", "producer.retry.backoff.max.ms": "50",
		},
	}
	for _, c := range change {
		c(settings)
	}
	s := &stage{
		t: t, source: source, convert: convert, kafka: kafka, statuses: newStatusLog(), offsets: &offsetLog{at: map[string]int64{}}, tasks: map[TaskID]TaskSpec{},
	}
	s.worker = New(settings, withConverter(classes, convert.definition()), SharedOffsets(s.offsets), s.statuses,
		func(context.Context, string, []connect.Config) {}, nil, slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), within)
		defer cancel()
		s.worker.Close(ctx)
	})
	return s
}

// start runs a task of a connector that follows the script. config is added to the connector's own.
func (s *stage) start(name string, what script, config connect.Config) TaskID {
	return s.startIn(stores.Started, name, what, config)
}

// startIn is start with a target state from the beginning.
func (s *stage) startIn(target TargetState, name string, what script, config connect.Config) TaskID {
	s.source.give(name, what)
	id := TaskID{Connector: name}
	all := connect.Config{"name": name, "connector.class": scriptedClass}
	maps.Copy(all, config)
	s.tasks[id] = TaskSpec{ID: id, Connector: all, Config: all, Revision: 1, Target: target}
	s.apply()
	return id
}

// retarget pauses or resumes a task.
func (s *stage) retarget(id TaskID, to TargetState) {
	spec := s.tasks[id]
	spec.Target = to
	s.tasks[id] = spec
	s.apply()
}

// stop takes a task away from the worker, which begins to stop it.
func (s *stage) stop(id TaskID) {
	delete(s.tasks, id)
	s.apply()
}

func (s *stage) apply() {
	s.worker.Apply(Assignment{Tasks: slices.Collect(maps.Values(s.tasks))})
}

// released waits until what was stopped has ended or was abandoned, and returns how long that took.
func (s *stage) released() time.Duration {
	s.t.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(s.t.Context(), within)
	defer cancel()
	require.NoError(s.t, s.worker.Released(ctx))
	return time.Since(began)
}

// values reads a topic to its present end; blanks that only make a value large are cut off.
func (s *stage) values(topic string) []string {
	s.t.Helper()
	n := int(s.kafka.PartitionInfo(topic, 0).HighWatermark)
	var values []string
	for _, m := range testbed.Consume(s.t, s.kafka.ListenAddrs()[0], topic, n, within) {
		values = append(values, strings.TrimRight(string(m.Value), " "))
	}
	require.Len(s.t, values, n)
	return values
}

// numbersUpTo are the values of a source of numbers.
func numbersUpTo(last int64) []string {
	values := make([]string, last)
	for i := range values {
		values[i] = strconv.Itoa(i + 1)
	}
	return values
}

// eventually waits for a condition. what names it.
func (s *stage) eventually(what string, is func() bool) {
	s.t.Helper()
	require.Eventually(s.t, is, within, 2*time.Millisecond, what)
}

// acknowledged waits until all numbers of a source are acknowledged, and requires one receipt for each, in order.
func (s *stage) acknowledged(n *numbers) {
	s.t.Helper()
	if !assert.Eventually(s.t, func() bool { return n.acked() >= n.last }, within, 2*time.Millisecond) {
		require.Failf(s.t, "not all acknowledged", "%d of %d, %d polled, %d in Kafka", n.acked(), n.last, n.taken(),
			s.kafka.PartitionInfo(n.topic, 0).HighWatermark)
	}
	for i, r := range n.receipts() {
		require.EqualValues(s.t, i+1, r.Tag, "receipts come in the order of Poll, each once")
		require.EqualValues(s.t, i+1, r.Offset.Int64())
	}
}

// hold makes Kafka put off the writing of what is produced, and the answer, until release is called. held is closed when the first request waits.
func (s *stage) hold() (held <-chan struct{}, release func()) {
	first, gate := make(chan struct{}), make(chan struct{})
	reached := sync.OnceFunc(func() { close(first) })
	release = sync.OnceFunc(func() { close(gate) })
	s.t.Cleanup(release)
	s.kafka.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		select {
		case <-gate:
		default:
			reached()
			s.kafka.SleepControl(func() { <-gate })
		}
		return nil, nil, false
	})
	return first, release
}

// said is one publication of a task's status.
type said struct {
	state State
	trace string
}

// statusLog keeps what tasks have said of themselves.
type statusLog struct {
	mu  sync.Mutex
	all map[TaskID][]said
}

func newStatusLog() *statusLog { return &statusLog{all: map[TaskID][]said{}} }

func (l *statusLog) ConnectorStatus(string, State, string, string) {}

func (l *statusLog) TaskStatus(id TaskID, state State, trace, _ string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all[id] = append(l.all[id], said{state, trace})
}

func (l *statusLog) history(id TaskID) []said {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all[id])
}

// shows waits until the newest status of a task has the state and a trace that contains the text; no text means no trace.
func (s *stage) shows(id TaskID, state State, text string) string {
	s.t.Helper()
	var last said
	deadline := time.Now().Add(within)
	for time.Now().Before(deadline) {
		if all := s.statuses.history(id); len(all) > 0 {
			last = all[len(all)-1]
			if last.state == state && strings.Contains(last.trace, text) && (text != "" || last.trace == "") {
				return last.trace
			}
		}
		<-time.After(2 * time.Millisecond)
	}
	require.Failf(s.t, "status not shown", "want %s %q, last said: %s %q", state, text, last.state, last.trace)
	return ""
}

// offsetLog is an offset store in memory, for offsets with one number.
type offsetLog struct {
	stores.OffsetStore // nil: what the tests do not ask for
	mu                 sync.Mutex
	at                 map[string]int64
	// put, if not nil, is asked before the numbers are stored.
	put func(ctx context.Context, at map[string]int64) error
}

func (l *offsetLog) Encode(dst []stores.Record, connector string, p *connect.Partition, offset connect.Offset) ([]stores.Record, error) {
	return append(dst, stores.Record{Key: []byte(connector + " " + p.String()), Value: strconv.AppendInt(nil, offset.Int64(), 10)}), nil
}

func (l *offsetLog) Put(ctx context.Context, records []stores.Record) error {
	at := make(map[string]int64, len(records))
	for _, r := range records {
		n, err := strconv.ParseInt(string(r.Value), 10, 64)
		if err != nil {
			return fmt.Errorf("reading an offset: %w", err)
		}
		at[string(r.Key)] = n
	}
	l.mu.Lock()
	put := l.put
	l.mu.Unlock()
	if put != nil {
		if err := put(ctx, at); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.Copy(l.at, at)
	return nil
}

func (l *offsetLog) Get(_ context.Context, connector string, partitions []*connect.Partition) ([]connect.Offset, error) {
	found := make([]connect.Offset, len(partitions))
	for i, p := range partitions {
		if n := l.of(connector, p); n > 0 {
			found[i] = connect.At("n", n)
		}
	}
	return found, nil
}

// of is the stored offset of a source partition, 0 for none.
func (l *offsetLog) of(connector string, p *connect.Partition) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.at[connector+" "+p.String()]
}

// stored is the stored offset of a source of numbers.
func (s *stage) stored(id TaskID, n *numbers) int64 {
	n.mu.Lock()
	part := n.part
	n.mu.Unlock()
	if part == nil {
		return 0
	}
	return s.offsets.of(id.Connector, part)
}

// labelled calls f so that every goroutine that it starts, and their offspring, can be counted by the label.
func labelled(label string, f func()) {
	pprof.Do(context.Background(), pprof.Labels("life", label), func(context.Context) { f() })
}

// alive returns the stacks of the goroutines with a label, those with the same stack as one.
func alive(label string) (stacks []string) {
	var all strings.Builder
	_ = pprof.Lookup("goroutine").WriteTo(&all, 1) // a strings.Builder takes everything
	for group := range strings.SplitSeq(all.String(), "\n\n") {
		if strings.Contains(group, `"life":"`+label+`"`) {
			stacks = append(stacks, group)
		}
	}
	return stacks
}

// withConverter is a catalog and one converter more.
func withConverter(classes *catalog.Catalog, d converters.Definition) *catalog.Catalog {
	wider, problems := classes.With(catalog.Addition{Converters: []converters.Definition{d}})
	if len(problems) > 0 {
		panic(problems[0])
	}
	return wider
}
