package herder

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/configproviders"
	"github.com/sluice-connect/sluice/connect/embedded"
	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/connect/validation"
	"github.com/sluice-connect/sluice/connect/worker"
)

// Keys of the scripted source.
var (
	scriptKey = connect.StringKey("script", "flow, hang-open, hang-poll, hang-split, fail, tell, panic or retry; half is flow, and fail for the last task.").Default("flow")
	topicKey  = connect.StringKey("topic", "Topic to write to.").Default("t")
	secretKey = connect.PasswordKey("secret", "A secret.").Optional()
)

// scripted is a source that misbehaves on demand.
type scripted struct {
	release chan struct{}
	begun   *tally // nil for nobody who counts
}

// tally counts how often connectors were divided, by name, and tasks were opened, by name-number.
type tally struct {
	mu     sync.Mutex
	counts map[string]int
}

func (b *tally) add(what string) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts[what]++
}

func (b *tally) of(what string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.counts[what]
}

func (scripted) Spec() connect.Spec {
	return connect.NewSpec("test.ScriptedConnector", "7", scriptKey, topicKey, secretKey)
}

func (s scripted) Split(ctx context.Context, cfg connect.Config, maxTasks int) ([]connect.Config, error) {
	if scriptKey.Get(cfg) == "hang-split" {
		<-s.release
	}
	s.begun.add(cfg["name"])
	var all []connect.Config
	for n := range maxTasks {
		c := maps.Clone(cfg)
		c["task"] = strconv.Itoa(n)
		if scriptKey.Get(cfg) == "half" && n == maxTasks-1 {
			c["script"] = "fail"
		}
		all = append(all, c)
	}
	return all, nil
}

func (s scripted) Open(_ context.Context, rt connect.SourceContext) (connect.SourceTask, error) {
	s.begun.add(rt.Config()["name"] + "-" + rt.Config()["task"])
	if scriptKey.Get(rt.Config()) == "hang-open" {
		<-s.release
	}
	return &scriptedTask{rt: rt, release: s.release, script: scriptKey.Get(rt.Config()), topic: topicKey.Get(rt.Config()),
		part: rt.Partition("p", "1")}, nil
}

type scriptedTask struct {
	rt      connect.SourceContext
	release chan struct{}
	script  string
	topic   string
	part    *connect.Partition
	n       int64
}

func (t *scriptedTask) Poll(ctx context.Context, b *connect.Batch) error {
	switch t.script {
	case "hang-poll":
		<-t.release
	case "fail":
		return errors.New("the dog ate it")
	case "tell":
		return fmt.Errorf("the login with %s was refused", secretKey.Get(t.rt.Config()))
	case "panic":
		panic("boom")
	case "retry":
		return connect.Retry(errors.New("nobody home"), 10*time.Millisecond)
	}
	for range 10 {
		t.n++
		b.Next(t.topic, t.part, connect.At("n", t.n)).SetString(fmt.Sprint(t.n))
	}
	return connect.Idle(ctx, b, time.Millisecond)
}

func (t *scriptedTask) Close(context.Context) error { return nil }

// mindOf starts a herder with the scripted source, on memory stores and an embedded Kafka. opened, if not nil, fills the config store first.
func mindOf(t *testing.T, opened func(*stores.ConfigStore)) *Herder {
	t.Helper()
	return mindWith(t, nil, opened)
}

// mindWith is mindOf with config providers.
func mindWith(t *testing.T, providers *configproviders.Providers, opened func(*stores.ConfigStore)) *Herder {
	t.Helper()
	kafka, err := embedded.StartKafka(t.Context(), embedded.KafkaConfig{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = kafka.Close() })
	release := make(chan struct{})
	source := scripted{release, &tally{counts: map[string]int{}}}
	classes, err := catalog.New([]connect.SourceConnector{source, altering{source}}, []connect.SinkConnector{swallower{}})
	require.NoError(t, err)
	log := slog.New(slog.DiscardHandler)
	properties := map[string]string{
		"bootstrap.servers": kafka.Addr(), "key.converter": "StringConverter", "value.converter": "StringConverter",
	}
	statuses := stores.NewMemoryStatusStore(log)
	dir, err := os.MkdirTemp("", "herder")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // what was left behind may be writing to it still
	offsets := stores.NewFileOffsetStore(dir+"/offsets", log)
	settings := &worker.Settings{
		OffsetFlushInterval: 50 * time.Millisecond, OffsetFlushTimeout: time.Second, GracefulShutdown: 200 * time.Millisecond,
		Properties: properties, Providers: providers,
	}
	h := New(Options{
		Groups: worker.NewGroups(settings), Topics: TopicPolicy{Tracked: true, Resettable: true},
		WorkerID: "w:1", Version: "v", Catalog: classes, Log: log, Statuses: statuses,
		Validator:  &validation.Validator{Catalog: classes, Worker: properties, OverridePolicy: "All", Providers: providers},
		Providers:  providers,
		Offsets:    worker.SharedOffsets(offsets),
		Membership: NewAlone("http://w:1/", statuses),
		Employ: func(s worker.StatusSink, p worker.Plan, f worker.Fencing) Worker {
			return worker.New(settings, classes, worker.SharedOffsets(offsets), s, p, f, log)
		},
		OpenConfigs: func(listen func(stores.ConfigEvent)) *stores.ConfigStore {
			s := stores.NewMemoryConfigStore(log, listen)
			if opened != nil {
				require.NoError(t, s.Start(t.Context()))
				opened(s)
			}
			return s
		},
	})
	require.NoError(t, h.Start(t.Context()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		h.Close(ctx)
		close(release)
	})
	return h
}

func create(t *testing.T, h *Herder, name, script string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, err := h.Create(ctx, NewConnector{Name: name, Config: connect.Config{
		"name": name, "connector.class": "test.ScriptedConnector", "script": script, "topic": name, "secret": "s3cret",
	}})
	require.NoError(t, err)
}

// shows waits until the first task's status fits.
func shows(t *testing.T, h *Herder, name string, fits func(TaskState) bool) {
	t.Helper()
	var mu sync.Mutex
	last := "no status"
	require.Eventually(t, func() bool {
		s, err := h.Status(t.Context(), name)
		if err != nil || len(s.Tasks) == 0 {
			return false
		}
		mu.Lock()
		last = fmt.Sprintf("%+v", s.Tasks[0])
		mu.Unlock()
		return fits(s.Tasks[0])
	}, 10*time.Second, 5*time.Millisecond, "last seen: %s", &last)
}

func inState(state string) func(TaskState) bool {
	return func(s TaskState) bool { return s.State == state && s.Trace == "" }
}
