package worker

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/IBM/sarama"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/metrics"
)

// gathered are the metrics of a worker by name, each with its series.
func gathered(t *testing.T, m *Metrics) map[string][]*dto.Metric {
	t.Helper()
	registry := prometheus.NewRegistry()
	require.NoError(t, registry.Register(m))
	families, err := registry.Gather()
	require.NoError(t, err)
	all := map[string][]*dto.Metric{}
	for _, f := range families {
		all[f.GetName()] = f.GetMetric()
	}
	return all
}

// only is the value of a metric that has one series.
func only(t *testing.T, m *Metrics, name string) float64 {
	t.Helper()
	series := gathered(t, m)[name]
	require.Len(t, series, 1, name)
	return series[0].GetGauge().GetValue() + series[0].GetCounter().GetValue()
}

func TestWhatIsUnderWayIsSeenAndThenHowLongItTook(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	held, release := s.hold()
	n := &numbers{topic: "t", last: 300, batch: 100}
	began := time.Now()
	s.start("flow", n.script(), nil)
	<-held
	m := s.worker.Metrics()
	s.eventually("all records are under way", func() bool { return only(t, m, "sluice_source_window_records") == 300 })
	assert.EqualValues(t, 300, only(t, m, "kafka_connect_source_task_metrics_source_record_active_count"))
	assert.Positive(t, only(t, m, "sluice_source_window_bytes"))
	assert.EqualValues(t, windowRecords, only(t, m, "sluice_source_window_limit_records"))
	age := only(t, m, "sluice_source_oldest_unacknowledged_seconds")
	assert.Positive(t, age)
	s.eventually("the oldest record becomes older", func() bool { return only(t, m, "sluice_source_oldest_unacknowledged_seconds") > age })
	assert.LessOrEqual(t, age, time.Since(began).Seconds())
	assert.Zero(t, only(t, m, "kafka_connect_source_task_metrics_source_record_write_total"))
	waited := only(t, m, "sluice_source_oldest_unacknowledged_seconds")
	release()
	s.acknowledged(n)
	s.eventually("nothing is under way", func() bool { return only(t, m, "sluice_source_window_records") == 0 })
	assert.Zero(t, only(t, m, "sluice_source_oldest_unacknowledged_seconds"))
	assert.EqualValues(t, 300, only(t, m, "kafka_connect_source_task_metrics_source_record_write_total"))
	assert.EqualValues(t, 100, only(t, m, "kafka_connect_connector_task_metrics_batch_size_max"))
	latency := gathered(t, m)["sluice_source_delivery_seconds"][0].GetHistogram()
	assert.EqualValues(t, 300, latency.GetSampleCount(), "each record counts")
	assert.Greater(t, latency.GetSampleSum(), 100*waited, "the first batch waited at least that long")
	assert.Empty(t, gathered(t, m)["kafka_connect_source_task_metrics_transaction_size_max"], "there are no transactions")
	s.eventually("an offset is stored", func() bool {
		return only(t, m, "kafka_connect_connector_task_metrics_offset_commit_success_percentage") == 1
	})
}

func TestTheSeriesOfWhatIsNoMoreVanish(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	n := &numbers{topic: "t", last: 10, batch: 10}
	id := s.start("gone", n.script(), nil)
	s.acknowledged(n)
	named := func() (names []string) {
		for name, series := range gathered(t, s.worker.Metrics()) {
			for _, one := range series {
				for _, l := range one.GetLabel() {
					if l.GetName() == "connector" && l.GetValue() == "gone" {
						names = append(names, name)
					}
				}
			}
		}
		return names
	}
	require.NotEmpty(t, named())
	s.stop(id)
	s.released()
	s.eventually("no series is of the task any more", func() bool { return len(named()) == 0 })
	assert.EqualValues(t, 1, only(t, s.worker.Metrics(), "kafka_connect_connect_worker_metrics_task_startup_success_total"))
	assert.Zero(t, only(t, s.worker.Metrics(), "kafka_connect_connect_worker_metrics_task_count"))
}

// What is told of a task does not depend on its records: topics, partitions and errors are no labels.
func TestATaskHasASetNumberOfSeries(t *testing.T) {
	t.Parallel()
	topics := []string{"a", "b", "c", "d"}
	s := newStage(t, topics)
	count := func() (n int) {
		for name, series := range gathered(t, s.worker.Metrics()) {
			for _, one := range series {
				if strings.HasPrefix(name, "sluice_source_") || strings.Contains(name, "task_metrics") || strings.Contains(name, "task_error") {
					assert.Subset(t, []string{"connector", "task", "status"}, slices.Collect(labelNames(one)), name)
					n++
				}
			}
		}
		return n
	}
	for i, topic := range topics {
		n := &numbers{topic: topic, last: 10, batch: 10}
		s.start("flow-"+topic, n.script(), nil)
		s.acknowledged(n)
		assert.Equal(t, count()/(i+1)*(i+1), count(), "each task adds as many")
	}
	assert.Less(t, count()/len(topics), 50)
}

func labelNames(m *dto.Metric) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, l := range m.GetLabel() {
			if !yield(l.GetName()) {
				return
			}
		}
	}
}

func TestATaskThatFailsAndOneThatRetriesAreSeen(t *testing.T) {
	t.Parallel()
	s := newStage(t, []string{"t"})
	failing := script{poll: func(context.Context, *connect.Batch) error { return errors.New("no more") }}
	id := s.start("flow", failing, nil)
	s.shows(id, Failed, "no more")
	m := s.worker.Metrics()
	assert.EqualValues(t, 1, only(t, m, "kafka_connect_connect_worker_metrics_connector_failed_task_count"))
	assert.Equal(t, "failed", label(t, gathered(t, m)["kafka_connect_connector_task_metrics_status_info"][0], "status"))
	s.eventually("of what has failed nobody says what is under way", func() bool { return len(gathered(t, m)["sluice_source_window_records"]) == 0 })
	assert.EqualValues(t, 1, only(t, m, "kafka_connect_connect_worker_metrics_connector_total_task_count"))
	s.stop(id)
	s.released()
	again := script{poll: func(context.Context, *connect.Batch) error {
		return connect.Retry(errors.New("away"), 5*time.Millisecond)
	}}
	id = s.start("flow", again, nil)
	s.shows(id, Running, "away")
	s.eventually("it is said for how long", func() bool { return only(t, m, "sluice_task_retrying_seconds") > 0.05 })
	assert.EqualValues(t, 1, only(t, m, "sluice_task_system_reachable"), "that is not what the plugin says")
	assert.EqualValues(t, 1, only(t, m, "sluice_task_starts_total"))
}

func label(t *testing.T, m *dto.Metric, name string) string {
	t.Helper()
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	require.Fail(t, "no label "+name)
	return ""
}

func TestRatiosAreOfTheTimeInEachState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		timer := stateTimer{state: Unassigned}
		running, paused := timer.ratios(time.Now())
		assert.Zero(t, running)
		assert.Zero(t, paused)
		timer.change(Running, time.Now())
		time.Sleep(6 * time.Second)
		timer.change(Running, time.Now())
		timer.change(Paused, time.Now())
		time.Sleep(3 * time.Second)
		timer.change(Failed, time.Now())
		time.Sleep(time.Second)
		running, paused = timer.ratios(time.Now())
		assert.InDelta(t, 0.6, running, 1e-9)
		assert.InDelta(t, 0.3, paused, 1e-9)
		assert.Equal(t, Failed, timer.now())
	})
}

// sinkMeasured are the metrics of a sink task that does not run.
func sinkMeasured() (*taskMetrics, *sinkMetrics) {
	task := newTaskMetrics(metrics.Sampling{})
	return task, task.asSink(new(atomic.Int64))
}

func TestACommitHasFailedWhereTheConsumerComplainsOfItAndElseSucceeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		task, m := sinkMeasured()
		var complaint time.Time
		complained := func() time.Time { return complaint }
		attempt := func() {
			began := time.Now()
			time.Sleep(20 * time.Millisecond)
			m.commit(began, complained)
		}
		attempt()
		m.settle(time.Now())
		assert.Zero(t, task.commits.good.Count(), "an error may still come")
		time.Sleep(verdictAfter)
		m.settle(time.Now())
		assert.EqualValues(t, 1, task.commits.good.Total())
		assert.InDelta(t, 20, task.commits.time.Max(time.Now()), 1e-6, "the time of the commit, not of the verdict")
		assert.EqualValues(t, 1, m.completed.Total())

		attempt()
		complaint = time.Now().Add(10 * time.Millisecond)
		time.Sleep(2 * verdictAfter)
		m.settle(time.Now())
		assert.EqualValues(t, 1, task.commits.good.Total())
		assert.EqualValues(t, 1, task.commits.failures.total())

		attempt() // a complaint of long ago says nothing of it
		attempt() // and the next one settles it
		assert.EqualValues(t, 2, task.commits.good.Total())
		assert.EqualValues(t, 4, m.begun.Load())
	})
}

// fakeClaim is a partition whose end is as far as was fetched.
type fakeClaim struct {
	sarama.ConsumerGroupClaim
	begin   int64
	fetched atomic.Int64
}

func (*fakeClaim) Topic() string                { return "t" }
func (*fakeClaim) Partition() int32             { return 0 }
func (c *fakeClaim) InitialOffset() int64       { return c.begin }
func (c *fakeClaim) HighWaterMarkOffset() int64 { return c.fetched.Load() }

// fakeEnds is a client that knows where the partition ends, and counts how often it is asked.
type fakeEnds struct {
	sarama.Client
	end   atomic.Int64
	asked atomic.Int64
}

func (c *fakeEnds) GetOffset(string, int32, int64) (int64, error) {
	c.asked.Add(1)
	return c.end.Load(), nil
}

func TestTheLagGrowsWhileASinkTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newClaims()
		from, client := &fakeClaim{begin: sarama.OffsetOldest}, &fakeEnds{}
		held := all.open(from)
		ctx, cancel := context.WithCancel(t.Context())
		end := spawn(ctx, func(ctx context.Context) { all.follow(ctx, client) })
		lag := func() int64 { total, _ := all.lag(); return total }
		from.fetched.Store(1000)
		assert.Zero(t, lag(), "where it begins is not known yet")
		held.begin(400)
		assert.EqualValues(t, 600, lag())
		held.position.Store(1000)
		assert.Zero(t, lag())
		client.end.Store(1000)
		time.Sleep(10 * followInterval)
		assert.Zero(t, client.asked.Load(), "fetching tells of the end of a partition that is read to it")

		from.fetched.Store(1500) // and from then on the task takes nothing, so that nothing is fetched
		client.end.Store(9000)
		time.Sleep(3 * followInterval)
		assert.EqualValues(t, 8000, lag())
		held.position.Store(9000)
		from.fetched.Store(9000)
		assert.Zero(t, lag())
		all.close(held)
		held.position.Store(0)
		assert.Zero(t, lag(), "it is somebody else's now")
		cancel()
		end()
	})
}

func TestTheTextsOfAConnectorAreLabels(t *testing.T) {
	m := newMetrics(metrics.Sampling{})
	c := m.connector("c")
	c.is("org.example.Source", "source")
	c.noted(Paused, "1.2")
	all := gathered(t, m)
	got := map[string]string{}
	for _, l := range all["kafka_connect_connector_metrics"][0].GetLabel() {
		got[l.GetName()] = l.GetValue()
	}
	assert.Equal(t, map[string]string{
		"connector": "c", "connector_class": "org.example.Source", "connector_type": "source", "connector_version": "1.2", "status": "paused",
	}, got)
	assert.Equal(t, "paused", label(t, all["kafka_connect_connector_metrics_status_info"][0], "status"))
	m.forgetConnector("c")
	assert.NotContains(t, slices.Collect(maps.Keys(gathered(t, m))), "kafka_connect_connector_metrics")
}
