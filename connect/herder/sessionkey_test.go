package herder

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/sluice-connect/sluice/connect/stores"
)

// smithy is a keysmith at work in virtual time, and what it has written.
type smithy struct {
	*keysmith
	mu       sync.Mutex
	place    Standing
	key      *stores.SessionKey
	written  int
	refuse   error
	refusals int
}

// atWork runs a test beside a keysmith of the leader of a group that signs.
func atWork(t *testing.T, p KeyPolicy, test func(*smithy)) {
	synctest.Test(t, func(t *testing.T) {
		s := &smithy{place: Standing{Leads: true, Signed: true}}
		locked := func(f func()) { s.mu.Lock(); defer s.mu.Unlock(); f() }
		s.keysmith = &keysmith{
			policy: p, nudged: make(chan struct{}, 1),
			standing: func() (place Standing) { locked(func() { place = s.place }); return place },
			known:    func() (key *stores.SessionKey) { locked(func() { key = s.key }); return key },
			write: func(_ context.Context, key stores.SessionKey) (err error) {
				locked(func() {
					if err = s.refuse; err == nil {
						s.key = &key
						s.written++
					}
				})
				return err
			},
			failed: func(error) { locked(func() { s.refusals++ }) },
		}
		ctx, cancel := context.WithCancel(t.Context())
		var working sync.WaitGroup
		working.Go(func() { s.run(ctx) })
		test(s)
		cancel()
		working.Wait()
	})
}

// after lets virtual time pass, and tells how many keys have been written by then.
func (s *smithy) after(d time.Duration) int {
	<-time.After(d)
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.written
}

func (s *smithy) change(f func()) {
	s.mu.Lock()
	f()
	s.mu.Unlock()
	s.check()
}

func hourly() KeyPolicy {
	return KeyPolicy{KeyAlgorithm: "HmacSHA256", LifetimeMillis: time.Hour.Milliseconds(), SignAlgorithm: "HmacSHA256", VerifyAlgorithm: []string{"HmacSHA256"}}
}

func TestALeaderWritesAKeyAtOnceAndAnotherWhenItHasComeOfAge(t *testing.T) {
	atWork(t, hourly(), func(s *smithy) {
		assert.Equal(t, 1, s.after(0))
		assert.Equal(t, 1, s.after(59*time.Minute))
		first := s.known().Key
		assert.Equal(t, 2, s.after(2*time.Minute))
		assert.NotEqual(t, first, s.known().Key)
		assert.Equal(t, 25, s.after(23*time.Hour))
	})
}

func TestAFollowerWritesNoKey(t *testing.T) {
	atWork(t, hourly(), func(s *smithy) {
		s.after(0)
		s.change(func() { s.place = Standing{Signed: true} })
		assert.Equal(t, 1, s.after(48*time.Hour))
	})
}

func TestANewLeaderGoesOnFromTheKeyOfTheOldOne(t *testing.T) {
	atWork(t, hourly(), func(s *smithy) {
		s.after(0)
		s.change(func() { s.place = Standing{Signed: true} })
		s.after(30 * time.Minute)
		s.change(func() { s.place = Standing{Leads: true, Signed: true} })
		assert.Equal(t, 1, s.after(29*time.Minute), "the key is young enough")
		assert.Equal(t, 2, s.after(2*time.Minute))
	})
}

func TestAGroupThatDoesNotSignHasNoKeys(t *testing.T) {
	atWork(t, hourly(), func(s *smithy) {
		s.after(0)
		s.change(func() { s.place, s.key = Standing{Leads: true}, nil })
		assert.Equal(t, 1, s.after(48*time.Hour))
	})
}

func TestAKeyOfAnotherKindIsReplacedAtOnce(t *testing.T) {
	atWork(t, hourly(), func(s *smithy) {
		s.after(time.Minute)
		s.change(func() { s.key = &stores.SessionKey{Key: []byte("short"), Algorithm: "HmacSHA256", Created: time.Now()} })
		assert.Equal(t, 2, s.after(time.Second))
		s.change(func() { s.key = &stores.SessionKey{Key: s.key.Key, Algorithm: "HmacSHA512", Created: time.Now()} })
		assert.Equal(t, 3, s.after(time.Second))
	})
}

func TestAKeyWithoutEndIsNeverReplaced(t *testing.T) {
	p := hourly()
	p.LifetimeMillis = 0
	atWork(t, p, func(s *smithy) { assert.Equal(t, 1, s.after(1000*time.Hour)) })
}

func TestAKeyThatCannotBeWrittenIsTriedAgain(t *testing.T) {
	atWork(t, hourly(), func(s *smithy) {
		s.after(0)
		s.change(func() { s.refuse = errors.New("Kafka is away") })
		assert.Equal(t, 1, s.after(time.Hour+10*time.Second))
		s.mu.Lock()
		assert.Greater(t, s.refusals, 5)
		s.mu.Unlock()
		s.change(func() { s.refuse = nil })
		assert.Equal(t, 2, s.after(2*time.Second))
	})
}
