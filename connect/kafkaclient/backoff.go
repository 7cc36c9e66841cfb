package kafkaclient

import (
	"math/rand/v2"
	"time"
)

// backoff is Kafka's exponential backoff (KIP-580): retry.backoff.ms doubling up to retry.backoff.max.ms, with 20 % of chance.
type backoff struct{ first, most time.Duration }

// after is the pause before try number retries+1.
func (b backoff) after(retries int) time.Duration {
	d := b.first
	for range min(max(retries-1, 0), 32) {
		if d >= b.most {
			break
		}
		d *= 2
	}
	d = min(d, max(b.most, b.first))
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
}
