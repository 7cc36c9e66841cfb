package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/sluice-connect/sluice/connect"
)

// The keys of the scripted connectors: how they behave, and a file that says what they did.
var (
	howKey   = connect.StringKey("how", "What the connector does.").Default("").Must(notBad)
	notesKey = connect.StringKey("notes", "The file for notes.").Default("").Recommend(notesAdvice{})
	listKey  = connect.ListKey("list", "One of a, b.").Default(nil).Must(connect.EachOneOf("a", "b"))
	passKey  = connect.PasswordKey("pass", "A secret.").Default("")
)

func notBad(v connect.Value) error {
	switch v.Str() {
	case "bad":
		return errors.New("this is bad: say how")
	case "verbatim":
		return connect.Verbatim("Nothing of the kind.")
	case "panic-check":
		panic("in the check")
	}
	return nil
}

type notesAdvice struct{}

func (notesAdvice) Values(_ string, cfg connect.Config) []string { return []string{"/" + cfg["how"]} }
func (notesAdvice) Visible(_ string, cfg connect.Config) bool    { return cfg["how"] != "hidden" }

// scriptedSource does what its configuration says.
type scriptedSource struct{}

func (scriptedSource) Spec() connect.Spec {
	return connect.NewSpec("test.ScriptedSource", "9", howKey, notesKey, listKey, passKey)
}

func (scriptedSource) Split(_ context.Context, cfg connect.Config, most int) (configs []connect.Config, err error) {
	switch cfg["how"] {
	case "split-retry":
		return nil, connect.Retry(errors.New("the system is busy"), 3*time.Second)
	case "split-panic":
		panic("in Split")
	case "split-wide":
		most += 2
	}
	for i := range most {
		configs = append(configs, connect.Config{"part": fmt.Sprint(i)})
	}
	return configs, nil
}

func (scriptedSource) Validate(_ context.Context, cfg connect.Config) []connect.Problem {
	return []connect.Problem{{Key: "how", Message: "you said " + cfg["how"], Warning: true}}
}

func (scriptedSource) Watch(ctx context.Context, cfg connect.Config, split func()) error {
	split()
	split()
	if cfg["how"] == "watch-fails" {
		return errors.New("the view is bad")
	}
	<-ctx.Done()
	return nil
}

func (scriptedSource) ExactlyOnce(cfg connect.Config) bool         { return cfg["how"] == "exact" }
func (scriptedSource) DefinesTransactions(cfg connect.Config) bool { return cfg["how"] == "defines" }

func (scriptedSource) AlterOffsets(_ context.Context, _ connect.Config, offsets []connect.SourceOffset) error {
	for _, o := range offsets {
		switch {
		case o.Partition == nil:
			return errors.ErrUnsupported
		case o.Offset.IsZero():
			return fmt.Errorf("%s must not be forgotten", o.Partition)
		}
	}
	return nil
}

func (scriptedSource) Open(ctx context.Context, rt connect.SourceContext) (connect.SourceTask, error) {
	how := rt.Config()["how"]
	switch how {
	case "open-fails":
		return nil, &connect.ConfigError{Key: "notes", Reason: "there is no such folder"}
	case "open-retry":
		return nil, connect.Retry(errors.New("not yet"), 2*time.Second)
	case "open-panic":
		panic("in Open")
	case "open-hangs":
		select {}
	}
	s := &scripted{rt: rt, how: how, part: rt.Partition("stream", "one")}
	at, err := rt.Offset(ctx, s.part)
	if err != nil {
		return nil, err
	}
	s.next = at.Int64() + 1
	return s, nil
}

type scripted struct {
	rt    connect.SourceContext
	how   string
	part  *connect.Partition
	next  int64
	polls int
	mu    sync.Mutex
	acks  int64
}

func (s *scripted) Poll(ctx context.Context, b *connect.Batch) error {
	s.polls++
	switch s.how {
	case "poll-panics":
		panic("in Poll")
	case "poll-hangs":
		select {}
	case "dies":
		go panic("nobody catches this")
		<-ctx.Done()
		return nil
	case "exits":
		fmt.Fprintln(os.Stderr, "my last words")
		os.Exit(7)
	case "fails-elsewhere":
		s.rt.Fail(errors.New("the session is lost"))
		<-ctx.Done()
		return nil
	case "waits":
		s.rt.Waiting(errors.New("the sensor sleeps"), time.Now().Add(time.Minute))
		if s.polls > 1 {
			s.rt.Healthy()
		}
		return connect.Idle(ctx, b, 50*time.Millisecond)
	case "floods-log":
		for i := range 10_000 {
			s.rt.Log().Info("line", "i", i)
			s.rt.Log().Debug("detail", "i", i)
		}
		return connect.Idle(ctx, b, 1200*time.Millisecond)
	case "talks":
		s.rt.Log().With("sensor", "s1").WithGroup("at").Warn("it is hot", "degrees", 41)
		fmt.Println("printed by hand")
		s.rt.Metrics().Counter("seen", "How many.").Add(5)
		s.rt.Metrics().Gauge("heat", "How hot.").Set(41.5)
		return connect.Idle(ctx, b, 100*time.Millisecond)
	case "retries":
		if s.polls%3 != 0 {
			s.add(b, 1)
			return connect.Retry(fmt.Errorf("poll %d is early", s.polls), time.Millisecond)
		}
	case "poll-fails":
		s.add(b, 2)
		return errors.New("the cable is cut")
	case "slow":
		s.add(b, 10)
		return connect.Idle(ctx, b, time.Second)
	case "empty":
		return connect.Idle(ctx, b, 10*time.Millisecond)
	}
	for !b.Full() {
		s.add(b, 1)
	}
	return nil
}

func (s *scripted) add(b *connect.Batch, n int) {
	for range n {
		r := b.Next("topic", s.part, connect.At("n", s.next))
		r.SetString(fmt.Sprint("record ", s.next))
		r.Tag = uint64(s.next)
		s.next++
	}
}

// Ack checks the order of what it is told.
func (s *scripted) Ack(_ context.Context, done []connect.Receipt) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.how {
	case "ack-panics":
		panic("in Ack")
	case "ack-fails":
		return errors.New("the broker is deaf")
	case "ack-hangs":
		select {}
	}
	for _, r := range done {
		if s.acks == 0 {
			s.acks = int64(r.Tag) - 1
		}
		if s.acks++; int64(r.Tag) != s.acks || r.Offset.Int64() != s.acks || r.Source != s.part {
			return fmt.Errorf("out of order: %d at %s, want %d", r.Tag, r.Offset, s.acks)
		}
	}
	s.rt.Metrics().Gauge("acked", "The last that was.").Set(float64(s.acks))
	return nil
}

func (s *scripted) Close(context.Context) error {
	switch s.how {
	case "close-hangs":
		select {}
	case "close-fails":
		return errors.New("the door jams")
	case "close-panics":
		panic("in Close")
	}
	return nil
}

// scriptedSink does what its configuration says.
type scriptedSink struct{}

func (scriptedSink) Spec() connect.Spec {
	return connect.NewSpec("test.ScriptedSink", "9", howKey, notesKey)
}

func (scriptedSink) AlterOffsets(_ context.Context, _ connect.Config, offsets connect.Offsets) error {
	for tp, at := range offsets {
		if at == connect.NoOffset {
			return fmt.Errorf("%s-%d stays", tp.Topic, tp.Partition)
		}
	}
	return nil
}

func (scriptedSink) Open(_ context.Context, rt connect.SinkContext) (connect.SinkTask, error) {
	f, err := os.OpenFile(rt.Config()["notes"], os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	s := &scriptedPuts{rt: rt, how: rt.Config()["how"], notes: f}
	if s.how == "plain" {
		return plainPuts{s}, nil
	}
	return s, nil
}

// plainPuts has no optional ability.
type plainPuts struct{ puts *scriptedPuts }

func (p plainPuts) Put(ctx context.Context, records []connect.SinkRecord) error {
	return p.puts.Put(ctx, records)
}
func (p plainPuts) Close(ctx context.Context) error { return p.puts.Close(ctx) }

type scriptedPuts struct {
	rt    connect.SinkContext
	how   string
	notes io.WriteCloser
	puts  int
	kept  []connect.SinkRecord
	next  int64
}

func (s *scriptedPuts) Put(ctx context.Context, records []connect.SinkRecord) error {
	s.puts++
	switch s.how {
	case "put-panics":
		panic("in Put")
	case "put-hangs":
		select {}
	case "put-waits":
		<-ctx.Done()
		return ctx.Err()
	case "put-fails":
		if s.puts == 3 {
			return errors.New("the disk is full")
		}
	case "exits":
		fmt.Fprintln(os.Stderr, "my last words")
		os.Exit(7)
	case "retries":
		if s.puts%4 != 1 {
			break
		}
		return connect.Retry(fmt.Errorf("put %d is early", s.puts), 20*time.Millisecond)
	case "away":
		if _, err := os.Stat(s.rt.Config()["notes"] + ".away"); err == nil {
			return connect.Retry(errors.New("the system is away"), 10*time.Millisecond)
		}
	case "refuses":
		refused := &connect.BatchError{Failed: map[int]error{}}
		for i := range records {
			if strings.HasSuffix(records[i].Value.Str(), "3") {
				refused.Failed[i] = fmt.Errorf("%w: a three", connect.ErrData)
			}
		}
		return refused
	case "reports":
		if s.kept != nil { // of the Put before this one
			if err := s.rt.Report(ctx, &s.kept[0], errors.New("too late")); err != nil {
				return err
			}
		}
		if err := s.rt.Report(ctx, &records[len(records)-1], errors.New("the last one")); err != nil {
			return err
		}
		s.kept = records
	case "controls":
		tp := connect.TopicPartition{Topic: "t", Partition: 0}
		s.rt.Pause(tp, connect.TopicPartition{Topic: "t", Partition: 1})
		s.rt.Resume(tp)
		s.rt.RequestCommit()
	}
	for i := range records {
		fmt.Fprintf(s.notes, "%d %s\n", records[i].Offset, records[i].Value.Str())
		s.next = records[i].Offset + 1
	}
	return nil
}

func (s *scriptedPuts) PreCommit(_ context.Context, put connect.Offsets) (connect.Offsets, error) {
	switch s.how {
	case "commit-fails":
		return nil, errors.New("the log is torn")
	case "commit-half":
		for tp := range put {
			put[tp] /= 2
		}
	}
	return put, nil
}

func (s *scriptedPuts) Assigned(_ context.Context, tps []connect.TopicPartition) error {
	fmt.Fprintf(s.notes, "assigned %v\n", tps)
	if s.how == "rewinds" {
		s.rt.Rewind(connect.Offsets{tps[0]: 42})
	}
	return nil
}

func (s *scriptedPuts) Revoked(_ context.Context, tps []connect.TopicPartition) error {
	fmt.Fprintf(s.notes, "revoked %v\n", tps)
	if s.how == "revoke-fails" {
		return errors.New("I keep it")
	}
	return nil
}

func (s *scriptedPuts) Close(context.Context) error {
	if s.how == "close-hangs" {
		select {}
	}
	return s.notes.Close()
}
