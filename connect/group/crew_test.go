package group

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-connect/sluice/connect/kafkaclient"
	"github.com/sluice-connect/sluice/internal/testbed"
)

func TestMain(m *testing.M) { testbed.Main(m) }

const (
	crew     = "crew"      // the group of the tests with a Kafka of their own
	protocol = "sessioned" // the one that members of these tests offer
	patience = 20 * time.Second
)

// kafka is an embedded Kafka, whose brokers can be frozen and cut off one by one.
type kafka struct {
	*kfake.Cluster
	t       *testing.T
	proxies []*testbed.Proxy // by node
}

func startKafka(t *testing.T, brokers int, options ...kfake.Opt) *kafka {
	k := &kafka{t: t}
	listen := func(network, _ string) (net.Listener, error) {
		listener, err := net.Listen(network, fmt.Sprintf("127.0.0.1:%d", testbed.FreePort(t)))
		if err != nil {
			return nil, err
		}
		proxy := testbed.StartProxy(t, listener.Addr().String())
		k.proxies = append(k.proxies, proxy)
		return behind{Listener: listener, proxy: proxy}, nil
	}
	cluster, err := kfake.NewCluster(append([]kfake.Opt{
		kfake.NumBrokers(brokers), kfake.ListenFn(listen), kfake.GroupMinSessionTimeout(100 * time.Millisecond),
	}, options...)...)
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	k.Cluster = cluster
	return k
}

// behind is a broker's listener, which the broker advertises by the address of its proxy.
type behind struct {
	net.Listener
	proxy *testbed.Proxy
}

func (b behind) Addr() net.Addr {
	addr, err := net.ResolveTCPAddr("tcp", b.proxy.Addr())
	if err != nil {
		panic(err)
	}
	return addr
}

// clients are settings for a client that knows the brokers, or all of them.
func (k *kafka) clients(brokers ...*testbed.Proxy) kafkaclient.Properties {
	if len(brokers) == 0 {
		brokers = k.proxies
	}
	var addresses []string
	for _, b := range brokers {
		addresses = append(addresses, b.Addr())
	}
	return kafkaclient.Properties{"bootstrap.servers": strings.Join(addresses, ",")}
}

func settings(t *testing.T, p kafkaclient.Properties) *kafkaclient.Settings {
	s, err := kafkaclient.AdminSettings(p)
	require.NoError(t, err)
	return s
}

// coordinator is the proxy of the group's coordinator.
func (k *kafka) coordinator() *testbed.Proxy { return k.proxies[k.CoordinatorFor(crew)] }

// move makes another broker the group's coordinator.
func (k *kafka) move() {
	before := k.CoordinatorFor(crew)
	for k.CoordinatorFor(crew) == before {
		k.RehashCoordinators()
	}
}

// refuse has the next requests of a kind refused; a count of -1 is all until the fault is removed.
func (k *kafka) refuse(key kmsg.Key, err *kerr.Error, count int) *kfake.FaultHandle {
	return k.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Group: crew, Err: err, Count: count})
}

// watch counts requests of a kind, and shows them to see, which may be nil.
func (k *kafka) watch(key kmsg.Key, see func(kmsg.Request)) *kfake.FaultHandle {
	return k.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Group: crew, Count: -1, Observe: true, When: func(r kmsg.Request) bool {
		if see != nil {
			see(r)
		}
		return true
	}})
}

// joiners collects the member ids of the JoinGroup requests.
func (k *kafka) joiners() func() []string {
	var (
		mu  sync.Mutex
		ids []string
	)
	k.watch(kmsg.JoinGroup, func(r kmsg.Request) {
		mu.Lock()
		defer mu.Unlock()
		ids = append(ids, r.(*kmsg.JoinGroupRequest).MemberID)
	})
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(ids)
	}
}

// crewman is a running member, and the script that it follows.
type crewman struct {
	*Member
	*script
	logged *journal
	stop   context.CancelFunc
	done   chan struct{}
	err    error // of Run, once done
}

// member starts a member that is stopped with the test, which fails if anything of it goes on after that.
func (k *kafka) member(s *script, change ...func(*Settings)) *crewman {
	return start(k.t, k.clients(), s, change...)
}

func start(t *testing.T, p kafkaclient.Properties, s *script, change ...func(*Settings)) *crewman {
	own := Settings{
		Group: crew, ProtocolType: "connect", Session: 10 * time.Second, Heartbeat: 20 * time.Millisecond, Rebalance: 30 * time.Second,
		Request: 5 * time.Second, RetryBackoff: 5 * time.Millisecond, RetryBackoffMax: 20 * time.Millisecond,
	}
	for _, c := range change {
		c(&own)
	}
	s.t, s.news = t, make(chan struct{})
	m := &crewman{script: s, logged: new(journal), done: make(chan struct{})}
	m.Member = New(settings(t, p), own, s, slog.New(slog.NewTextHandler(m.logged, nil)))
	ctx, cancel := context.WithCancel(context.Background())
	m.stop = cancel
	label := fmt.Sprintf("%s %p", t.Name(), m)
	go pprof.Do(ctx, pprof.Labels("member", label), func(ctx context.Context) {
		defer close(m.done)
		m.err = m.Run(ctx)
	})
	t.Cleanup(func() {
		m.stop()
		m.ended()
		testbed.Await(t, patience, "the goroutines that a member has left behind", func(context.Context) error { return leftBehind(label) })
	})
	return m
}

// ended waits for the end of Run.
func (m *crewman) ended() error {
	m.t.Helper()
	select {
	case <-m.done:
		return m.err
	case <-time.After(patience):
		m.t.Fatalf("Run has not returned; seen so far: %v; logged: %v", m.script, m.logged)
		return nil
	}
}

// leftBehind is nil when no goroutine is left that began with the label, but for the one that the metrics library keeps for the whole process.
func leftBehind(label string) error {
	var all bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&all, 1); err != nil {
		return err
	}
	for _, goroutines := range strings.Split(all.String(), "\n\n") {
		if strings.Contains(goroutines, label) && !strings.Contains(goroutines, "go-metrics") {
			return errors.New(goroutines)
		}
	}
	return nil
}

// journal is a log. Safe for concurrent use.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// raw is a connection of a test's own to the group's coordinator.
func raw(t *testing.T, address string) *sarama.Broker {
	b := sarama.NewBroker(address)
	require.NoError(t, b.Open(settings(t, kafkaclient.Properties{"bootstrap.servers": address}).Sarama))
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// haunt joins the group and falls silent, as a process does that is killed. It leaves the group stable unless half.
func haunt(t *testing.T, address, group, name string, half bool) (id string) {
	b := raw(t, address)
	join := &sarama.JoinGroupRequest{
		Version: 5, GroupId: group, ProtocolType: "connect", SessionTimeout: 60_000, RebalanceTimeout: 60_000,
		OrderedGroupProtocols: []*sarama.GroupProtocol{{Name: protocol, Metadata: []byte(name)}},
	}
	var answer *sarama.JoinGroupResponse
	for answer == nil || answer.Err == sarama.ErrMemberIdRequired {
		var err error
		answer, err = b.JoinGroup(join)
		require.NoError(t, err)
		join.MemberId = answer.MemberId
	}
	require.Equal(t, sarama.ErrNoError, answer.Err)
	if half {
		return answer.MemberId
	}
	sync, err := b.SyncGroup(&sarama.SyncGroupRequest{
		Version: 3, GroupId: group, GenerationId: answer.GenerationId, MemberId: answer.MemberId,
		GroupAssignments: []sarama.SyncGroupRequestAssignment{{MemberId: answer.MemberId, Assignment: []byte("old work")}},
	})
	require.NoError(t, err)
	require.Equal(t, sarama.ErrNoError, sync.Err)
	return answer.MemberId
}

// expel removes a member from the group without asking it.
func (k *kafka) expel(id string) {
	answer, err := raw(k.t, k.coordinator().Addr()).LeaveGroup(&sarama.LeaveGroupRequest{
		Version: 3, GroupId: crew, Members: []sarama.MemberIdentity{{MemberId: id}},
	})
	require.NoError(k.t, err)
	require.Equal(k.t, sarama.ErrNoError, answer.Err)
}

// with adds keys to a client's.
func with(p kafkaclient.Properties, more kafkaclient.Properties) kafkaclient.Properties {
	all := maps.Clone(p)
	maps.Copy(all, more)
	return all
}
