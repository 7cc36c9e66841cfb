package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/testbed"
)

// count catches up and keeps the records whose values want likes; nil likes all. It counts what kept it in all calls.
type counter struct {
	reader *Reader
	want   func(*sarama.ConsumerMessage) bool
	seen   int
}

func count(addr, topic string, want func(*sarama.ConsumerMessage) bool) *counter {
	return &counter{reader: NewReader(addr, topic), want: want}
}

// atLeast is nil once so many have been seen.
func (c *counter) atLeast(n int) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := c.reader.CatchUp(ctx, func(m *sarama.ConsumerMessage) error {
			if c.want == nil || c.want(m) {
				c.seen++
			}
			return nil
		})
		if err == nil && c.seen < n {
			err = fmt.Errorf("%d records", c.seen)
		}
		return err
	}
}

func TestTheDemoFlowsWithinFiveSecondsOfTheStart(t *testing.T) {
	needsProcesses(t)
	testbed.SluiceBinary(t) // building it does not count
	start := time.Now()
	dev := LaunchDev(t, "--demo")
	testbed.Await(t, 5*time.Second, "a sensor's record", count(dev.Kafka, "sensors", nil).atLeast(1))
	t.Logf("the first record was there %v after the start", time.Since(start).Round(time.Millisecond))
}

func TestTheDemoShowsWhatRunsWhereWhatFlowsAndWhatToTryNext(t *testing.T) {
	needsProcesses(t)
	dev := LaunchDev(t, "--demo", "--rate", "200")
	dev.WaitReady()
	for _, parts := range [][]string{
		{"Kafka", dev.Kafka, "MQTT", dev.MQTT, "REST", dev.URL},
		{"sensors/#", "demo-sensors", "topic sensors"},
		{"topic commands", "demo-commands", "commands/<key>"},
		{"curl -s " + dev.URL + "/connectors/demo-sensors/status"},
		{"mosquitto_pub", strings.TrimPrefix(dev.MQTT, "127.0.0.1:"), "sensors/mine"},
		{"curl -s -X PUT " + dev.URL + "/connectors/demo-sensors/pause"},
		{"sample  sensors-", "key sensors/room-", `"celsius":`},
	} {
		awaitLine(t, dev.Process, 10*time.Second, parts...)
	}
	live := regexp.MustCompile(`(?m)^  in +(\d+)/s +(\d+) records     out +\d+/s +\d+ records$`)
	testbed.Await(t, 20*time.Second, "a live line with records in it", func(context.Context) error {
		for _, line := range live.FindAllStringSubmatch(dev.Log(), -1) {
			if line[1] != "0" && line[2] != "0" {
				return nil
			}
		}
		return errors.New("none so far")
	})
	lines := strings.Count(dev.Log(), "\n")
	assert.Less(t, lines, 25, "it is a few tidy lines")
	sober(t, dev.Log())
}

func TestTheDemoCarriesReadingsInAndCommandsOut(t *testing.T) {
	needsProcesses(t)
	testbed.Need(t, testbed.MosquittoClients)
	dev := LaunchDev(t, "--demo")
	dev.WaitReady()
	dev.awaitDemo()

	mine := count(dev.Kafka, "sensors", func(m *sarama.ConsumerMessage) bool {
		return string(m.Key) == "sensors/x" && string(m.Value) == "21.5"
	})
	mosquitto(t, "mosquitto_pub", dev.MQTT, "-q", "1", "-t", "sensors/x", "-m", "21.5")
	testbed.Await(t, 5*time.Second, "the reading in Kafka", mine.atLeast(1))

	subscriber := launchSubscriber(t, dev.MQTT, "commands/#")
	testbed.Produce(t, dev.Kafka, &sarama.ProducerMessage{
		Topic: "commands", Key: sarama.StringEncoder("k"), Value: sarama.StringEncoder("open the window"),
	})
	awaitLine(t, subscriber, 5*time.Second, "commands/k open the window")
}

func TestDevFindsItsDataAgainAfterKillAndAfterCtrlC(t *testing.T) {
	needsProcesses(t)
	dev := LaunchDev(t, "--demo", "--rate", "500", "--data-dir", filepath.Join(t.TempDir(), "data"))
	dev.WaitReady()
	dev.awaitDemo()
	sensors := count(dev.Kafka, "sensors", nil)
	testbed.Await(t, 10*time.Second, "sensor records", sensors.atLeast(500))

	lines := dev.addLines(t)
	testbed.CreateTopic(t, dev.Kafka, "mine", 2, nil)
	testbed.Produce(t, dev.Kafka, testbed.Values("mine", 10)...)

	for n, end := range []func(){dev.Kill, dev.interrupt, dev.Kill} {
		lines.write(n)
		testbed.Await(t, 10*time.Second, "the new line in Kafka", lines.inKafka.atLeast(n+1))
		lines.awaitStored(t)
		commands := dev.awaitCommitted(t, 1)
		end()
		dev.Relaunch()
		dev.WaitReady()

		assert.GreaterOrEqual(t, dev.awaitCommitted(t, 0), commands, "the sink's offset is that of before")
		dev.awaitDemo()
		dev.AwaitFlowing("lines")
		names, err := dev.Connectors(t.Context())
		require.NoError(t, err)
		assert.ElementsMatch(t, []string{"demo-sensors", "demo-commands", "lines"}, names)
		mine := count(dev.Kafka, "mine", nil)
		require.NoError(t, mine.atLeast(10)(t.Context()))
		assert.Equal(t, 10, mine.seen, "records of a topic made before")
		// This reader goes on at the offsets it had before, so that it only counts what is new.
		testbed.Await(t, 10*time.Second, "new sensor records", sensors.atLeast(sensors.seen+500))
	}
	lines.write(3)
	testbed.Await(t, 10*time.Second, "the last line in Kafka", lines.inKafka.atLeast(4))
	assert.Equal(t, 4, lines.inKafka.seen, "lines in Kafka: more means that the offsets of the file were forgotten")
	dev.interrupt()
}

// awaitDemo waits until both connectors of the demo flow.
func (d *Dev) awaitDemo() {
	d.t.Helper()
	d.AwaitFlowing("demo-sensors")
	d.AwaitFlowing("demo-commands")
}

// awaitCommitted waits until the demo's sink has committed at least so many commands, and returns how many.
func (d *Dev) awaitCommitted(t *testing.T, least int64) (committed int64) {
	t.Helper()
	testbed.Await(t, 20*time.Second, "the sink's committed offset", func(context.Context) error {
		var err error
		committed, err = d.committed("connect-demo-commands", "commands")
		if err == nil && committed < least {
			err = fmt.Errorf("it is %d", committed)
		}
		return err
	})
	return committed
}

// committed is the sum of a group's offsets on a topic.
func (d *Dev) committed(group, topic string) (int64, error) {
	admin, err := sarama.NewClusterAdmin([]string{d.Kafka}, sarama.NewConfig())
	if err != nil {
		return 0, fmt.Errorf("reading the offsets of %s: %w", group, err)
	}
	defer admin.Close()
	answer, err := admin.ListConsumerGroupOffsets(group, nil)
	if err != nil {
		return 0, fmt.Errorf("reading the offsets of %s: %w", group, err)
	}
	var sum int64
	for _, block := range answer.Blocks[topic] {
		sum += max(0, block.Offset)
	}
	return sum, nil
}

// interrupt is Ctrl-C, which must end everything in under two seconds.
func (d *Dev) interrupt() {
	d.t.Helper()
	start := time.Now()
	d.Signal(syscall.SIGINT)
	assert.Zero(d.t, d.Wait(10*time.Second), "exit code after Ctrl-C")
	took := time.Since(start)
	assert.Less(d.t, took, 2*time.Second, "from Ctrl-C to the end")
	d.t.Logf("Ctrl-C ended it in %v", took.Round(time.Millisecond))
}

// lines is a file that a connector of the test reads.
type lines struct {
	t       *testing.T
	path    string
	size    int
	inKafka *counter
	offsets *Reader
	stored  string // the newest offset of the file
}

// addLines adds a connector that reads lines of a file into the topic "lines".
func (d *Dev) addLines(t *testing.T) *lines {
	t.Helper()
	l := &lines{
		t: t, path: File(t, "lines.txt", ""), inKafka: count(d.Kafka, "lines", nil), offsets: NewReader(d.Kafka, "sluice-offsets"),
	}
	testbed.CreateTopic(t, d.Kafka, "lines", 1, nil)
	d.Create("lines", map[string]string{
		"connector.class": "FileStreamSource", "tasks.max": "1", "file": l.path, "topic": "lines",
		"value.converter": "org.apache.kafka.connect.storage.StringConverter",
	})
	return l
}

// write appends line n.
func (l *lines) write(n int) {
	l.t.Helper()
	f, err := os.OpenFile(l.path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(l.t, err)
	written, err := fmt.Fprintf(f, "line %d\n", n)
	require.NoError(l.t, errors.Join(err, f.Close()))
	l.size += written
}

// awaitStored waits until the offset of the end of the file is in the offset topic.
func (l *lines) awaitStored(t *testing.T) {
	t.Helper()
	want := fmt.Sprintf(`{"position":%d}`, l.size)
	testbed.Await(t, 10*time.Second, "offset "+want+" of the file", func(ctx context.Context) error {
		_, err := l.offsets.CatchUp(ctx, func(m *sarama.ConsumerMessage) error {
			if strings.HasPrefix(string(m.Key), `["lines",`) {
				l.stored = string(m.Value)
			}
			return nil
		})
		if err == nil && l.stored != want {
			err = fmt.Errorf("the newest is %q", l.stored)
		}
		return err
	})
}

// mosquitto runs one of mosquitto's clients against host:port to its end.
func mosquitto(t *testing.T, program, addr string, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), program, append(hostAndPort(t, addr), args...)...).CombinedOutput()
	require.NoError(t, err, "%s: %s", program, out)
}

// launchSubscriber runs mosquitto_sub, which prints topic and payload of each message, and waits until it has subscribed.
func launchSubscriber(t *testing.T, addr, filter string) *testbed.Process {
	t.Helper()
	p := testbed.Launch(t, testbed.Command{
		Path: "mosquitto_sub", Args: append(hostAndPort(t, addr), "-d", "-v", "-q", "1", "-t", filter),
	})
	awaitLine(t, p, 5*time.Second, "Subscribed (mid:")
	return p
}

func hostAndPort(t *testing.T, addr string) []string {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	return []string{"-h", host, "-p", port}
}

// awaitLine waits until the process has printed a line that holds all the parts, and returns it.
func awaitLine(t *testing.T, p *testbed.Process, within time.Duration, parts ...string) (line string) {
	t.Helper()
	testbed.Await(t, within, fmt.Sprintf("a line with %q", parts), func(context.Context) error {
		log := p.Log()
		for line = range strings.Lines(log) {
			if containsAll(line, parts) {
				return nil
			}
		}
		return fmt.Errorf("it has printed:\n%s", log)
	})
	return strings.TrimSpace(line)
}

func containsAll(text string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

func TestEveryExampleRunsAsItIsOnDev(t *testing.T) {
	needsProcesses(t)
	manifests, err := filepath.Glob("../../examples/*.json")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(manifests), 3)
	dev := LaunchDev(t)
	dev.WaitReady()
	own := strings.NewReplacer("localhost:1883", dev.MQTT, "/tmp/lines.txt", File(t, "lines.txt", "one\ntwo\n"))
	for _, path := range manifests {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			body := json.RawMessage(own.Replace(string(text)))
			var manifest struct{ Name string }
			require.NoError(t, json.Unmarshal(body, &manifest))
			a, err := dev.Ask(t.Context(), http.MethodPost, "/connectors", body)
			require.NoError(t, err)
			require.Equal(t, http.StatusCreated, a.Code, a.Body)
			dev.AwaitFlowing(manifest.Name)
		})
	}
	testbed.Await(t, 10*time.Second, "the lines of the file in Kafka", count(dev.Kafka, "lines", nil).atLeast(2))
	sober(t, dev.Log())
}

func TestAConverterThatDoesNotFitIsNamedByKeyWithWhatFits(t *testing.T) {
	needsProcesses(t)
	dev := LaunchDev(t)
	dev.WaitReady()
	require.NoError(t, dev.Put(t.Context(), "lines", map[string]string{
		"connector.class": "FileStreamSource", "file": File(t, "lines.txt", "one\n"), "topic": "lines",
		"value.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
	}))
	t.Log(awaitTask(t, dev.Worker, "lines", "FAILED", "set value.converter to one that fits", "StringConverter"))
}
