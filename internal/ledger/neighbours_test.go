//go:build linux

package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/sluice-connect/sluice/internal/testbed"
	"github.com/sluice-connect/sluice/plugins/contract"
	pluginmanifest "github.com/sluice-connect/sluice/plugins/manifest"
)

// pluginFault is what may be wrong with a plugin.
type pluginFault struct {
	kind  string
	class string
	// says is what the status of a task with it must say; "" for one that runs on.
	says string
}

// pluginFaults are those that a worker must not suffer from.
var pluginFaults = []pluginFault{
	{"crash", "org.ledger.Mischief", "the last words of the mischief"},
	{"hang", "org.ledger.Mischief", "did not answer for"},
	{"garbage", "org.ledger.Rogue", "broke the contract"},
	{"overrun", "org.ledger.Rogue", "does not heed credit"},
	{"flood", "org.ledger.Rogue", ""},
	{"version", "org.ledger.Newer", "it speaks version 7 of the contract"},
	{"missing", "org.ledger.Absent", "put the program there"},
}

// installFaulty is [installPlugin] and what the other faults need.
func installFaulty(t testing.TB) installed {
	t.Helper()
	p := installPlugin(t)
	p.add(t, asRogue)
	for class, command := range map[string][]string{
		"org.ledger.Newer":  {"/bin/sh", "-c", "echo '1|7|unix|/nowhere|grpc'; exec sleep 1000"},
		"org.ledger.Absent": {"./absent"},
	} {
		all, problems := pluginmanifest.Discover([]string{p.path})
		require.Empty(t, problems)
		like := all[slices.IndexFunc(all, func(m *pluginmanifest.Manifest) bool { return m.Name == "rogue" })].Classes[0]
		like = proto.Clone(like).(*contract.Class)
		like.Name = class
		dir := filepath.Join(p.path, class)
		require.NoError(t, os.Mkdir(dir, 0o700))
		require.NoError(t, (&pluginmanifest.Manifest{
			Dir: dir, Name: strings.ToLower(strings.TrimPrefix(class, "org.ledger.")), Version: "1", Contract: contract.Version, Command: command,
			Classes: []*contract.Class{like},
		}).Write())
	}
	return p
}

// plague starts a connector with a fault.
func plague(t testing.TB, w *Worker, prefix string, f pluginFault) {
	t.Helper()
	told := filepath.Join(t.TempDir(), "process")
	require.NoError(t, w.Put(t.Context(), prefix+f.kind, map[string]string{
		"connector.class": f.class, "topic": prefix + "junk", "kind": f.kind, "file": told, "value.converter": "org.apache.kafka.connect.storage.StringConverter",
		"password": "the-password-of-it", "note": "${file:" + File(t, "secrets", "note=the-note-of-it\n") + ":note}",
	}))
	if f.kind == "hang" {
		stopTold(t, told)
	}
}

// stopTold stops the process whose number is in a file, as soon as it is there.
func stopTold(t testing.TB, path string) {
	t.Helper()
	testbed.Await(t, 30*time.Second, "the process that shall hang", func(context.Context) error {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		pid, err := strconv.Atoi(strings.TrimSuffix(string(text), "\n"))
		if err != nil {
			return err
		}
		return syscall.Kill(pid, syscall.SIGSTOP)
	})
}

// diagnosed waits until a fault is told.
func diagnosed(t testing.TB, w *Worker, prefix string, f pluginFault) {
	t.Helper()
	testbed.Await(t, time.Minute, f.kind+" to be told", func(ctx context.Context) error {
		s, err := w.Status(ctx, prefix+f.kind)
		switch {
		case err != nil:
			return err
		case len(s.Tasks) == 0, f.says == "" && s.Tasks[0].State != "RUNNING", f.says != "" && s.Tasks[0].State != "FAILED",
			!strings.Contains(s.Tasks[0].Trace, f.says):
			return fmt.Errorf("%v", s)
		}
		assert.NotContains(t, s.Tasks[0].Trace, "-of-it", "a secret")
		return nil
	})
}

// arrivals watches how many records a topic of one partition has.
type arrivals struct {
	stop context.CancelFunc
	done sync.WaitGroup

	mu   sync.Mutex
	seen []arrival
	err  error
}

type arrival struct {
	at      time.Time
	records int64
}

// watchArrivals looks often until the test ends.
func watchArrivals(t testing.TB, kafka, topic string) *arrivals {
	t.Helper()
	client, err := sarama.NewClient([]string{kafka}, sarama.NewConfig())
	require.NoError(t, err)
	a := &arrivals{}
	ctx, stop := context.WithCancel(context.Background())
	a.stop = stop
	a.done.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			n, err := client.GetOffset(topic, 0, sarama.OffsetNewest)
			a.mu.Lock()
			a.seen = append(a.seen, arrival{time.Now(), n})
			a.err = errors.Join(a.err, err)
			a.mu.Unlock()
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	})
	t.Cleanup(func() {
		a.stop()
		a.done.Wait()
		require.NoError(t, errors.Join(a.err, client.Close()))
	})
	return a
}

// during is the rate of arrivals between two moments, a second, and the longest time without any.
func (a *arrivals) during(from, to time.Time) (rate float64, silence time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var in []arrival
	for _, s := range a.seen {
		if !s.at.Before(from) && !s.at.After(to) {
			in = append(in, s)
		}
	}
	if len(in) < 2 {
		return 0, to.Sub(from)
	}
	last := in[0]
	for _, s := range in {
		if s.records > last.records {
			last = s
		} else {
			silence = max(silence, s.at.Sub(last.at))
		}
	}
	first, end := in[0], in[len(in)-1]
	return float64(end.records-first.records) / end.at.Sub(first.at).Seconds(), silence
}

// fileProvider has a worker look up secrets in files.
var fileProvider = []string{"config.providers=file", "config.providers.file.class=org.apache.kafka.common.config.provider.FileConfigProvider"}

// healthy is a source in the worker's own process.
func healthy(path, topic string) map[string]string {
	return map[string]string{
		"connector.class": "FileStreamSource", "file": path, "topic": topic, "value.converter": "org.apache.kafka.connect.storage.StringConverter",
	}
}

// beside has a healthy pipeline of so many lines a second in the worker's own process beside plugins with each fault, until all faults are told and a time is
// over. It must not suffer.
func beside(t *testing.T, kafka string, rate int, least time.Duration, more ...string) {
	plugins := installFaulty(t)
	prefix := testbed.Prefix(t)
	topic := prefix + "lines"
	testbed.CreateTopic(t, kafka, topic, 1, nil)
	testbed.CreateTopic(t, kafka, prefix+"junk", 1, nil)
	w := StartWorker(t, kafka, prefix, slices.Concat(fileProvider, []string{"plugin.path=" + plugins.path}, more)...)
	path := File(t, "in.txt", "")
	w.Create(prefix+"healthy", healthy(path, topic))
	arrivals := watchArrivals(t, kafka, topic)
	written := pour(t, path, rate)
	testbed.Await(t, 30*time.Second, "the first lines", func(context.Context) error {
		if now, _ := arrivals.during(time.Now().Add(-time.Second), time.Now()); now < float64(rate)/2 {
			return fmt.Errorf("%.0f a second", now)
		}
		return nil
	})
	began := time.Now()
	for _, f := range pluginFaults {
		plague(t, w, prefix, f)
	}
	for _, f := range pluginFaults {
		diagnosed(t, w, prefix, f)
	}
	<-time.After(time.Until(began.Add(least)))
	ended := time.Now()
	got, silence := arrivals.during(began, ended)
	t.Logf("%.0f of %d lines a second in %v beside %d faults, at most %v without any", got, rate, ended.Sub(began).Round(time.Second),
		len(pluginFaults), silence.Round(time.Millisecond))
	assert.InEpsilon(t, rate, got, 0.05, "lines a second")
	assert.Less(t, silence, 2*time.Second, "without a line")
	w.AwaitFlowing(prefix + "healthy")
	all := written()
	testbed.Await(t, 5*time.Second, "all lines in Kafka", func(context.Context) error {
		n, err := NewReader(kafka, topic).Records()
		if err == nil && n != int64(all) {
			err = fmt.Errorf("%d of %d", n, all)
		}
		return err
	})
	assert.NotContains(t, w.Log(), "-of-it", "a secret")
	assert.Contains(t, w.Log(), "the last words of the mischief: [hidden] [hidden]")
	require.Zero(t, w.Terminate(), "exit code after SIGTERM")
	plugins.awaitNone(t)
}

// pour appends so many lines a second to a file. The function that it returns ends that, and says how many there are.
func pour(t testing.TB, path string, rate int) (end func() (lines int)) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	var feeding sync.WaitGroup
	lines := 0
	feeding.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for began := time.Now(); ctx.Err() == nil; {
			due := int(time.Since(began).Seconds() * float64(rate))
			_, err := f.Write(bytes.Repeat([]byte("a line\n"), due-lines))
			assert.NoError(t, err)
			lines = due
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	})
	end = sync.OnceValue(func() int {
		stop()
		feeding.Wait()
		assert.NoError(t, f.Close())
		return lines
	})
	t.Cleanup(func() { end() })
	return end
}

// What a plugin does wrong is told of it, and is nobody else's harm.
func TestFaultyPluginsHarmNobodyElse(t *testing.T) {
	needsProcesses(t)
	beside(t, testbed.SharedKafka(t), 20_000, 0)
}

// besideWindow is how long the benchmark looks at a time.
const besideWindow = 3 * time.Second

// BenchmarkBesidePlugins is how much slower a source in the worker's process reads lines beside a plugin with a fault, which is restarted as often as a worker
// does that by itself. What is reported is a median in percent: each iteration looks at a time with the fault, and at those before and after without.
func BenchmarkBesidePlugins(b *testing.B) {
	kafka, prefix := testbed.SharedKafka(b), testbed.Prefix(b)
	plugins := installFaulty(b)
	topic := prefix + "lines"
	small := map[string]string{"retention.bytes": "100000000", "segment.bytes": "50000000"}
	testbed.CreateTopic(b, kafka, topic, 1, small)
	testbed.CreateTopic(b, kafka, prefix+"junk", 1, small)
	w := StartWorker(b, kafka, prefix, append(slices.Clip(fileProvider), "plugin.path="+plugins.path, "sluice.restart.policy=on-failure")...)
	path := File(b, "in.txt", "")
	const more = 800_000 // lines a second than can be read
	pour(b, path, more)
	w.Create(prefix+"healthy", healthy(path, topic))
	arrivals := watchArrivals(b, kafka, topic)
	look := func(during string) float64 {
		from, cpu := time.Now(), usage(b, w.PID())
		<-time.After(besideWindow)
		rate, silence := arrivals.during(from, time.Now())
		used := usage(b, w.PID())
		b.Logf("%-8s %7.0f lines/s, %4.0f ms silent; processor time of the worker %.2f s/s, of its plugins %.2f s/s", during, rate,
			float64(silence.Milliseconds()), (used.own-cpu.own)/besideWindow.Seconds(), (used.plugins-cpu.plugins)/besideWindow.Seconds())
		return rate
	}
	look("start")
	for _, f := range pluginFaults {
		b.Run(f.kind, func(b *testing.B) {
			var slower []float64
			for alone := look("alone"); len(slower) < b.N; {
				plague(b, w, prefix, f)
				with := look(f.kind)
				w.cure(b, prefix+f.kind)
				after := look("alone")
				slower = append(slower, 100*(1-with/((alone+after)/2)))
				alone = after
			}
			slices.Sort(slower)
			b.ReportMetric(slower[len(slower)/2], "%slower")
		})
	}
	require.Zero(b, w.Terminate(), "exit code after SIGTERM")
}

// cure deletes a faulty connector and waits until its plugin is gone.
func (w *Worker) cure(t testing.TB, name string) {
	t.Helper()
	a, err := w.Ask(t.Context(), "DELETE", "/connectors/"+name, nil)
	require.NoError(t, err)
	require.Equal(t, 204, a.Code, a.Body)
	testbed.Await(t, 30*time.Second, "the end of the plugin", func(context.Context) error {
		if left := childrenOf(t, w.PID()); len(left) > 0 {
			return fmt.Errorf("processes %v", left)
		}
		return nil
	})
}

// seconds are of processor time.
type seconds struct{ own, plugins float64 }

// usage is what a process has used, and what its children have, living and dead.
func usage(t testing.TB, pid int) (s seconds) {
	t.Helper()
	const tick = 100 // a second
	of := func(pid, from int) float64 {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return 0 // it has ended
		}
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		var sum float64
		for _, field := range fields[from : from+2] {
			n, err := strconv.ParseFloat(field, 64)
			require.NoError(t, err)
			sum += n / tick
		}
		return sum
	}
	const own, waited = 11, 13
	s.own, s.plugins = of(pid, own), of(pid, waited)
	for _, child := range childrenOf(t, pid) {
		s.plugins += of(child, own)
	}
	return s
}

// childrenOf are the children of a process.
func childrenOf(t testing.TB, pid int) (pids []int) {
	t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	require.NoError(t, err)
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // a thread that has ended
		}
		for _, field := range strings.Fields(string(text)) {
			n, err := strconv.Atoi(field)
			require.NoError(t, err)
			pids = append(pids, n)
		}
	}
	return pids
}
