package parity

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/ledger"
	"github.com/sluice-connect/sluice/internal/testbed"
)

const (
	linesCount = 500
	within     = 60 * time.Second
)

// source is the manifest of a source with four transforms under two predicates, whose values are JSON with schemas.
func source(file string) map[string]string {
	return map[string]string{
		"connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "tasks.max": "1", "file": file, "topic": "lines",
		"key.converter":   "org.apache.kafka.connect.json.JsonConverter",
		"value.converter": "org.apache.kafka.connect.json.JsonConverter",
	}
}

// sink is the manifest of a sink with a dead letter queue and a transform that not every value suits.
func sink(file string) map[string]string {
	return map[string]string{
		"connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector", "tasks.max": "1", "file": file, "topics": "lines,hostile",
		"key.converter":    "org.apache.kafka.connect.json.JsonConverter",
		"value.converter":  "org.apache.kafka.connect.json.JsonConverter",
		"errors.tolerance": "all", "errors.deadletterqueue.topic.name": "dead", "errors.deadletterqueue.topic.replication.factor": "1",
		"errors.deadletterqueue.context.headers.enable": "true",
	}
}

// hostile are records that the sink cannot handle, each for another reason.
func hostile() []*sarama.ProducerMessage {
	const good = `{"schema":{"type":"struct","fields":[{"type":"string","optional":false,"field":"line"}],"optional":false},"payload":{"line":"x"}}`
	at := time.UnixMilli(1700000000000)
	own := []sarama.RecordHeader{
		{Key: []byte("own"), Value: []byte("a")}, {Key: []byte("own"), Value: []byte{0xff, 0}}, {Key: []byte("none")}, {Key: []byte("empty"), Value: []byte{}},
	}
	text := func(s string) sarama.Encoder { return sarama.StringEncoder(s) }
	return []*sarama.ProducerMessage{
		{Topic: "hostile", Key: text(`{"broken`), Value: text(good), Timestamp: at},
		{Topic: "hostile", Value: text(`{"broken`), Timestamp: at, Headers: own},
		{Topic: "hostile", Value: text(`no JSON at all`), Timestamp: at},
		{Topic: "hostile", Value: text(`{"line":"without a schema"}`), Timestamp: at},
		{Topic: "hostile", Value: text(`{"schema":{"type":"nonsense"},"payload":1}`), Timestamp: at},
		{Topic: "hostile", Value: text(`{"schema":{"type":"int32","optional":false},"payload":null}`), Timestamp: at},
	}
}

// outcome is what one worker has left behind.
type outcome struct {
	lines, dead []*sarama.ConsumerMessage
	printed     string
}

// run has one worker carry the input through both manifests.
func run(t *testing.T, start func(t testing.TB, bootstrap, prefix string, more ...string) *ledger.Worker, input string) outcome {
	t.Helper()
	kafka := testbed.StartKafka(t).Addr()
	for _, topic := range []string{"lines", "hostile", "dead"} {
		testbed.CreateTopic(t, kafka, topic, 1, map[string]string{"retention.ms": "-1"}) // times of records are old
	}
	w := start(t, kafka, "w-")
	printed := filepath.Join(t.TempDir(), "printed")
	w.Create("lines-in", source(input))
	lines := testbed.Consume(t, kafka, "lines", linesCount, within)
	bad := hostile()
	testbed.Produce(t, kafka, bad...)
	w.Create("lines-out", sink(printed))
	dead := testbed.Consume(t, kafka, "dead", len(bad), within)
	var out []byte
	testbed.Await(t, within, "all lines to be printed", func(context.Context) (err error) {
		if out, err = os.ReadFile(printed); err == nil && bytes.Count(out, []byte("\n")) < linesCount {
			err = fmt.Errorf("there are %d", bytes.Count(out, []byte("\n")))
		}
		return err
	})
	return outcome{lines: lines, dead: dead, printed: string(out)}
}

func TestTheSameManifestsLeaveTheSameRecordsAsInJava(t *testing.T) {
	if testing.Short() {
		t.Skip("runs programs: not with -short")
	}
	var input strings.Builder
	for i := range linesCount {
		fmt.Fprintf(&input, "line %d: \"quoted\", \\ and \u00fc, \u20ac, \U0001f600\n", i)
	}
	file := ledger.File(t, "input", input.String())
	java := run(t, ledger.StartJavaWorker, file)
	ours := run(t, ledger.StartWorker, file)
	require.Len(t, ours.lines, len(java.lines))
	for i := range java.lines {
		require.Equal(t, content(java.lines[i], nil), content(ours.lines[i], nil))
	}
	require.Equal(t, java.printed, ours.printed)
	require.Len(t, ours.dead, len(java.dead))
	for i := range java.dead {
		if assert.Equal(t, content(java.dead[i], traces), content(ours.dead[i], traces)) {
			message := "__connect.errors.exception.message"
			assert.True(t, strings.HasPrefix(headerOf(ours.dead[i], message), headerOf(java.dead[i], message)), "Java says %q, Sluice %q",
				headerOf(java.dead[i], message), headerOf(ours.dead[i], message))
		}
		assert.Equal(t, java.dead[i].Timestamp, ours.dead[i].Timestamp)
	}
}

// traces are the headers with texts of Java's exceptions.
var traces = []string{"__connect.errors.exception.message", "__connect.errors.exception.stacktrace"}

// content is a record without its time, headers as "name=value"; of those named in but the values are left out.
func content(m *sarama.ConsumerMessage, but []string) map[string]string {
	record := map[string]string{"key": fmt.Sprintf("%q null=%v", m.Key, m.Key == nil), "value": fmt.Sprintf("%q null=%v", m.Value, m.Value == nil)}
	for i, h := range m.Headers {
		value := fmt.Sprintf("%s=%q null=%v", h.Key, h.Value, h.Value == nil)
		for _, name := range but {
			if string(h.Key) == name {
				value = name
			}
		}
		record[fmt.Sprintf("header %d", i)] = value
	}
	return record
}

func headerOf(m *sarama.ConsumerMessage, name string) string {
	for _, h := range m.Headers {
		if string(h.Key) == name {
			return string(h.Value)
		}
	}
	return ""
}
