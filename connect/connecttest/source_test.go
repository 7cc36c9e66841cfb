package connecttest

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

func texts(records []connect.SourceRecord) (texts []string) {
	for _, r := range records {
		texts = append(texts, r.Value.Str())
	}
	return texts
}

func TestRecordsAreTakenInTheOrderOfPoll(t *testing.T) {
	src := StartSource(t, counting(3), nil)
	assert.Equal(t, []string{"1", "2"}, texts(src.Take(2)))
	assert.Equal(t, []string{"3", "4", "5"}, texts(src.Take(3)))
}

func TestARestartResumesFromTheStoredOffset(t *testing.T) {
	src := StartSource(t, counting(2), nil, Window(2))
	src.Take(2)
	src.Restart()
	assert.Equal(t, []string{"3", "4"}, texts(src.Take(2)))
	src.Stop()
	assert.GreaterOrEqual(t, src.Offset("of", "numbers").Int64(), int64(4))
}

func TestARestartFindsWhatAnEarlierLifeLeft(t *testing.T) {
	src := StartSource(t, counting(1), nil, Stored(connect.At("n", 41), "of", "numbers"))
	assert.Equal(t, []string{"42"}, texts(src.Take(1)))
}

func TestAKillBringsUnacknowledgedRecordsAgain(t *testing.T) {
	src := StartSource(t, counting(2), nil, HoldAcks())
	assert.Equal(t, []string{"1", "2", "3", "4"}, texts(src.Take(4)))
	src.Ack(3)
	assert.Equal(t, int64(3), src.Offset("of", "numbers").Int64())
	src.Kill()
	assert.Equal(t, []string{"4", "5"}, texts(src.Take(2)))
}

func TestReceiptsComeInOrderWithTheTagAndTheOutcome(t *testing.T) {
	told := make(chan connect.Receipt, 100)
	c := counting(4)
	c.ack = func(done []connect.Receipt) error {
		for _, r := range done {
			told <- r
		}
		return nil
	}
	src := StartSource(t, c, nil, HoldAcks(), Window(4))
	src.Ack(1)
	src.AckAs(connect.Filtered, 1)
	first, second := <-told, <-told
	assert.Equal(t, []uint64{1, 2}, []uint64{first.Tag, second.Tag})
	assert.Equal(t, connect.Produced, first.Outcome)
	assert.Equal(t, int64(0), first.KafkaOffset)
	assert.Equal(t, connect.Filtered, second.Outcome)
	assert.Equal(t, int64(-1), second.KafkaOffset)
	src.Release()
	assert.Equal(t, uint64(3), (<-told).Tag)
}

func TestAckIsCalledBesideAPollThatWaits(t *testing.T) {
	acked := make(chan struct{})
	sent := false
	src := StartSource(t, &scripted{
		poll: func(ctx context.Context, b *connect.Batch) error {
			if sent {
				select { // like a full receive window: nothing arrives before the acknowledgement
				case <-acked:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			sent = true
			b.Next("t", nil, connect.Offset{}).SetString("x")
			return nil
		},
		ack: func([]connect.Receipt) error {
			select {
			case <-acked:
			default:
				close(acked)
			}
			return nil
		},
	}, nil, Window(5))
	src.Take(2)
}

func TestTheWindowHoldsPollBack(t *testing.T) {
	src := StartSource(t, counting(1), nil, HoldAcks(), Window(3))
	src.Take(3)
	assert.Equal(t, 3, src.InFlight())
	assert.Equal(t, 3, src.Polls())
	src.Ack(1)
	assert.Equal(t, []string{"4"}, texts(src.Take(1)))
}

func TestARetryIsRepeatedAndSeenAsWaiting(t *testing.T) {
	refused := errors.New("connection refused")
	up := make(chan struct{})
	src := StartSource(t, &scripted{
		open: func(connect.SourceContext) error {
			select {
			case <-up:
				return nil
			default:
				return connect.Retry(refused, time.Hour)
			}
		},
		poll: func(ctx context.Context, b *connect.Batch) error { return connect.Idle(ctx, b, time.Millisecond) },
	}, nil)
	require.ErrorIs(t, src.AwaitWaiting(), refused)
	close(up)
	src.AwaitHealthy()
	assert.Empty(t, src.TakeAll())
}

func TestAnExpectedFailureIsNotTheTests(t *testing.T) {
	broken := errors.New("broken")
	src := StartSource(t, &scripted{poll: func(_ context.Context, b *connect.Batch) error {
		b.Next("t", nil, connect.Offset{}).SetString("last words")
		return broken
	}}, nil)
	require.ErrorIs(t, src.AwaitFailed(), broken)
	assert.Equal(t, []string{"last words"}, texts(src.Take(1)), "what Poll added counts beside its error")
}

func TestARejectedRecordFollowsErrorsTolerance(t *testing.T) {
	bad := errors.New("bad bytes")
	once := func() *scripted {
		sent := false
		return &scripted{poll: func(ctx context.Context, b *connect.Batch) error {
			if !sent {
				sent = true
				b.Next("t", nil, connect.Offset{}).Reject(bad)
				return nil
			}
			return connect.Idle(ctx, b, time.Millisecond)
		}}
	}
	require.ErrorIs(t, StartSource(t, once(), nil).AwaitFailed(), bad)
	src := StartSource(t, once(), connect.Config{"errors.tolerance": "all"})
	require.ErrorIs(t, src.Take(1)[0].Rejected(), bad)
}

func TestMistakesOfAnAuthorFailTheTestInWords(t *testing.T) {
	buffer := make([]byte, 4)
	polls := byte('0')
	tests := map[string]struct {
		poll func(ctx context.Context, b *connect.Batch) error
		want string
	}{
		"a panic": {
			func(context.Context, *connect.Batch) error { panic("nil map") },
			"panic in Poll: nil map",
		},
		"nothing comes": {
			func(ctx context.Context, b *connect.Batch) error { <-ctx.Done(); return nil },
			"want a record: not within 50ms; Poll is under way for",
		},
		"a call that outlives its context": {
			func(ctx context.Context, b *connect.Batch) error { <-t.Context().Done(); return nil },
			"the task did not end within 50ms after its context did; in: Poll",
		},
		"a buffer reused": {
			func(ctx context.Context, b *connect.Batch) error {
				polls++
				buffer[0] = polls
				b.Next("t", nil, connect.Offset{}).SetBytes(buffer[:1])
				return nil
			},
			"a record changed after Poll had returned it",
		},
		"a schema a record": {
			func(ctx context.Context, b *connect.Batch) error {
				for range 10 {
					b.Next("t", nil, connect.Offset{}).SetStruct(connect.NewStruct(connect.StructSchema("s", connect.F("a", connect.OptionalStringSchema))).Set("a", connect.String("x")))
				}
				return nil
			},
			"the value schema of topic t is built anew for each record",
		},
		"a value that does not fit": {
			func(ctx context.Context, b *connect.Batch) error {
				r := b.Next("t", nil, connect.Offset{})
				r.Value, r.ValueSchema = connect.Int64(1), connect.StringSchema
				return nil
			},
			"value is int64, and its schema wants string",
		},
		"no topic": {
			func(ctx context.Context, b *connect.Batch) error {
				b.Next("", nil, connect.Offset{}).SetString("x")
				return nil
			},
			"a record has no topic",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			said := verdict(t, func(tb testing.TB) {
				StartSource(tb, &scripted{poll: test.poll}, nil, Patience(50*time.Millisecond)).Take(1000)
			})
			if name == "nothing comes" {
				said = verdict(t, func(tb testing.TB) {
					StartSource(tb, &scripted{poll: test.poll}, nil, Patience(50*time.Millisecond)).Take(1)
				})
			}
			assert.Contains(t, said, test.want)
		})
	}
}

func TestAFailureThatNobodyAskedForFailsTheTestAtItsEnd(t *testing.T) {
	said := verdict(t, func(tb testing.TB) {
		src := StartSource(tb, &scripted{poll: func(context.Context, *connect.Batch) error { return errors.New("broken") }}, nil)
		src.await(time.Second, nil, func() bool { return src.failure != nil })
	})
	assert.Equal(t, "connecttest: the task failed: broken", said)
}

func TestAReceiptSliceThatIsKeptIsEmptied(t *testing.T) {
	var kept []connect.Receipt
	c := counting(1)
	c.ack = func(done []connect.Receipt) error { kept = done; return nil }
	src := StartSource(t, c, nil, HoldAcks(), Window(1))
	src.Ack(1)
	src.Stop()
	assert.Zero(t, kept[0].Tag)
}

func TestASourceRunsInABubbleOfItsOwnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		src := StartSource(t, &scripted{poll: func(ctx context.Context, b *connect.Batch) error {
			if time.Since(began) > time.Hour {
				b.Next("t", nil, connect.Offset{}).SetString("late")
				return nil
			}
			return connect.Idle(ctx, b, time.Minute)
		}}, nil, Patience(2*time.Hour))
		assert.Equal(t, []string{"late"}, texts(src.Take(1)))
	})
}

func TestATasksOwnMetricsCanBeRead(t *testing.T) {
	counting := counting(1)
	open := counting.open
	counting.open = func(rt connect.SourceContext) error {
		rt.Metrics().Counter("opened", "Opens of this life.").Add(1)
		return open(rt)
	}
	src := StartSource(t, counting, nil)
	src.AwaitHealthy()
	assert.EqualValues(t, 1, src.Metric("opened"))
	src.Restart()
	src.AwaitHealthy()
	assert.EqualValues(t, 1, src.Metric("opened"), "a new life counts anew")

	src.Stop()
	assert.Contains(t, verdict(t, func(t testing.TB) {
		counting.open = func(rt connect.SourceContext) error {
			rt.Metrics().Gauge("Not Valid", "")
			return open(rt)
		}
		StartSource(t, counting, nil).AwaitHealthy()
	}), `"Not Valid"`)
}
