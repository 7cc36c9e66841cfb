package metrics

import (
	"math"
	"sync"
	"time"
)

// Sampling is over what time rates, averages and maxima are taken: Count windows of Window each (metrics.num.samples, metrics.sample.window.ms). The zero
// value is Java's default, two of 30 seconds.
type Sampling struct {
	Window time.Duration
	Count  int
}

func (s Sampling) orDefault() Sampling {
	if s.Window <= 0 {
		s.Window = 30 * time.Second
	}
	if s.Count <= 0 {
		s.Count = 2
	}
	return s
}

// Sensor takes values and tells of those of the last windows. It is for a value a batch, not a record: each takes an uncontended lock. It is safe for
// concurrent use.
type Sensor struct {
	sampling Sampling

	mu      sync.Mutex
	total   float64
	count   int64
	samples []sample // a ring of one more than is looked at
	current int
}

// sample is one window.
type sample struct {
	began, last time.Time // last is of its last value; zero for none
	count       int64
	sum         float64
	min, max    float64
}

// NewSensor returns a sensor without values.
func NewSensor(s Sampling) *Sensor {
	s = s.orDefault()
	return &Sensor{sampling: s, samples: make([]sample, s.Count+1)}
}

// Record takes a value.
func (s *Sensor) Record(value float64) { s.record(value, time.Now()) }

func (s *Sensor) record(value float64, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total += value
	s.count++
	c := &s.samples[s.current]
	if c.began.IsZero() {
		c.began = now
	} else if now.Sub(c.began) >= s.sampling.Window {
		s.current = (s.current + 1) % len(s.samples)
		c = &s.samples[s.current]
		*c = sample{began: now}
	}
	if c.count == 0 {
		c.min, c.max = value, value
	}
	c.min, c.max = min(c.min, value), max(c.max, value)
	c.count++
	c.sum += value
	c.last = now
}

// Total is the sum of all values ever.
func (s *Sensor) Total() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total
}

// Count is how many values there ever were.
func (s *Sensor) Count() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return float64(s.count)
}

// lately adds up the windows that still count (SampledStat.purgeObsoleteSamples); began is of the oldest of them.
func (s *Sensor) lately(now time.Time) (all sample) {
	s.mu.Lock()
	defer s.mu.Unlock()
	expired := time.Duration(s.sampling.Count) * s.sampling.Window
	all.began = now
	for _, one := range s.samples {
		if one.count == 0 || now.Sub(one.last) >= expired {
			continue
		}
		if one.began.Before(all.began) {
			all.began = one.began
		}
		if all.count == 0 {
			all.min, all.max = one.min, one.max
		}
		all.min, all.max = min(all.min, one.min), max(all.max, one.max)
		all.count += one.count
		all.sum += one.sum
	}
	return all
}

// Rate is the sum of the values a second. The first windows count whole, so that a first value is no burst (Rate.windowSize).
func (s *Sensor) Rate(now time.Time) float64 {
	all := s.lately(now)
	return all.sum / s.over(all, now).Seconds()
}

// Frequency is how many values there are a second.
func (s *Sensor) Frequency(now time.Time) float64 {
	all := s.lately(now)
	return float64(all.count) / s.over(all, now).Seconds()
}

func (s *Sensor) over(all sample, now time.Time) time.Duration {
	elapsed := now.Sub(all.began)
	if whole, least := int(elapsed/s.sampling.Window), s.sampling.Count-1; whole < least {
		elapsed += time.Duration(least-whole) * s.sampling.Window
	}
	return max(elapsed, time.Millisecond)
}

// Avg is the average value; NaN without values.
func (s *Sensor) Avg(now time.Time) float64 {
	all := s.lately(now)
	if all.count == 0 {
		return math.NaN()
	}
	return all.sum / float64(all.count)
}

// Max is the largest value; NaN without values.
func (s *Sensor) Max(now time.Time) float64 {
	all := s.lately(now)
	if all.count == 0 {
		return math.NaN()
	}
	return all.max
}

// Min is the smallest value; NaN without values.
func (s *Sensor) Min(now time.Time) float64 {
	all := s.lately(now)
	if all.count == 0 {
		return math.NaN()
	}
	return all.min
}

// Share is which part of the values, each 0 or 1, is 1; 0 without values (Frequencies).
func (s *Sensor) Share(now time.Time) float64 {
	all := s.lately(now)
	if all.count == 0 {
		return 0
	}
	return all.sum / float64(all.count)
}
