package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// sinkScript is a sink connector whose tasks do what a test says; what is nil does nothing. Its functions run on the tasks' goroutines.
type sinkScript struct {
	open      func(ctx context.Context, rt connect.SinkContext) error
	put       func(ctx context.Context, t *sinkScriptTask, records []connect.SinkRecord) error
	preCommit func(ctx context.Context, t *sinkScriptTask, put connect.Offsets) (connect.Offsets, error) // nil: without the ability
	drain     func(ctx context.Context)
	assigned  func(t *sinkScriptTask, partitions []connect.TopicPartition) error
	revoked   func(t *sinkScriptTask, partitions []connect.TopicPartition) error
	closing   func(t *sinkScriptTask)
}

func (s *sinkScript) Spec() connect.Spec {
	return connect.NewSpec("test.SinkScriptConnector", "3", sinkScriptToken)
}

var sinkScriptToken = connect.PasswordKey("token", "A login of the system that there is not.").Optional()

func (s *sinkScript) Open(ctx context.Context, rt connect.SinkContext) (connect.SinkTask, error) {
	if s.open != nil {
		if err := s.open(ctx, rt); err != nil {
			return nil, err
		}
	}
	t := &sinkScriptTask{rt: rt, script: s}
	if s.preCommit != nil {
		return sinkScriptCommitter{t}, nil
	}
	return t, nil
}

type sinkScriptTask struct {
	rt     connect.SinkContext
	script *sinkScript
}

func (t *sinkScriptTask) Put(ctx context.Context, records []connect.SinkRecord) error {
	if t.script.put == nil {
		return nil
	}
	return t.script.put(ctx, t, records)
}

func (t *sinkScriptTask) Assigned(_ context.Context, partitions []connect.TopicPartition) error {
	if t.script.assigned == nil {
		return nil
	}
	return t.script.assigned(t, partitions)
}

func (t *sinkScriptTask) Revoked(_ context.Context, partitions []connect.TopicPartition) error {
	if t.script.revoked == nil {
		return nil
	}
	return t.script.revoked(t, partitions)
}

func (t *sinkScriptTask) Close(context.Context) error {
	if t.script.closing != nil {
		t.script.closing(t)
	}
	return nil
}

// sinkScriptCommitter is a task with the abilities PreCommit and Drain.
type sinkScriptCommitter struct{ *sinkScriptTask }

func (t sinkScriptCommitter) PreCommit(ctx context.Context, put connect.Offsets) (connect.Offsets, error) {
	return t.script.preCommit(ctx, t.sinkScriptTask, put)
}

func (t sinkScriptCommitter) Drain(ctx context.Context) {
	if t.script.drain != nil {
		t.script.drain(ctx)
	}
}

// sinkScriptStatuses remembers what connectors and tasks said of themselves.
type sinkScriptStatuses struct {
	mu   sync.Mutex
	said map[string][]sinkScriptStatus // by connector, or by connector and task
}

type sinkScriptStatus struct {
	state          State
	trace, version string
}

func (s *sinkScriptStatuses) ConnectorStatus(name string, state State, trace, version string) {
	s.note(name, sinkScriptStatus{state, trace, version})
}

func (s *sinkScriptStatuses) TaskStatus(id TaskID, state State, trace, version string) {
	s.note(fmt.Sprint(id), sinkScriptStatus{state, trace, version})
}

func (s *sinkScriptStatuses) note(who string, status sinkScriptStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.said == nil {
		s.said = map[string][]sinkScriptStatus{}
	}
	s.said[who] = append(s.said[who], status)
}

// all are the statuses in their order.
func (s *sinkScriptStatuses) all(who any) []sinkScriptStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]sinkScriptStatus(nil), s.said[fmt.Sprint(who)]...)
}

// last is the newest status, an empty one where there is none.
func (s *sinkScriptStatuses) last(who any) sinkScriptStatus {
	if all := s.all(who); len(all) > 0 {
		return all[len(all)-1]
	}
	return sinkScriptStatus{}
}

// sinkScriptBook remembers the records of Put calls that the test counts as taken.
type sinkScriptBook struct {
	mu      sync.Mutex
	records []connect.SinkRecord
}

func (b *sinkScriptBook) add(records []connect.SinkRecord) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.records = append(b.records, records...)
}

// offsets are those that came, by partition and in their order.
func (b *sinkScriptBook) offsets() map[connect.TopicPartition][]int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := map[connect.TopicPartition][]int64{}
	for _, r := range b.records {
		out[r.Consumed] = append(out[r.Consumed], r.Offset)
	}
	return out
}

func (b *sinkScriptBook) size() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.records)
}

// sinkScriptBed is a worker with scripted sinks on an embedded Kafka.
type sinkScriptBed struct {
	t        *testing.T
	direct   string // Kafka's own address, for the test
	worker   *Worker
	convert  *scriptedConverter // of class scriptedConverterClass
	settings *Settings
	statuses *sinkScriptStatuses
	config   connect.Config // what all connectors of the bed have in common
	revision int64
}

const (
	sinkScriptGrace  = 2 * time.Second
	sinkScriptWithin = 15 * time.Second
)

// newSinkScriptBed starts a worker that reaches Kafka at addr.
func newSinkScriptBed(t *testing.T, addr string, script *sinkScript) *sinkScriptBed {
	t.Helper()
	classes, err := catalog.New(nil, []connect.SinkConnector{script})
	require.NoError(t, err)
	settings := &Settings{
		OffsetFlushInterval: 20 * time.Millisecond, OffsetFlushTimeout: time.Second, GracefulShutdown: sinkScriptGrace,
		Properties: map[string]string{
			"bootstrap.servers": addr, "key.converter": "StringConverter", "value.converter": "StringConverter",
			"consumer.fetch.max.wait.ms": "20",
		},
	}
	log := slog.New(slog.DiscardHandler)
	statuses := &sinkScriptStatuses{}
	plan := func(context.Context, string, []connect.Config) {}
	convert := &scriptedConverter{}
	b := &sinkScriptBed{
		t: t, direct: addr, settings: settings, statuses: statuses, convert: convert,
		worker: New(settings, withConverter(classes, convert.definition()), SharedOffsets(stores.NewFileOffsetStore(t.TempDir()+"/offsets", log)), statuses, plan,
			nil, log),
		config: connect.Config{"connector.class": "test.SinkScriptConnector", "topics": "t"},
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		b.worker.Close(ctx)
	})
	return b
}

// sinkScriptID is a task of the connector "s".
func sinkScriptID(n int) TaskID { return TaskID{Connector: "s", Task: n} }

// spec is what the herder would say of a task.
func (b *sinkScriptBed) spec(id TaskID, target TargetState) TaskSpec {
	config := maps.Clone(b.config)
	config["name"], config["tasks.max"] = id.Connector, "4"
	return TaskSpec{ID: id, Connector: config, Config: maps.Clone(config), Revision: b.revision, Target: target}
}

// run makes exactly these tasks run.
func (b *sinkScriptBed) run(ids ...TaskID) { b.apply(stores.Started, ids...) }

func (b *sinkScriptBed) apply(target TargetState, ids ...TaskID) {
	var a Assignment
	for _, id := range ids {
		a.Tasks = append(a.Tasks, b.spec(id, target))
	}
	b.worker.Apply(a)
}

// stop ends all tasks and waits for it; all of them must keep to the graceful time.
func (b *sinkScriptBed) stop() {
	b.t.Helper()
	b.run()
	ctx, cancel := context.WithTimeout(b.t.Context(), sinkScriptGrace+time.Second)
	defer cancel()
	require.NoError(b.t, b.worker.Released(ctx))
}

// within fails the test unless the condition becomes true.
func (b *sinkScriptBed) within(what string, condition func() bool) {
	b.t.Helper()
	testbed.Await(b.t, sinkScriptWithin, what, func(context.Context) error {
		if condition() {
			return nil
		}
		return fmt.Errorf("not yet; statuses: %+v", b.statuses.all(sinkScriptID(0)))
	})
}

// shows waits until the newest status of a task or connector has this state and a trace with this text; "" is no trace.
func (b *sinkScriptBed) shows(who any, state State, trace ...string) {
	b.t.Helper()
	testbed.Await(b.t, sinkScriptWithin, fmt.Sprintf("%v to be %s %q", who, state, trace), func(context.Context) error {
		return b.statuses.last(who).fits(state, trace...)
	})
}

func (s sinkScriptStatus) fits(state State, trace ...string) error {
	if s.state != state || (len(trace) == 0) != (s.trace == "") {
		return fmt.Errorf("it is %s %q", s.state, s.trace)
	}
	for _, text := range trace {
		if !strings.Contains(s.trace, text) {
			return fmt.Errorf("its trace is %q", s.trace)
		}
	}
	return nil
}

// committed are the offsets of the group connect-<name>.
func (b *sinkScriptBed) committed(name string) connect.Offsets {
	b.t.Helper()
	offsets, err := NewGroups(b.settings).Committed(b.t.Context(), name, b.config)
	require.NoError(b.t, err)
	return offsets
}

// commitsAtMost requires that the group of "s" has committed nothing beyond an offset of partition 0. What comes before it may have been a batch of its own.
func (b *sinkScriptBed) commitsAtMost(offset int64) {
	b.t.Helper()
	require.LessOrEqual(b.t, b.committed("s")[sinkScriptAt(0)], offset)
}

// commits waits until the offsets of the group of "s" are these.
func (b *sinkScriptBed) commits(want connect.Offsets) {
	b.t.Helper()
	testbed.Await(b.t, sinkScriptWithin, "the committed offsets", func(context.Context) error {
		if have := b.committed("s"); !maps.Equal(have, want) {
			return fmt.Errorf("they are %v, not %v", have, want)
		}
		return nil
	})
}

// produce writes n records to a partition of the topic "t".
func (b *sinkScriptBed) produce(partition int32, n int) {
	b.t.Helper()
	messages := make([]*sarama.ProducerMessage, n)
	for i := range messages {
		messages[i] = &sarama.ProducerMessage{Topic: "t", Partition: partition, Value: sarama.StringEncoder(fmt.Sprint(i))}
	}
	testbed.ProduceTo(b.t, b.direct, messages...)
}

// sinkScriptAt is a partition of the topic "t".
func sinkScriptAt(partition int32) connect.TopicPartition {
	return connect.TopicPartition{Topic: "t", Partition: partition}
}

// sinkScriptRange are the offsets from first on, up to but not including end.
func sinkScriptRange(first, end int64) (all []int64) {
	for o := first; o < end; o++ {
		all = append(all, o)
	}
	return all
}

var errSinkScript = errors.New("the system says no")

// sinkScriptListener is a broker's listener that the broker advertises by the address of the proxy in front of it.
type sinkScriptListener struct {
	net.Listener
	proxy net.Addr
}

func (l sinkScriptListener) Addr() net.Addr { return l.proxy }

// sinkScriptKafka starts an embedded Kafka of short sessions that is reached through a proxy only.
func sinkScriptKafka(t *testing.T) (*kfake.Cluster, *testbed.Proxy) {
	t.Helper()
	target := fmt.Sprintf("127.0.0.1:%d", testbed.FreePort(t))
	proxy := testbed.StartProxy(t, target)
	addr, err := net.ResolveTCPAddr("tcp", proxy.Addr())
	require.NoError(t, err)
	listen := func(string, string) (net.Listener, error) {
		l, err := net.Listen("tcp", target)
		return sinkScriptListener{l, addr}, err
	}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ListenFn(listen), kfake.GroupMinSessionTimeout(100*time.Millisecond))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	return cluster, proxy
}

// sinkScriptMembers asks Kafka for a group's state and the number of its members.
func sinkScriptMembers(addr, group string) (state string, members int, err error) {
	admin, err := sarama.NewClusterAdmin([]string{addr}, sarama.NewConfig())
	if err != nil {
		return "", 0, err
	}
	defer admin.Close()
	groups, err := admin.DescribeConsumerGroups([]string{group})
	if err != nil {
		return "", 0, err
	}
	return groups[0].State, len(groups[0].Members), nil
}

// hasMembers waits until the group of "s" has so many members that agree on their partitions.
func (b *sinkScriptBed) hasMembers(n int) {
	b.t.Helper()
	testbed.Await(b.t, sinkScriptWithin, fmt.Sprintf("%d members", n), func(context.Context) error {
		state, have, err := sinkScriptMembers(b.direct, "connect-s")
		if err == nil && (state != "Stable" || have != n) {
			err = fmt.Errorf("%d members, %s", have, state)
		}
		return err
	})
}
