package worker

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/internal/testbed"
)

func TestASinksMetricsFollowItsRecords(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	taken := make(chan struct{}, 1)
	bed := newSinkScriptBed(t, testbed.Embedded(t), &sinkScript{put: func(ctx context.Context, _ *sinkScriptTask, records []connect.SinkRecord) error {
		select {
		case taken <- struct{}{}:
		default:
		}
		select {
		case <-gate:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}})
	testbed.CreateTopic(t, bed.direct, "t", 2, nil)
	bed.produce(0, 30)
	bed.produce(1, 20)
	bed.run(sinkScriptID(0))
	m := bed.worker.Metrics()
	<-taken
	bed.within("the lag of both partitions to be known", func() bool { return only(t, m, "sluice_sink_lag_records") == 50 })
	assert.EqualValues(t, 30, only(t, m, "sluice_sink_lag_records_max"))
	assert.EqualValues(t, 2, only(t, m, "kafka_connect_sink_task_metrics_partition_count"))
	assert.Positive(t, only(t, m, "kafka_connect_sink_task_metrics_sink_record_active_count"))
	close(gate)
	bed.commits(connect.Offsets{sinkScriptAt(0): 30, sinkScriptAt(1): 20})
	bed.within("everything to be committed", func() bool { return only(t, m, "kafka_connect_sink_task_metrics_sink_record_active_count") == 0 })
	assert.Zero(t, only(t, m, "sluice_sink_lag_records"))
	assert.EqualValues(t, 50, only(t, m, "kafka_connect_sink_task_metrics_sink_record_read_total"))
	assert.EqualValues(t, 50, only(t, m, "kafka_connect_sink_task_metrics_sink_record_send_total"))
	assert.Positive(t, only(t, m, "kafka_connect_sink_task_metrics_put_batch_max_time_ms"))
	bed.within("a commit to be judged", func() bool {
		return only(t, m, "kafka_connect_connector_task_metrics_offset_commit_success_percentage") == 1
	})
	assert.Zero(t, only(t, m, "sluice_task_offset_commit_failures_total"))
	bed.stop()
	bed.within("its series to vanish", func() bool { return len(gathered(t, m)["sluice_sink_lag_records"]) == 0 })
}

func TestACommitOfASinkThatKafkaRefusesIsCounted(t *testing.T) {
	t.Parallel()
	book := &sinkScriptBook{}
	cluster, proxy := sinkScriptKafka(t)
	bed := newSinkScriptBed(t, proxy.Addr(), sinkScriptKeeping(book))
	testbed.CreateTopic(t, bed.direct, "t", 1, nil)
	cluster.ControlKey(int16(kmsg.OffsetCommit), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		request := r.(*kmsg.OffsetCommitRequest)
		answer := request.ResponseKind().(*kmsg.OffsetCommitResponse)
		for _, t := range request.Topics {
			topic := kmsg.NewOffsetCommitResponseTopic()
			topic.Topic = t.Topic
			for _, p := range t.Partitions {
				part := kmsg.NewOffsetCommitResponseTopicPartition()
				part.Partition, part.ErrorCode = p.Partition, kerr.GroupAuthorizationFailed.Code
				topic.Partitions = append(topic.Partitions, part)
			}
			answer.Topics = append(answer.Topics, topic)
		}
		return answer, nil, true
	})
	bed.produce(0, 10)
	bed.run(sinkScriptID(0))
	bed.within("10 records", func() bool { return book.size() == 10 })
	m := bed.worker.Metrics()
	bed.within("a commit that failed", func() bool { return only(t, m, "sluice_task_offset_commit_failures_total") > 0 })
	assert.Positive(t, only(t, m, "kafka_connect_connector_task_metrics_offset_commit_failure_percentage"))
}
