package metrics

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// The values are those of org.apache.kafka.common.metrics with two windows of 30 seconds.
func TestASensorTellsOfItsWindowsAsJavasDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSensor(Sampling{})
		assert.True(t, math.IsNaN(s.Avg(time.Now())))
		assert.True(t, math.IsNaN(s.Max(time.Now())))
		assert.Zero(t, s.Rate(time.Now()))
		s.Record(60)
		assert.InDelta(t, 2, s.Rate(time.Now()), 1e-9, "the first window counts whole: 60 in 30 s")
		time.Sleep(15 * time.Second)
		s.Record(20)
		assert.InDelta(t, 80.0/45, s.Rate(time.Now()), 1e-9)
		assert.InDelta(t, 40, s.Avg(time.Now()), 1e-9)
		assert.InDelta(t, 60, s.Max(time.Now()), 1e-9)
		assert.InDelta(t, 20, s.Min(time.Now()), 1e-9)
		time.Sleep(15 * time.Second)
		s.Record(10)
		assert.InDelta(t, 90.0/30, s.Rate(time.Now()), 1e-9)
		time.Sleep(45 * time.Second) // the first window's last value is 60 s old
		assert.InDelta(t, 10.0/45, s.Rate(time.Now()), 1e-9)
		assert.InDelta(t, 10, s.Max(time.Now()), 1e-9)
		time.Sleep(15 * time.Second)
		assert.Zero(t, s.Rate(time.Now()), "nothing lately")
		assert.True(t, math.IsNaN(s.Avg(time.Now())))
		assert.InDelta(t, 90, s.Total(), 1e-9, "a total forgets nothing")
		assert.InDelta(t, 3, s.Count(), 1e-9)
	})
}

func TestASensorUsesAsManyWindowsAsItIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSensor(Sampling{Window: time.Second, Count: 3})
		for range 10 {
			s.Record(5)
			time.Sleep(time.Second)
		}
		assert.InDelta(t, 5, s.Rate(time.Now()), 1.7, "5 a second")
		time.Sleep(3 * time.Second)
		assert.Zero(t, s.Rate(time.Now()))
	})
}

func TestAShareIsOfTheValuesOfLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSensor(Sampling{})
		assert.Zero(t, s.Share(time.Now()))
		for _, v := range []float64{1, 1, 1, 0} {
			s.Record(v)
		}
		assert.InDelta(t, 0.75, s.Share(time.Now()), 1e-9)
		time.Sleep(time.Minute)
		assert.Zero(t, s.Share(time.Now()))
	})
}
