package mqtt

import (
	"time"

	"github.com/sluice-connect/sluice/connect"
)

// intake is what a source's sessions count. Those that a task reads empty beside its own count into the same.
type intake struct {
	received, acknowledged, duplicates, dropped, paused *connect.Counter
	lessQoS                                             *connect.Gauge
}

func newIntake(m *connect.Metrics) intake {
	return intake{
		received:     m.Counter("mqtt_received", "Messages that the broker has sent, repeats among them."),
		acknowledged: m.Counter("mqtt_acknowledged", "Messages of QoS 1 and 2 that the broker was told to forget, because Kafka has them."),
		duplicates:   m.Counter("mqtt_duplicates", "Messages that came again and were known already."),
		dropped:      m.Counter("mqtt_dropped", "Messages of QoS 0 that were dropped because the buffer was full (mqtt.qos0.overflow)."),
		paused:       m.Counter("mqtt_reading_paused_ms", "Milliseconds for which nothing was read, because Kafka was slow."),
		lessQoS:      m.Gauge("mqtt_filters_less_qos", "Filters to which the broker has granted less than mqtt.qos."),
	}
}

// unseen is an intake that nobody looks at.
func unseen() intake {
	return intake{
		new(connect.Counter), new(connect.Counter), new(connect.Counter), new(connect.Counter), new(connect.Counter), new(connect.Gauge),
	}
}

// shows has the metrics of a task's own session read when somebody looks.
func (s *subscriber) shows(m *connect.Metrics) {
	m.GaugeFunc("mqtt_window_used", "Messages of QoS 1 and 2 that wait for their acknowledgement.", func() float64 { return float64(s.unanswered()) })
	m.GaugeFunc("mqtt_buffer_messages", "Messages that wait to become records.", func() float64 {
		waiting, _ := s.queue.state()
		return float64(waiting)
	})
}

// output is what a sink counts.
type output struct{ published, acknowledged, refused, skipped *connect.Counter }

func newOutput(m *connect.Metrics) output {
	return output{
		published:    m.Counter("mqtt_published", "Messages that were sent to the broker, repeats among them."),
		acknowledged: m.Counter("mqtt_acknowledged", "Messages of QoS 1 and 2 that the broker has acknowledged."),
		refused:      m.Counter("mqtt_refused", "Messages that the broker refused; their records went to the error handling."),
		skipped:      m.Counter("mqtt_skipped", "Records that sent no message: tombstones, records that were too old or bad."),
	}
}

// ignored is an output that nobody looks at.
func ignored() output {
	return output{new(connect.Counter), new(connect.Counter), new(connect.Counter), new(connect.Counter)}
}

// shows has the metrics of the sink's queue read when somebody looks.
func (p *publisher) shows(m *connect.Metrics) {
	m.GaugeFunc("mqtt_window_used", "Messages of QoS 1 and 2 that the broker has not acknowledged.", func() float64 { return float64(p.load(&p.flight)) })
	m.GaugeFunc("mqtt_buffer_messages", "Messages that are in the queue: to be sent, or not acknowledged.", func() float64 { return float64(p.load(&p.queue.n)) })
	m.GaugeFunc("mqtt_oldest_unacknowledged_seconds", "For how long the broker has not acknowledged the oldest message under way.", func() float64 {
		if at, some := p.oldest(); some {
			return time.Since(at).Seconds()
		}
		return 0
	})
}

func (p *publisher) load(n *int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return *n
}

// uptime is what a link tells of its connections.
type uptime struct {
	connected, session   *connect.Gauge
	reconnects, failures *connect.Counter
}

func newUptime(m *connect.Metrics) uptime {
	return uptime{
		connected:  m.Gauge("mqtt_connected", "1 while the connection to the broker stands and is subscribed, else 0."),
		session:    m.Gauge("mqtt_session_present", "Whether the broker had the session at the last connect."),
		reconnects: m.Counter("mqtt_reconnects", "Connections after the first."),
		failures:   m.Counter("mqtt_connect_failures", "Attempts to connect that failed."),
	}
}

// untold is the uptime of a link that nobody asks for.
func untold() uptime {
	return uptime{new(connect.Gauge), new(connect.Gauge), new(connect.Counter), new(connect.Counter)}
}

// stands notes that a connection stands.
func (u *uptime) stands(first, sessionPresent bool) {
	u.connected.Set(1)
	u.session.Set(0)
	if sessionPresent {
		u.session.Set(1)
	}
	if !first {
		u.reconnects.Add(1)
	}
}
