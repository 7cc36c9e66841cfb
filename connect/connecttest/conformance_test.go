package connecttest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

// book is a system in memory: pages that are written and read.
type book struct {
	mu    sync.Mutex
	pages []string
	more  chan struct{} // has room for one
}

var booksKept = struct {
	sync.Mutex
	by map[string]*book
}{by: map[string]*book{}}

// openBook makes a book, and a name by which a configuration finds it.
func openBook(t testing.TB, cfg connect.Config) *book {
	booksKept.Lock()
	defer booksKept.Unlock()
	cfg["book"] = fmt.Sprintf("%s-%d", t.Name(), len(booksKept.by))
	b := &book{more: make(chan struct{}, 1)}
	booksKept.by[cfg["book"]] = b
	return b
}

func bookOf(cfg connect.Config) *book {
	booksKept.Lock()
	defer booksKept.Unlock()
	return booksKept.by[cfg["book"]]
}

func (b *book) write(texts ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pages = append(b.pages, texts...)
	select {
	case b.more <- struct{}{}:
	default:
	}
}

func (b *book) read() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.pages)
}

// library is a source and a sink of books. Its faults are what the suite must find.
type library struct {
	fault string
	calls *int // of Spec
}

func (l library) is(fault string) bool { return l.fault == fault }

var (
	bookKey = connect.StringKey("book", "Book to read or write.")
	ageKey  = connect.IntKey("age", "Age of the reader in years.").Default(30).Must(connect.Between(0, 150))
)

func (l library) Spec() connect.Spec {
	if l.is("another version each time") {
		*l.calls++
		return connect.NewSpec("library", fmt.Sprint(*l.calls), bookKey, ageKey)
	}
	return connect.NewSpec("library", "1", bookKey, ageKey)
}

func (l library) Validate(ctx context.Context, cfg connect.Config) []connect.Problem {
	switch {
	case l.is("a check that panics"):
		panic("no such shelf")
	case l.is("a check that hangs"):
		select {}
	case cfg["shelf"] == "burnt" && !l.is("a check that is forgotten"):
		return []connect.Problem{{Key: "shelf", Message: "there is no such shelf: name another"}}
	}
	return nil
}

type bookSource struct{ library }

func (s bookSource) ExactlyOnce(connect.Config) bool { return true }

func (s bookSource) Open(ctx context.Context, rt connect.SourceContext) (connect.SourceTask, error) {
	if ctx.Err() != nil && s.is("an open that hangs") {
		select {}
	}
	part := rt.Partition("book", rt.Config()["book"])
	at, err := rt.Offset(ctx, part)
	if err != nil && ctx.Err() == nil {
		return nil, err
	}
	next := at.Int64()
	if s.is("offsets that are not read") {
		next = 0
	}
	if s.is("a goroutine that stays") {
		go func() { select {} }()
	}
	return &bookReader{library: s.library, book: bookOf(rt.Config()), part: part, next: next}, nil
}

type bookReader struct {
	library
	book *book
	part *connect.Partition
	next int64
}

func (r *bookReader) Poll(ctx context.Context, b *connect.Batch) error {
	for {
		pages := r.book.read()
		for ; r.next < int64(len(pages)) && (!b.Full() || r.is("batches without an end")); r.next++ {
			at := connect.At("page", r.next+1)
			if r.is("pages that are left out") && r.next == 3 {
				continue
			}
			if r.is("offsets that are ahead") {
				at = connect.At("page", int64(len(pages)))
			}
			b.Next("pages", r.part, at).SetString(pages[r.next])
			if r.is("pages that come twice") && r.next == 3 {
				b.Next("pages", r.part, at).SetString(pages[r.next])
			}
		}
		if b.Len() > 0 {
			if r.is("the newest page first") {
				records := b.Records()
				for i := range len(records) / 2 {
					records[i].Record, records[len(records)-1-i].Record = records[len(records)-1-i].Record, records[i].Record
				}
			}
			return nil
		}
		if r.is("a poll that does not end") {
			<-r.book.more
			continue
		}
		select {
		case <-r.book.more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (r *bookReader) Ack(context.Context, []connect.Receipt) error {
	if r.is("acknowledgements that wait for more") {
		<-r.book.more
	}
	return nil
}

func (r *bookReader) Close(context.Context) error { return nil }

func readers(t testing.TB, cfg connect.Config) SourceWorld {
	b := openBook(t, cfg)
	return SourceWorld{
		Feed: func(n int) (texts []string) {
			from := len(b.read())
			for i := range n {
				texts = append(texts, fmt.Sprintf("%s, page %d", cfg["book"], from+i+1))
			}
			b.write(texts...)
			return texts
		},
		BadConfigs: map[string]connect.Config{"age": {"age": "-1"}, "shelf": {"shelf": "burnt"}},
	}
}

func TestAGoodSourceKeepsItsPromises(t *testing.T) {
	RunSource(t, bookSource{}, nil, readers)
}

func TestTheSuiteFindsWhatIsWrongWithASource(t *testing.T) {
	for _, c := range []struct{ fault, promise, says string }{
		{"another version each time", "it describes itself", "does not return the same"},
		{"a check that panics", "it refuses bad configurations by the key", "no such shelf"},
		{"a check that hangs", "its validation ends with its context", "did not return within"},
		{"a check that is forgotten", "it refuses bad configurations by the key", "want it refused for shelf"},
		{"pages that are left out", "it brings each record once and in order", "want 1 more records"},
		{"pages that come twice", "it brings each record once and in order", "came twice"},
		{"the newest page first", "it brings each record once and in order", "came after"},
		{"offsets that are not read", "it goes on after a restart", "came, and want"},
		{"offsets that are ahead", "a kill loses nothing", "want 4 more records"},
		{"acknowledgements that wait for more", "it takes acknowledgements of all kinds while it waits for more", "Ack is under way"},
		{"batches without an end", "a batch that is full ends the poll", "ask Batch.Full"},
		{"a poll that does not end", "a pause ends the poll, and nothing is lost", "Poll is under way"},
		{"an open that hangs", "it can be opened after an Open whose context had ended", "did not return within"},
		{"a goroutine that stays", "it leaves nothing behind", "after 10 lives of the task there are"},
	} {
		t.Run(c.fault, func(t *testing.T) {
			source, held := bookSource{library{fault: c.fault, calls: new(int)}}, false
			said := verdict(t, func(t testing.TB) {
				for _, promise := range sourcePromises {
					if promise.name == c.promise {
						held = true
						promise.hold(newSourceTrial(t, source, nil, readers, []Option{Patience(300 * time.Millisecond)}))
					}
				}
			})
			require.True(t, held)
			assert.Contains(t, said, c.says)
		})
	}
}

type bookSink struct{ library }

func (s bookSink) Open(_ context.Context, rt connect.SinkContext) (connect.SinkTask, error) {
	return &bookWriter{library: s.library, book: bookOf(rt.Config())}, nil
}

// bookWriter has what it was put in memory until PreCommit.
type bookWriter struct {
	library
	book *book
	held []connect.SinkRecord
}

func (w *bookWriter) Put(_ context.Context, records []connect.SinkRecord) error {
	if w.is("the first page torn out") && records[0].Offset == 0 {
		records = records[1:]
	}
	w.held = append(w.held, records...)
	return nil
}

func (w *bookWriter) PreCommit(_ context.Context, put connect.Offsets) (connect.Offsets, error) {
	if w.is("a commit before it is written") {
		return put, nil
	}
	for i := range w.held {
		w.book.write(w.held[i].Value.Str())
	}
	w.held = nil
	if w.is("no commit ever") {
		return nil, nil
	}
	return put, nil
}

func (w *bookWriter) Revoked(context.Context, []connect.TopicPartition) error {
	if w.is("a panic at the revocation") {
		panic("torn")
	}
	return nil
}

func (w *bookWriter) Assigned(context.Context, []connect.TopicPartition) error { return nil }

func (w *bookWriter) Close(ctx context.Context) error {
	if w.is("a close that hangs") {
		select {}
	}
	return nil
}

func writers(t testing.TB, cfg connect.Config) SinkWorld {
	return SinkWorld{Read: openBook(t, cfg).read, BadConfigs: map[string]connect.Config{"age": {"age": "-1"}, "shelf": {"shelf": "burnt"}}}
}

func TestAGoodSinkKeepsItsPromises(t *testing.T) { RunSink(t, bookSink{}, nil, writers) }

func TestTheSuiteFindsWhatIsWrongWithASink(t *testing.T) {
	for _, c := range []struct{ fault, promise, says string }{
		{"the first page torn out", "what it commits is at the system", "records are not at the system"},
		{"a commit before it is written", "what it commits is there after a kill", "100 of 100 records are not at the system"},
		{"no commit ever", "many batches arrive", "is committed up to 0, and was put up to 1000"},
		{"a panic at the revocation", "it gives partitions away and takes them back", "panic in Revoked"},
		{"a close that hangs", "it starts and stops with nothing to write", "in: Close"},
	} {
		t.Run(c.fault, func(t *testing.T) {
			sink, held := bookSink{library{fault: c.fault, calls: new(int)}}, false
			said := verdict(t, func(t testing.TB) {
				for _, promise := range sinkPromises {
					if promise.name == c.promise {
						held = true
						promise.hold(newSinkTrial(t, sink, nil, writers, []Option{Patience(300 * time.Millisecond)}))
					}
				}
			})
			require.True(t, held)
			assert.Contains(t, said, c.says)
		})
	}
}
