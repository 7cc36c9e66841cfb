//go:build linux

package ledger

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connectors/file"
	"github.com/sluice-connect/sluice/plugins"
)

// asPlugin and asRogue are the arguments that make the test's own program a plugin.
const (
	asPlugin = "plugin"
	asRogue  = "rogue"
)

// The program is a plugin before it is a test: Serve does not return.
func init() {
	if len(os.Args) < 2 || os.Args[1] != asPlugin && os.Args[1] != asRogue {
		return
	}
	as := os.Args[1]
	os.Args = append(os.Args[:1], os.Args[2:]...)
	if as == asRogue {
		serveRogue()
	}
	plugins.Serve(plugins.Plugin{
		Name: "ledger", Version: "1", Sources: []connect.SourceConnector{numbers{}, mischief{}}, Sinks: []connect.SinkConnector{wall{}},
	})
}

var (
	numbersTopic = connect.StringKey("topic", "Topic to write to.")
	numbersCount = connect.IntKey("count", "How many numbers each stream has.")
	numbersRate  = connect.IntKey("rate", "Numbers a second; 0 for as fast as they are taken.").Default(0)
)

// streams that a source of numbers has.
const streams = 3

// numbers is a source of streams that count from 0, as devices do; each number is a record, with its stream as key.
type numbers struct{}

func (numbers) Spec() connect.Spec {
	return connect.NewSpec("org.ledger.Numbers", "1", numbersTopic, numbersCount, numbersRate)
}

func (numbers) Open(ctx context.Context, rt connect.SourceContext) (connect.SourceTask, error) {
	t := &counting{topic: numbersTopic.Get(rt.Config()), count: int64(numbersCount.Get(rt.Config())), rate: numbersRate.Get(rt.Config())}
	for i := range streams {
		s := numberStream{name: streamName(i)}
		s.part = rt.Partition("stream", s.name)
		at, err := rt.Offset(ctx, s.part)
		if err != nil {
			return nil, fmt.Errorf("reading the offset of %s: %w", s.name, err)
		}
		s.next = at.Int64()
		t.streams = append(t.streams, s)
	}
	t.told = rt.Metrics().Counter("numbers", "Numbers that Kafka has taken.")
	return t, nil
}

func streamName(i int) string { return fmt.Sprintf("stream-%d", i) }

type numberStream struct {
	name string
	part *connect.Partition
	next int64
}

type counting struct {
	topic   string
	count   int64
	rate    int
	streams []numberStream
	told    *connect.Counter
}

func (t *counting) Poll(ctx context.Context, b *connect.Batch) error {
	most := 0
	if t.rate > 0 {
		most = max(1, t.rate/50)
		if err := connect.Idle(ctx, b, 20*time.Millisecond); err != nil || ctx.Err() != nil {
			return err
		}
	}
	for ended := false; !ended; {
		ended = true
		for i := range t.streams {
			s := &t.streams[i]
			if b.Full() || most > 0 && b.Len() >= most {
				return nil
			}
			if s.next < t.count {
				r := b.Next(t.topic, s.part, connect.At("next", s.next+1))
				r.SetKey(s.name)
				r.SetBytes(fmt.Appendf(nil, "%d of %s.", s.next, s.name))
				s.next++
				ended = false
			}
		}
	}
	return connect.Idle(ctx, b, 100*time.Millisecond)
}

func (t *counting) Ack(_ context.Context, done []connect.Receipt) error {
	t.told.Add(len(done))
	return nil
}

func (t *counting) Close(context.Context) error { return nil }

// wall is the sink that writes lines to a file.
type wall struct{ file.Sink }

func (w wall) Spec() connect.Spec {
	spec := w.Sink.Spec()
	spec.Class = "org.ledger.Wall"
	return spec
}

var (
	mischiefKind = connect.StringKey("kind", "What it does wrong.")
	mischiefFile = connect.StringKey("file", "Where the one that hangs says which process shall be stopped: it cannot do that itself.").Default("")
	mischiefPass = connect.PasswordKey("password", "A secret, which it tells whoever listens.").Default("")
	mischiefNote = connect.StringKey("note", "Another.").Default("")
)

// mischief is a source that harms whoever lets it: it crashes, or it hangs.
type mischief struct{}

func (mischief) Spec() connect.Spec { return mischiefSpec("org.ledger.Mischief") }

func mischiefSpec(class string) connect.Spec {
	return connect.NewSpec(class, "1", numbersTopic, mischiefKind, mischiefFile, mischiefPass, mischiefNote)
}

func (mischief) Open(_ context.Context, rt connect.SourceContext) (connect.SourceTask, error) {
	return &harming{config: rt.Config(), topic: numbersTopic.Get(rt.Config()), part: rt.Partition("of", "mischief")}, nil
}

type harming struct {
	config connect.Config
	topic  string
	part   *connect.Partition
	polls  int64
}

func (t *harming) Poll(_ context.Context, b *connect.Batch) error {
	if t.polls++; t.polls < 3 {
		b.Next(t.topic, t.part, connect.At("n", t.polls)).SetString("so far so good")
		return nil
	}
	if mischiefKind.Get(t.config) == "crash" {
		fmt.Fprintln(os.Stderr, "the last words of the mischief:", mischiefPass.Get(t.config), mischiefNote.Get(t.config))
		os.Exit(3)
	}
	outside, err := os.Readlink("/proc/self") // here its number is another
	if err == nil {
		err = os.WriteFile(mischiefFile.Get(t.config), []byte(outside+"\n"), 0o600)
	}
	if err != nil {
		return err
	}
	select {}
}

func (t *harming) Close(context.Context) error { return nil }
