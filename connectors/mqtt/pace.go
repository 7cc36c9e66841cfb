package mqtt

import "time"

// pace holds messages and bytes a second below their limits (mqtt.rate.limit.*). It is guarded by its owner's lock. The zero value has no limits.
type pace struct {
	message time.Duration // between two messages; 0 for no limit
	byte    float64       // nanoseconds of one byte; 0 for no limit

	messages, bytes time.Time // when all that was let through would have been due
}

// paceBurst is how far messages may run ahead of their times.
const paceBurst = 100 * time.Millisecond

func newPace(messages, bytes int64) pace {
	var p pace
	if messages > 0 {
		p.message = time.Second / time.Duration(messages)
	}
	if bytes > 0 {
		p.byte = float64(time.Second) / float64(bytes)
	}
	return p
}

func (p *pace) limited() bool { return p.message > 0 || p.byte > 0 }

// take lets a message of so many bytes through and returns 0, or returns how long to wait before asking again.
func (p *pace) take(now time.Time, size int) time.Duration {
	if p.messages.Before(now) {
		p.messages = now
	}
	if p.bytes.Before(now) {
		p.bytes = now
	}
	if late := max(p.messages.Sub(now), p.bytes.Sub(now)) - paceBurst; late > 0 {
		return late
	}
	p.messages = p.messages.Add(p.message)
	p.bytes = p.bytes.Add(time.Duration(p.byte * float64(size)))
	return 0
}
