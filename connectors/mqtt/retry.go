package mqtt

import (
	"math/rand/v2"
	"time"

	"github.com/sluice-connect/sluice/connect"
)

// stable is how long a connection must stand before the next failure starts again with the first pause.
const stable = 30 * time.Second

// retry gives the pauses between attempts: exponential, with full jitter so that tasks do not come back all at once.
type retry struct {
	first, last time.Duration
	limit       time.Duration // how long connecting may fail; negative for ever
	attempts    int
}

func newRetry(cfg connect.Config) retry {
	r := retry{first: millis(backoffFirst.Get(cfg)), last: millis(backoffMax.Get(cfg)), limit: -1}
	if n := maxRetryTime.Get(cfg); n >= 0 {
		r.limit = millis(n)
	}
	return r
}

// next returns the next pause.
func (r *retry) next() time.Duration {
	ceiling := r.first
	for range r.attempts {
		if ceiling *= 2; ceiling >= r.last {
			ceiling = r.last
			break
		}
	}
	r.attempts++
	if ceiling <= 0 {
		return 0
	}
	return rand.N(ceiling)
}

// stood says how long a connection was healthy.
func (r *retry) stood(d time.Duration) {
	if d >= stable {
		r.attempts = 0
	}
}
