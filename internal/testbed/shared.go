package testbed

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
)

// shared is what outlives a single test of this process.
var shared sharedThings

type sharedThings struct {
	mu       sync.Mutex
	inMain   bool
	dir      string
	kafka    *RunningKafka
	registry *RunningRegistry
	binary   string
}

// Main runs the tests of a package and ends what they shared. It is the whole of a package's TestMain.
func Main(m *testing.M) {
	shared.mu.Lock()
	shared.inMain = true
	shared.mu.Unlock()
	m.Run()
	if err := shared.end(); err != nil {
		fmt.Fprintln(os.Stderr, "testbed: ending what the tests shared:", err)
	}
}

func (s *sharedThings) end() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if s.kafka != nil {
		err = s.kafka.Stop()
	}
	if s.registry != nil {
		err = errors.Join(err, s.registry.Stop())
	}
	if s.dir != "" {
		err = errors.Join(err, os.RemoveAll(s.dir))
	}
	return err
}

// ready makes the directory of shared things. The caller holds the lock.
func (s *sharedThings) ready() error {
	if !s.inMain {
		return errors.New("tests that share something need this in their package: " +
			"func TestMain(m *testing.M) { testbed.Main(m) }")
	}
	if s.dir != "" {
		return nil
	}
	var err error
	if s.dir, err = os.MkdirTemp("", "sluice-testbed-"); err != nil {
		return fmt.Errorf("creating a directory for what tests share: %w", err)
	}
	return nil
}

// SharedKafka is the host:port of a real Kafka that tests share: that of the whole run (environment variable
// SLUICE_TEST_KAFKA), or one that the first call in this process starts. Who uses it names everything with [Prefix], and
// neither kills it nor counts what else is there.
func SharedKafka(t testing.TB) string {
	t.Helper()
	if addr := os.Getenv(KafkaEnv); addr != "" {
		return addr
	}
	KafkaJars(t) // outside the lock: this may skip the test
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.kafka == nil {
		if err := shared.ready(); err != nil {
			t.Fatal(err)
		}
		var err error
		if shared.kafka, err = RunKafka(context.Background(), filepath.Join(shared.dir, "kafka")); err != nil {
			t.Fatal(err)
		}
	}
	return shared.kafka.Addr
}

// RunningKafka is a Kafka of one node that belongs to no test.
type RunningKafka struct {
	// Addr is the host:port of its plain listener.
	Addr string

	child *child
}

// RunKafka starts a Kafka of one node with its data in dir and waits until it is ready. ctx bounds the start. It ends with
// [RunningKafka.Stop], or with this process on Linux.
func RunKafka(ctx context.Context, dir string) (*RunningKafka, error) {
	java, err := Java.Path()
	if err != nil {
		return nil, err
	}
	jars, err := FetchKafka(ctx)
	if err != nil {
		return nil, err
	}
	node, err := newKafkaNode(1, dir)
	if err != nil {
		return nil, err
	}
	if err := node.prepare(ctx, java, jars, []*kafkaNode{node}); err != nil {
		return nil, err
	}
	if err := node.child.start(); err != nil {
		return nil, fmt.Errorf("starting Kafka: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := node.child.waitReady(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("starting Kafka: %w", err), node.child.kill())
	}
	return &RunningKafka{Addr: node.addr(), child: node.child}, nil
}

// Stop kills the broker, whose data nobody needs any more, and returns when it is gone.
func (k *RunningKafka) Stop() error { return k.child.kill() }

// unfit is what may not stand in the name of a topic.
var unfit = regexp.MustCompile(`[^A-Za-z0-9.-]+`)

// Prefix is a beginning for names of topics, groups and connectors that no other test and no other run uses: the name of
// the test, cut to 40 characters, and 6 random digits, ending in a dash.
func Prefix(t testing.TB) string {
	name := unfit.ReplaceAllString(t.Name(), "-")
	random := rand.Uint32()
	digits := hex.EncodeToString([]byte{byte(random), byte(random >> 8), byte(random >> 16)})
	return name[:min(40, len(name))] + "-" + digits + "-"
}
