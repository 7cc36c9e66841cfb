//go:build linux

package ledger

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/sluice-connect/sluice/internal/testbed"
	"github.com/sluice-connect/sluice/plugins/contract"
	pluginmanifest "github.com/sluice-connect/sluice/plugins/manifest"
)

// installed are plugins in a folder of the test.
type installed struct {
	path    string // for plugin.path
	program string // of the plugin called ledger
}

// installPlugin puts the test's own program as a plugin into a folder, with its manifest.
func installPlugin(t testing.TB) installed {
	t.Helper()
	p := installed{path: t.TempDir()}
	p.program = p.add(t, asPlugin)
	return p
}

// add puts the test's own program into the folder, as the plugin that it is by an argument, and returns its path.
func (p installed) add(t testing.TB, as string) (program string) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	code, err := os.ReadFile(self)
	require.NoError(t, err)
	dir := filepath.Join(p.path, as)
	require.NoError(t, os.Mkdir(dir, 0o700))
	program = filepath.Join(dir, "ledger")
	require.NoError(t, os.WriteFile(program, code, 0o700))
	said, err := exec.CommandContext(t.Context(), program, as, "--manifest").Output()
	require.NoError(t, err)
	var of contract.Description
	require.NoError(t, protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(said, &of))
	require.NoError(t, (&pluginmanifest.Manifest{
		Dir: dir, Name: of.GetName(), Version: of.GetVersion(), Contract: contract.Version, Command: []string{"ledger", as},
		Checksum: fmt.Sprintf("sha256:%x", sha256.Sum256(code)), Classes: of.GetClasses(),
	}).Write())
	return program
}

// processes are those of the plugin called ledger that run, by what the system says of each program that runs.
func (p installed) processes(t testing.TB) (pids []int) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/exe")
	require.NoError(t, err)
	for _, exe := range all {
		if to, err := os.Readlink(exe); err == nil && to == p.program {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(exe)))
			require.NoError(t, err)
			pids = append(pids, pid)
		}
	}
	return pids
}

// awaitNone waits until no process of the plugin is left, an orphan least of all.
func (p installed) awaitNone(t testing.TB) {
	t.Helper()
	testbed.Await(t, 10*time.Second, "the end of all processes of the plugin", func(context.Context) error {
		if left := p.processes(t); len(left) > 0 {
			return fmt.Errorf("%v are there", left)
		}
		return nil
	})
}

// again has a worker start at once what has failed.
var again = []string{"sluice.restart.policy=on-failure", "sluice.restart.initial.delay.ms=50", "sluice.restart.max.delay.ms=500"}

// enterLines enters the numbers that a file has, one a line, and returns how many lines a kill has cut: those came again as a whole.
func enterLines(path string, into *Ledger) (cut int, err error) {
	text, err := os.ReadFile(path)
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		number, err := numberOf([]byte(line))
		if err != nil {
			cut++
			continue
		}
		_, stream, _ := strings.Cut(strings.TrimSuffix(line, "."), " of ")
		if err := into.Arrive(stream, number); err != nil {
			return cut, err
		}
	}
	return cut, err
}

// allPromised is a ledger in which all numbers of a source are promised: what it can make must arrive.
func allPromised(count int) *Ledger {
	l := New()
	for i := range streams {
		for range count {
			l.Promise(streamName(i), l.Send(streamName(i)))
		}
	}
	return l
}

// killPlugins sends numbers through a plugin's source into Kafka and through a plugin's sink into a file, and kills a process so many times meanwhile: one of the
// plugin's, or the worker. Nothing may be missing, and no process may be left.
func killPlugins(t *testing.T, kafka string, count, kills int) {
	random := Dice(t)
	plugin := installPlugin(t)
	prefix := testbed.Prefix(t)
	topic, out := prefix+"numbers", filepath.Join(t.TempDir(), "out.txt")
	testbed.CreateTopic(t, kafka, topic, partitions, nil)
	w := StartWorker(t, kafka, prefix, append([]string{
		"plugin.path=" + plugin.path, "session.timeout.ms=6000", "heartbeat.interval.ms=1000", "scheduled.rebalance.max.delay.ms=0",
	}, again...)...)
	source, sink := prefix+"source", prefix+"sink"
	w.Create(source, map[string]string{
		"connector.class": "org.ledger.Numbers", "topic": topic, "count": fmt.Sprint(count), "rate": fmt.Sprint(count * streams / (2 * kills)),
	})
	w.Create(sink, map[string]string{
		"connector.class": "org.ledger.Wall", "topics": topic, "file": out, "consumer.override.auto.offset.reset": "earliest",
	})
	reader := NewReader(kafka, topic)
	all := int64(count * streams)
	began := time.Now()
	for _, victim := range shuffled(map[string]struct{}{"plugin": {}, "worker": {}}, kills, random) {
		was, err := reader.Records()
		require.NoError(t, err)
		assert.Less(t, was, all, "all is done before the last kill")
		more := 1 + random.Int64N(max(1, all/int64(3*kills)))
		testbed.Await(t, time.Minute, "more numbers in Kafka", func(context.Context) error {
			n, err := reader.Records()
			if err == nil && n < was+more {
				err = fmt.Errorf("%d of %d", n, was+more)
			}
			return err
		})
		if victim == "plugin" {
			pids := plugin.processes(t)
			require.NotEmpty(t, pids, "processes of the plugin")
			require.NoError(t, syscall.Kill(pids[random.IntN(len(pids))], syscall.SIGKILL))
			continue
		}
		w.Kill()
		plugin.awaitNone(t)
		w.Relaunch()
		w.WaitReady()
	}
	inKafka := allPromised(count)
	testbed.Await(t, 3*time.Minute, "all numbers in Kafka", func(ctx context.Context) error {
		_, err := reader.CatchUp(ctx, func(m *sarama.ConsumerMessage) error { return inKafka.Enter(m) })
		if err != nil {
			return err
		}
		return inKafka.Judge().Incomplete()
	})
	var inFile Verdict
	var cut int
	testbed.Await(t, 3*time.Minute, "all numbers in the file", func(context.Context) (err error) {
		arrived := allPromised(count)
		cut, err = enterLines(out, arrived)
		inFile = arrived.Judge()
		return errors.Join(err, inFile.Incomplete())
	})
	w.AwaitFlowing(source)
	w.AwaitFlowing(sink)
	took := time.Since(began)
	testbed.Await(t, 20*time.Second, "what the plugin measures among the worker's metrics", func(ctx context.Context) error {
		a, err := w.Ask(ctx, "GET", "/metrics", nil)
		if err == nil && !strings.Contains(a.Body, fmt.Sprintf("sluice_task_numbers_total{connector=%q,task=\"0\"}", source)) {
			err = errors.New("it is not there")
		}
		return err
	})
	require.Zero(t, w.Terminate(), "exit code after SIGTERM")
	plugin.awaitNone(t)
	before := inKafka.Judge()
	require.NoError(t, before.Err())
	t.Logf("%d numbers, %d kills in %v: %d duplicates in Kafka, %d in the file, %d cut lines", all, kills, took.Round(time.Millisecond),
		before.Duplicates, inFile.Duplicates, cut)
}

func TestNothingIsLostWhenPluginsAndTheirWorkerAreKilled(t *testing.T) {
	needsProcesses(t)
	killPlugins(t, testbed.SharedKafka(t), 10_000, 4)
}
