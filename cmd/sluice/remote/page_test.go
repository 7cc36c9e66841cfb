package remote

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect/herder"
)

const troubled = `{"name":"lake","connector":{"state":"RUNNING","worker_id":"a:8083","version":"1.2"},"tasks":[
	{"id":0,"state":"RUNNING","worker_id":"a:8083"},
	{"id":1,"state":"RUNNING","worker_id":"b:8083","trace":"retrying: connection refused (since 2026-05-04T03:02:01Z, next try within 30s)"},
	{"id":2,"state":"FAILED","worker_id":"b:8083","trace":"java.lang.Error: it failed\n\tat x.Y\nCaused by: java.io.IOException: disk full\n\t... 3 more\n"}],"type":"sink"}`

func TestDescribeTellsTheWholeStoryOnOnePage(t *testing.T) {
	f := newFake(t)
	f.add("lake", map[string]string{"connector.class": "Mqtt", "topics": "lines", "mqtt.password": "geheim", "mqtt.qos": "1"})
	f.statuses["lake"] = troubled
	f.offsets["lake"] = `{"offsets":[{"partition":{"kafka_topic":"lines","kafka_partition":0},"offset":{"kafka_offset":42}}]}`
	f.answers["GET /metrics"] = "# TYPE kafka_connect_sink_task_metrics_sink_record_read_total counter\n" +
		`kafka_connect_sink_task_metrics_sink_record_read_total{connector="lake",task="0"} 5` + "\n" +
		`kafka_connect_sink_task_metrics_sink_record_read_total{connector="lake",task="1"} 6` + "\n"
	o := run(t, "describe", "lake")
	require.Zero(t, o.code, o.err)
	for _, part := range []string{
		"lake  sink, FAILED\n", "  class     Mqtt 1.2\n", "  instance  RUNNING on a:8083\n", "  tasks     2 of 3 run\n", "  topics    lines\n", "  records   11 read, 0 put",
		"task 1 tries again and again, since 2026-05-04T03:02:01Z, for ", "s\n    connection refused\n    next try within 30s\n",
		"task 2 has failed on b:8083\n    java.lang.Error: it failed\n    Caused by: java.io.IOException: disk full\n    ... 2 lines more: -o wide\n", "next: when the cause is gone, sluice restart lake --include-tasks --only-failed\n",
		"  lines  0          42      ?\n", "  mqtt.password    [hidden]\n",
	} {
		assert.Contains(t, o.out, part)
	}
	assert.NotContains(t, o.out, "geheim")

	assert.Contains(t, run(t, "describe", "lake", "-o", "wide").out, "    java.lang.Error: it failed\n    \tat x.Y\n    Caused by: java.io.IOException: disk full\n    \t... 3 more\n")
	o = run(t, "describe", "lake", "-o", "yaml")
	assert.Contains(t, o.out, "standing: FAILED\n")
	assert.Contains(t, o.out, "retrying:\n  - what: task 1\n    cause: connection refused\n    since: \"2026-05-04T03:02:01Z\"\n    next: within 30s\n")
	assert.NotContains(t, o.out, "geheim")
}

func TestStatusTellsByItsExitCodeWhetherAllRuns(t *testing.T) {
	f := newFake(t)
	f.add("good", map[string]string{"connector.class": "File"})
	o := run(t, "status")
	assert.Equal(t, outcome{out: "NAME  TYPE    STATE    TASKS  WORKER  WHAT IS WRONG\ngood  source  RUNNING  1      a:8083\n"}, o)
	f.add("lake", map[string]string{"connector.class": "File"})
	f.statuses["lake"] = troubled
	o = run(t, "status")
	assert.Equal(t, exitNotRunning, o.code)
	assert.Equal(t, `NAME      TYPE    STATE    TASKS  WORKER  WHAT IS WRONG
good      source  RUNNING  1      a:8083
lake      sink    FAILED   2/3    a:8083
  task 1          RUNNING         b:8083  retrying: connection refused (since 2026-05-04T03:02:01Z, next try within 30s)
  task 2          FAILED          b:8083  java.io.IOException: disk full
`, o.out)
	assert.Zero(t, run(t, "status", "good").code)
	assert.Equal(t, exitNotRunning, run(t, "status", "lake", "-o", "json").code)
	assert.Equal(t, exitNotFound, run(t, "status", "gone").code)
}

func TestTopShowsRatesAndSaysWhatJavaCannotShow(t *testing.T) {
	f := newFake(t)
	f.add("good", map[string]string{"connector.class": "File"})
	f.answers["GET /sluice/v1/cluster"] = `{"source":"leader","members":[{"url":"` + f.URL + `/"},{"url":"http://127.0.0.1:1/"}]}`
	f.answers["GET /metrics"] = `kafka_connect_source_task_metrics_source_record_poll_total{connector="good",task="0"} 5` + "\n" +
		`kafka_connect_source_task_metrics_source_record_active_count{connector="good",task="0"} 3` + "\n"
	o := run(t, "top", "--count", "1", "--every", "100ms")
	require.Zero(t, o.code, o.err)
	assert.Contains(t, o.out, "good  source  RUNNING  1      0     0      3          0         -\n")
	assert.Contains(t, o.out, "no metrics came from http://127.0.0.1:1/\n")

	delete(f.answers, "GET /metrics")
	delete(f.answers, "GET /sluice/v1/cluster")
	o = run(t, "top", "--count", "1", "--every", "100ms")
	require.Zero(t, o.code, o.err)
	assert.Contains(t, o.out, "good  source  RUNNING  1      -     -      -          -         -\n")
	assert.Contains(t, o.out, "Java's show theirs over JMX only, so that rates and lag cannot be shown\n")
	assert.Equal(t, 25.0, rate(100, 150, 2*time.Second))
	assert.Zero(t, rate(100, 5, time.Second), "a counter that has fallen began anew")
}

func TestAStatusIsJudgedByItsWorstPart(t *testing.T) {
	state := func(s, trace string) herder.TaskState { return herder.TaskState{State: s, Trace: trace, WorkerID: "w"} }
	for _, c := range []struct {
		connector string
		tasks     []herder.TaskState
		verdict   verdict
		standing  string
	}{
		{"RUNNING", []herder.TaskState{state("RUNNING", "")}, well, "RUNNING"},
		{"RUNNING", nil, underWay, "RUNNING"},
		{"PAUSED", []herder.TaskState{state("PAUSED", "")}, well, "PAUSED"},
		{"STOPPED", nil, well, "STOPPED"},
		{"RUNNING", []herder.TaskState{state("RUNNING", ""), state("UNASSIGNED", "")}, underWay, "UNASSIGNED"},
		{"RUNNING", []herder.TaskState{state("RUNNING", "retrying: x (since y)")}, underWay, "RETRYING"},
		{"RUNNING", []herder.TaskState{state("RESTARTING", ""), state("FAILED", "x")}, broken, "FAILED"},
		{"FAILED", []herder.TaskState{state("RUNNING", "")}, broken, "FAILED"},
		{"UNASSIGNED", nil, underWay, "UNASSIGNED"},
	} {
		status := herder.ConnectorStateInfo{Connector: herder.ConnectorState{State: c.connector}, Tasks: c.tasks}
		assert.Equal(t, c.verdict, judgeStatus(status).verdict, "%+v", c)
		assert.Equal(t, c.standing, standing(status, true), "%+v", c)
	}
	assert.Equal(t, "NEW", standing(herder.ConnectorStateInfo{}, false))
}

func TestSecretsAreHiddenByTypeByNameAndInURLs(t *testing.T) {
	hide := newSecrets(nil)
	hide.classes["C"] = map[string]bool{"pin": true}
	for _, c := range []struct{ key, value, shown string }{
		{"pin", "4711", "[hidden]"}, {"pin", "${file:/x:pin}", "${file:/x:pin}"}, {"pin", "", ""}, {"pins", "4711", "4711"},
		{"mqtt.password", "geheim", "[hidden]"}, {"aws_secret_access_key", "geheim", "[hidden]"}, {"producer.override.sasl.jaas.config", "x required;", "[hidden]"},
		{"sasl.oauthbearer.token.endpoint.url", "https://x", "https://x"}, {"tokenizer", "x", "x"}, {"password.file", "/x", "/x"},
		{"connection.url", "jdbc:x://h/db?user=a&password=geheim&ssl=true", "jdbc:x://h/db?user=a&password=[hidden]&ssl=true"},
		{"connection.url", "mongodb://a:geheim@h/db", "mongodb://a:[hidden]@h/db"}, {"topic", "a:b@c", "a:b@c"},
	} {
		assert.Equal(t, c.shown, hide.shown(t.Context(), "C", c.key, c.value), c.key)
	}
}

func TestKeysThatNobodyKnowsAreNamedWithWhatMayBeMeant(t *testing.T) {
	newFake(t)
	o := runWith(t.Context(), `{"name":"a","connector.class":"Mqtt","mqtt.qoss":"1","value.converter.schemas.enable":"false","transforms":"t","transforms.u.type":"X",
		"topic.creation.default.partitions":"1","consumer.override.client.id":"x","header.converter.x":"y","zzz":"1"}`, "validate", "-f", "-")
	assert.Zero(t, o.code, o.err)
	assert.Equal(t, `a  standard input
  warning  header.converter.x has no effect: without header.converter here the worker's own converter is used, with the worker's settings
  warning  mqtt.qoss is unknown: was mqtt.qos meant?
  warning  transforms.u.type has no effect: transforms does not name u
  warning  value.converter.schemas.enable has no effect: without value.converter here the worker's own converter is used, with the worker's settings
  warning  zzz is unknown: neither the framework nor the class defines it
1 of 1 manifests would be accepted
`, o.out)
	assert.Equal(t, 3, edits("kitten", "sitting"))
}

func TestOnlyATerminalGetsColours(t *testing.T) {
	var text strings.Builder
	page := newScreen(&text)
	assert.Equal(t, "x", page.paint(red, "x"))
	assert.Equal(t, "\n", page.clear())
	page.dull, page.live = false, true
	assert.Equal(t, "\x1b[31mx\x1b[0m", page.paint(red, "x"))
	assert.Equal(t, "\x1b[H\x1b[2J", page.clear())
	rows := new(table)
	rows.row("A", "B", "C")
	rows.row(cell{"ärger", red}, "", "x")
	rows.write(page, "  ")
	assert.Equal(t, "  A      B  C\n  \x1b[31märger\x1b[0m     x\n", text.String(), "colours do not count for the width")
}
