package worker

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// healthBook notes what a task's health has published and logged.
type healthBook struct {
	health
	traces, causes []string
	now            time.Time
}

func newHealthBook() *healthBook {
	b := &healthBook{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	b.publish = func(trace string) { b.traces = append(b.traces, trace) }
	b.log = func(cause string) { b.causes = append(b.causes, cause) }
	return b
}

// fails reports a failed try after the time d; the next one is after pause.
func (b *healthBook) fails(d time.Duration, cause string, pause time.Duration) {
	b.now = b.now.Add(d)
	b.report(systemAway, errors.New(cause), b.now.Add(pause), b.now)
}

func (b *healthBook) recovers(d time.Duration) {
	b.now = b.now.Add(d)
	b.report(systemAway, nil, time.Time{}, b.now)
}

func TestTriesThatFollowOneAnotherSoonArePublishedOnceAndNeverGoStale(t *testing.T) {
	t.Parallel()
	b := newHealthBook()
	for range 100 {
		b.fails(5*time.Second, "refused", 5*time.Second)
	}
	assert.Equal(t, []string{"retrying: refused (since 2026-01-02T03:04:10Z, next try within 30s)"}, b.traces)
	assert.Equal(t, []string{"refused"}, b.causes)
}

func TestALongPauseIsPublishedWithItsEndEachTime(t *testing.T) {
	t.Parallel()
	b := newHealthBook()
	for range 3 {
		b.fails(time.Minute, "refused", time.Minute)
	}
	assert.Equal(t, []string{
		"retrying: refused (since 2026-01-02T03:05:05Z, next try 2026-01-02T03:06:05Z)",
		"retrying: refused (since 2026-01-02T03:05:05Z, next try 2026-01-02T03:07:05Z)",
		"retrying: refused (since 2026-01-02T03:05:05Z, next try 2026-01-02T03:08:05Z)",
	}, b.traces)
	assert.Equal(t, []string{"refused"}, b.causes, "the log has a cause once")
}

func TestTheLogHasOneLineForACauseAndOneForItsEnd(t *testing.T) {
	t.Parallel()
	b := newHealthBook()
	b.report(systemAway, errors.New("connecting"), b.now, b.now)
	b.recovers(time.Second)
	assert.Empty(t, b.causes, "a first try that succeeds is no news")
	b.fails(time.Second, "refused", time.Second)
	b.fails(time.Minute, "unknown host", time.Second)
	b.recovers(time.Second)
	assert.Equal(t, []string{"refused", "unknown host", ""}, b.causes)
}

func TestCausesThatChangeWithEachTryDoNotFloodTheLog(t *testing.T) {
	t.Parallel()
	b := newHealthBook()
	for n := range 95 {
		b.fails(time.Second, fmt.Sprintf("reset by port %d", n), time.Second)
	}
	assert.Len(t, b.causes, 10)
	b.recovers(time.Second)
	b.fails(time.Second, "reset again", time.Second)
	assert.Len(t, b.causes, 11, "the end is said, the next trouble not at once")
	b.fails(logInterval, "reset again", time.Second)
	assert.Equal(t, "reset again", b.causes[11], "but when it lasts")
}

func TestAKafkaThatHasJustComeBackHasTimeToAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run := &taskRun{health: &newHealthBook().health}
		assert.Greater(t, run.quiet(time.Now()), stallAfter, "it was never away")
		run.kafkaTrouble(errors.New("away"), time.Time{})
		time.Sleep(time.Minute)
		assert.Equal(t, time.Minute, run.quiet(time.Now()))
		run.kafkaTrouble(nil, time.Time{})
		assert.Zero(t, run.quiet(time.Now()))
		time.Sleep(time.Second)
		run.kafkaTrouble(nil, time.Time{})
		assert.Equal(t, time.Second, run.quiet(time.Now()), "that it is well is no news")
	})
}
