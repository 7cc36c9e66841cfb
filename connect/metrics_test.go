package connect

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAMetricIsTheSameEachTime(t *testing.T) {
	m := NewMetrics(func(cause error) { t.Error(cause) })
	m.Counter("lines", "Lines read.").Add(3)
	m.Counter("lines", "Lines read.").Add(4)
	m.Counter("lines", "Lines read.").Add(-1)
	m.Gauge("open_files", "Files that are open.").Set(2.5)
	assert.EqualValues(t, 7, m.Counter("lines", "").Value())
	assert.Equal(t, []Metric{
		{Name: "lines", Help: "Lines read.", Counter: true, Value: 7}, {Name: "open_files", Help: "Files that are open.", Value: 2.5},
	}, m.All())
}

func TestAMistakeInAMetricIsToldOnceAndHurtsNothing(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(m *Metrics)
		told string
	}{
		{"no name", func(m *Metrics) { m.Counter("", "").Add(1) }, "no name"},
		{"a long name", func(m *Metrics) { m.Counter(strings.Repeat("n", 101), "").Add(1) }, "longer than 100"},
		{"another character", func(m *Metrics) { m.Gauge("window-used", "").Set(1) }, `'-'`},
		{"a total", func(m *Metrics) { m.Counter("lines_total", "").Add(1) }, "leave that out"},
		{"one of the runtime", func(m *Metrics) { m.Counter("starts", "").Add(1) }, "already"},
		{"two kinds", func(m *Metrics) { m.Gauge("first", "").Set(1) }, "a counter and a gauge"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var told []string
			m := NewMetrics(func(cause error) { told = append(told, cause.Error()) })
			m.Counter("first", "").Add(1)
			for range 3 {
				c.make(m)
			}
			assert.Len(t, told, 1)
			assert.Contains(t, told[0], c.told)
			assert.Equal(t, []Metric{{Name: "first", Counter: true, Value: 1}}, m.All())
		})
	}
}

func TestATaskHasAHundredMetrics(t *testing.T) {
	var told []string
	m := NewMetrics(func(cause error) { told = append(told, cause.Error()) })
	for n := range 1000 {
		m.Counter(fmt.Sprintf("topic_%d", n), strings.Repeat("long", 1000)).Add(1)
	}
	assert.Len(t, m.All(), MaxMetrics)
	assert.Len(t, m.All()[0].Help, MaxMetricHelp)
	assert.Len(t, told, 1)
	m.Counter("topic_0", "").Add(1)
	assert.EqualValues(t, 2, m.All()[0].Value)
}

func TestUsingAMetricAllocatesNothing(t *testing.T) {
	m := NewMetrics(func(cause error) { t.Error(cause) })
	c, g := m.Counter("lines", ""), m.Gauge("open", "")
	assert.Zero(t, testing.AllocsPerRun(100, func() { c.Add(1); g.Set(1) }))
}

func TestAGaugeCanBeReadWhenSomebodyLooks(t *testing.T) {
	m := NewMetrics(func(cause error) { t.Error(cause) })
	age := 1.5
	m.GaugeFunc("age_seconds", "Age of the oldest.", func() float64 { return age })
	m.GaugeFunc("broken", "One that panics.", func() float64 { panic("no") })
	age = 2
	assert.Equal(t, Metric{Name: "age_seconds", Help: "Age of the oldest.", Value: 2}, m.All()[0])
	assert.True(t, math.IsNaN(m.All()[1].Value))
}
