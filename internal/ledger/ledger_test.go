package ledger

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// promised is a ledger with n messages in each of the streams.
func promised(n int, streams ...string) *Ledger {
	l := New()
	for _, name := range streams {
		for range n {
			l.Promise(name, l.Send(name))
		}
	}
	return l
}

func TestAPayloadHasItsNumberAndAReadingsSize(t *testing.T) {
	for _, n := range []int{0, 7, 123456} {
		payload := Message{"a", n}.payload(reading)
		assert.Len(t, payload, reading)
		got, err := numberOf(payload)
		require.NoError(t, err)
		assert.Equal(t, n, got)
	}
	_, err := numberOf([]byte("7 cut"))
	require.Error(t, err, "a message that was cut")
}

func arrive(t *testing.T, l *Ledger, name string, numbers ...int) {
	t.Helper()
	for _, n := range numbers {
		require.NoError(t, l.Arrive(name, n))
	}
}

func TestWhatArrivesOnceAndInOrderIsFine(t *testing.T) {
	l := promised(3, "a", "b")
	arrive(t, l, "a", 0, 1)
	arrive(t, l, "b", 0, 1, 2)
	arrive(t, l, "a", 2)
	v := l.Judge()
	require.NoError(t, v.Err())
	assert.Equal(t, Verdict{Promised: 6, Arrived: 6}, v)
}

func TestALostMessageIsMissing(t *testing.T) {
	l := promised(3, "a", "b")
	arrive(t, l, "a", 0, 2)
	arrive(t, l, "b", 0, 1)
	v := l.Judge()
	assert.Equal(t, []Message{{"a", 1}, {"b", 2}}, v.Missing)
	assert.EqualError(t, v.Err(), "2 of 6 promised messages are missing: a #1, b #2")
	assert.Equal(t, v.Err(), v.Incomplete())
}

func TestAnUnpromisedMessageMayArriveOrNot(t *testing.T) {
	l := promised(1, "a")
	arrive(t, l, "a", 0)
	l.Send("a")
	v := l.Judge()
	require.NoError(t, v.Err())
	assert.Equal(t, 1, v.Arrived)
	arrive(t, l, "a", 1)
	v = l.Judge()
	require.NoError(t, v.Err())
	assert.Equal(t, 2, v.Arrived)
}

func TestAFirstArrivalBehindALaterMessageIsDisorder(t *testing.T) {
	l := promised(4, "a")
	arrive(t, l, "a", 0, 2, 1, 3)
	v := l.Judge()
	require.NoError(t, v.Incomplete())
	assert.Equal(t, []Message{{"a", 1}}, v.Disordered)
	assert.EqualError(t, v.Err(), "1 of 4 messages came after a later one of their stream: a #1")
}

func TestARepeatedRunIsDuplicatesAndNoDisorder(t *testing.T) {
	l := promised(5, "a")
	arrive(t, l, "a", 0, 1, 2, 1, 2, 2, 3, 4)
	v := l.Judge()
	require.NoError(t, v.Err())
	assert.Equal(t, 3, v.Duplicates)
	assert.Equal(t, 5, l.Arrived())
}

func TestAGapThatIsFilledAfterARepetitionIsDisorder(t *testing.T) {
	l := promised(4, "a")
	arrive(t, l, "a", 0, 3, 0, 1, 2, 3)
	assert.Equal(t, []Message{{"a", 1}, {"a", 2}}, l.Judge().Disordered)
}

func TestStreamsAreJudgedEachByItself(t *testing.T) {
	l := promised(2, "a", "b")
	arrive(t, l, "a", 0, 1)
	arrive(t, l, "b", 0, 1)
	assert.NoError(t, l.Judge().Err())
}

func TestWhatNobodySentIsAnError(t *testing.T) {
	l := promised(2, "a")
	assert.ErrorContains(t, l.Arrive("b", 0), `message 0 of stream "b" arrived and was never sent`)
	assert.Error(t, l.Arrive("a", 2))
	assert.Error(t, l.Arrive("a", -1))
}

func TestAVerdictNamesTheFirstFewOnly(t *testing.T) {
	err := promised(1000, "a").Judge().Err()
	assert.EqualError(t, err, "1000 of 1000 promised messages are missing: a #0, a #1, a #2, a #3, a #4, ...")
}

func TestAnEmptyLedgerHasNothingToComplainAbout(t *testing.T) {
	assert.NoError(t, New().Judge().Err())
}
