package mqtt

import "time"

// suspicion finds the message for which a broker closes the connection instead of refusing it, as one of MQTT 3.1.1 must. Where connections end soon
// after they stood, with messages in flight, those are sent again one at a time; the message that was alone in flight at three ends in a row is
// the one. It is guarded by the publisher's lock.
type suspicion struct {
	until uint64 // messages before this one go one at a time
	whom  uint64 // number of the first message in flight at the last end
	ends  int    // in a row, with whom alone in flight
}

// convicted is how many ends in a row it takes.
const convicted = 3

// ended notes the end of a connection that stood for so long, with messages from first to before end in flight, of which first is unanswered. It reports whether
// first is guilty.
func (s *suspicion) ended(stood time.Duration, first, end uint64) bool {
	if stood > shortLife && s.ends == 0 {
		s.until = 0
		return false
	}
	alone := first+1 == end
	switch {
	case !alone:
		s.ends = 0
	case s.ends > 0 && s.whom == first:
		s.ends++
	default:
		s.ends = 1
	}
	s.whom = first
	s.until = max(s.until, end)
	if s.ends < convicted {
		return false
	}
	s.ends = 0
	return true
}

// passed notes that a message was answered.
func (s *suspicion) passed(n uint64) {
	if s.whom == n {
		s.ends = 0
	}
}

// careful reports whether messages from n on go one at a time.
func (s *suspicion) careful(n uint64) bool { return n < s.until }
