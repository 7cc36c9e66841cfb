package assignment

import (
	"math"
	"time"
)

// backoffFactor is by how much each round that would revoke again waits longer than the one before it; the first waits so many
// milliseconds. (IncrementalCooperativeAssignor: ExponentialBackoff(1, 40, maxDelay, 0))
const backoffFactor = 40

// revocationBackoff is how long the nth successive round, from 1, that wants to revoke for balance after another did has to wait: whole
// milliseconds, never more than limit, and none if the limit is zero. The longest wait is the factor to the power of a logarithm,
// truncated, and so a millisecond short of some limits. Java's is too, for the limits in use; others may differ by that millisecond.
func revocationBackoff(n int, limit time.Duration) time.Duration {
	ms := limit.Milliseconds()
	switch {
	case ms <= 0:
		return 0
	case ms == 1:
		return time.Millisecond
	}
	highest := math.Log(float64(ms)) / math.Log(backoffFactor)
	wait := int64(math.Pow(backoffFactor, math.Min(float64(n), highest)))
	return time.Duration(min(wait, ms)) * time.Millisecond
}
