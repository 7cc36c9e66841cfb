package crew

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/ledger"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// Flow is numbered lines on their way: files -> file sources -> topics, and, where there is a sink, on to copies of these topics.
type Flow struct {
	t       *testing.T
	kafka   string
	prefix  string
	streams []string
	files   map[string]string // by stream
	in, out *bank
	pen     *pen
}

// bank is one end of a flow: a topic for each stream.
type bank struct {
	ledger  *ledger.Ledger
	readers []*ledger.Reader
	last    map[string]time.Time // by topic: the broker's time of its last record
	silence map[string]time.Duration
}

// NewFlow creates the topics of so many streams, and lets the lines begin to be written.
func NewFlow(t *testing.T, kafka, prefix string, streams int, replicas int) *Flow {
	t.Helper()
	f := &Flow{t: t, kafka: kafka, prefix: prefix, files: map[string]string{}, in: newBank(), out: newBank()}
	dir := t.TempDir()
	for i := range streams {
		stream := fmt.Sprintf("s%d", i)
		f.streams = append(f.streams, stream)
		f.files[stream] = filepath.Join(dir, stream)
		for b, topic := range map[*bank]string{f.in: f.Topic(stream), f.out: f.Copy(stream)} {
			testbed.CreateReplicatedTopic(t, kafka, topic, 1, replicas, map[string]string{"message.timestamp.type": "LogAppendTime"})
			b.readers = append(b.readers, ledger.NewReader(kafka, topic))
		}
	}
	var err error
	f.pen, err = write(f.files, f.in.ledger, f.out.ledger)
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.pen.lift() })
	return f
}

func newBank() *bank {
	return &bank{ledger: ledger.New(), last: map[string]time.Time{}, silence: map[string]time.Duration{}}
}

// Topic is where a stream's source writes to.
func (f *Flow) Topic(stream string) string { return f.prefix + stream }

// Copy is where the sink writes a stream to.
func (f *Flow) Copy(stream string) string { return "copy-" + f.prefix + stream }

// Source is the configuration of the file source of a stream, by Java's class name. Its batches are larger than what piles up while a connector is paused:
// what is left of a file when a batch is full, Java's task keeps to itself until the file grows (FileStreamSourceTask.poll).
func (f *Flow) Source(stream string) map[string]string {
	return map[string]string{
		"connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "tasks.max": "1",
		"file": f.files[stream], "topic": f.Topic(stream), "batch.size": "100000",
	}
}

// Sink is the configuration of the sink that copies all streams.
func (f *Flow) Sink(tasks int) map[string]string {
	topics := make([]string, 0, len(f.streams))
	for _, s := range f.streams {
		topics = append(topics, f.Topic(s))
	}
	return map[string]string{
		"connector.class": "io.sluice.connect.kafka.KafkaSinkConnector", "tasks.max": strconv.Itoa(tasks),
		"topics": strings.Join(topics, ","), "target.bootstrap.servers": f.kafka, "topic.format": "copy-${topic}",
		"value.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
	}
}

// read brings a bank up to what its topics hold now.
func (b *bank) read(ctx context.Context) error {
	for _, r := range b.readers {
		if _, err := r.CatchUp(ctx, b.take); err != nil {
			return err
		}
	}
	return nil
}

func (b *bank) take(m *sarama.ConsumerMessage) error {
	if last, ok := b.last[m.Topic]; ok {
		b.silence[m.Topic] = max(b.silence[m.Topic], m.Timestamp.Sub(last))
	}
	b.last[m.Topic] = m.Timestamp
	stream, digits, _ := strings.Cut(string(m.Value), " ")
	number, err := strconv.Atoi(digits)
	if err != nil {
		return fmt.Errorf("reading the number of a line: %w", err)
	}
	return b.ledger.Arrive(stream, number)
}

// longest is the longest silence of any of the topics.
func (b *bank) longest() (longest time.Duration) {
	for _, d := range b.silence {
		longest = max(longest, d)
	}
	return longest
}

// AwaitFlow waits until so many more lines of each stream have come, at the end that a sink writes to where copied is true.
func (f *Flow) AwaitFlow(lines int, copied bool) {
	f.t.Helper()
	for i, r := range f.bank(copied).readers {
		f.awaitLines(r, f.streams[i], lines)
	}
}

// awaitOne waits until so many more lines of one stream have come to its topic.
func (f *Flow) awaitOne(stream string, lines int) {
	f.t.Helper()
	f.awaitLines(f.in.readers[slices.Index(f.streams, stream)], stream, lines)
}

func (f *Flow) awaitLines(r *ledger.Reader, stream string, lines int) {
	f.t.Helper()
	before := int64(-1) // not known yet: Kafka may just have no leader
	testbed.Await(f.t, time.Minute, fmt.Sprintf("%d more lines of %s", lines, stream), func(context.Context) error {
		now, err := r.Records()
		if err != nil {
			return err
		}
		if before < 0 {
			before = now
		}
		if now < before+int64(lines) {
			return fmt.Errorf("%d have come", now-before)
		}
		return nil
	})
}

func (f *Flow) bank(copied bool) *bank {
	if copied {
		return f.out
	}
	return f.in
}

// awaitPrinted waits until a file that a sink writes has every line of a stream.
func (f *Flow) awaitPrinted(stream, path string) {
	f.t.Helper()
	written, err := os.ReadFile(f.files[stream])
	require.NoError(f.t, err)
	testbed.Await(f.t, time.Minute, "every line of "+stream+" in the sink's file", func(context.Context) error {
		printed, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		have := map[string]bool{}
		for line := range strings.Lines(string(printed)) {
			have[line] = true
		}
		missing := 0
		for line := range strings.Lines(string(written)) {
			if !have[line] {
				missing++
			}
		}
		if missing > 0 {
			return fmt.Errorf("%d lines are missing", missing)
		}
		return nil
	})
}

// Quiet begins to measure silences anew, after all that has come so far.
func (f *Flow) Quiet() {
	f.t.Helper()
	for _, b := range []*bank{f.in, f.out} {
		require.NoError(f.t, b.read(f.t.Context()))
		clear(b.silence)
	}
}

// Silences are the longest ones since Quiet.
func (f *Flow) Silences(copied bool) time.Duration {
	f.t.Helper()
	b := f.bank(copied)
	require.NoError(f.t, b.read(f.t.Context()))
	return b.longest()
}

// Settle ends the writing, waits until every line has come, and judges.
func (f *Flow) Settle(copied bool) ledger.Verdict {
	f.t.Helper()
	require.NoError(f.t, f.pen.lift())
	b := f.bank(copied)
	testbed.Await(f.t, 90*time.Second, "every line", func(ctx context.Context) error {
		if err := b.read(ctx); err != nil {
			return err
		}
		return b.ledger.Judge().Incomplete()
	})
	v := b.ledger.Judge()
	require.NoError(f.t, v.Err())
	return v
}

// twice is how many lines have come more than once so far.
func (f *Flow) twice(copied bool) int {
	f.t.Helper()
	b := f.bank(copied)
	require.NoError(f.t, b.read(f.t.Context()))
	return b.ledger.Judge().Duplicates
}
