package parity

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/ledger"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// console runs the client commands of the built program against one cluster.
type console struct {
	t      *testing.T
	worker *ledger.Worker
	kafka  string
	dir    string // that of manifests and files
}

// ran is what a command has left, without what differs from run to run.
type ran struct {
	line, out, err string
	code           int
}

// do runs a command line.
func (c *console) do(line string) ran {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, testbed.SluiceBinary(c.t), strings.Fields(line)...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+filepath.Join(c.dir, "config"))
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	err := cmd.Run()
	if exit := new(exec.ExitError); err != nil {
		require.ErrorAs(c.t, err, &exit, line)
	}
	return ran{line, c.neutral(out.String()), c.neutral(stderr.String()), cmd.ProcessState.ExitCode()}
}

// instants are moments and what is counted from them.
var instants = regexp.MustCompile(`\d{4}-\d\d-\d\dT[\d:.]+Z|\d\d:\d\d:\d\dZ|\d+(\.\d+)?(ms|s|m\d+s) ago`)

// blanks are those that align columns, which are as wide as a worker's name.
var blanks = regexp.MustCompile(` {2,}`)

func (c *console) neutral(text string) string {
	_, id, _ := strings.Cut(c.worker.URL, "//")
	text = strings.NewReplacer(c.worker.URL, "WORKER", id, "WORKER", c.dir, "DIR").Replace(text)
	return blanks.ReplaceAllString(instants.ReplaceAllString(text, "THEN"), "  ")
}

// eventually runs a command line until its output holds what it shall.
func (c *console) eventually(line, want string) ran {
	c.t.Helper()
	var last ran
	testbed.Await(c.t, within, line+" to tell "+want, func(context.Context) error {
		if last = c.do(line); !strings.Contains(last.out, want) {
			return fmt.Errorf("exit code %d, %s\n%s", last.code, last.err, last.out)
		}
		return nil
	})
	return last
}

func (c *console) write(name, text string) {
	c.t.Helper()
	path := filepath.Join(c.dir, name)
	require.NoError(c.t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(c.t, os.WriteFile(path, []byte(text), 0o600))
}

const stringConverter = "org.apache.kafka.connect.storage.StringConverter"

// connectors writes twenty manifests of all forms: sources of files, and two sinks of which one has a dead letter queue. changed is another version of them.
func (c *console) connectors(changed bool) {
	tasks := "1"
	if changed {
		tasks = "2"
	}
	for i := 1; i <= 18; i++ {
		name := fmt.Sprintf("lines-%02d", i)
		topic := fmt.Sprintf("lines-%d", i%3)
		file := filepath.Join(c.dir, "in", name)
		switch i % 3 {
		case 0:
			c.write("connectors/"+name+".yaml", fmt.Sprintf("name: %s\nconfig:\n  connector.class: FileStreamSource\n  tasks.max: %s\n  file: %s\n  topic: %s\n", name, tasks, file, topic))
		case 1:
			c.write("connectors/"+name+".json", fmt.Sprintf(`{"name":%q,"config":{"connector.class":"FileStreamSource","tasks.max":1,"file":%q,"topic":%q}}`, name, file, topic))
		case 2:
			c.write("connectors/"+name+".properties", fmt.Sprintf("name=%s\nconnector.class=FileStreamSource\nfile=%s\ntopic=%s\n", name, file, topic))
		}
		if !changed {
			c.write("in/"+name, "a line\n")
		}
	}
	converter := "org.apache.kafka.connect.json.JsonConverter"
	schemas := "    value.converter.schemas.enable: false\n"
	if changed {
		converter, schemas = stringConverter, ""
		require.NoError(c.t, os.Remove(filepath.Join(c.dir, "connectors/lines-18.yaml")))
	}
	c.write("connectors/sinks.yaml", fmt.Sprintf(`name: lake
config:
  connector.class: FileStreamSink
  file: %s
  topics: mixed
  consumer.override.auto.offset.reset: earliest
  value.converter: %s
%s  errors.tolerance: all
  errors.deadletterqueue.topic.name: dead
  errors.deadletterqueue.topic.replication.factor: 1
  errors.deadletterqueue.context.headers.enable: true
---
name: copy
config:
  connector.class: FileStreamSink
  file: %s
  topics: lines-1
  app.password: geheim
`, filepath.Join(c.dir, "out/lake"), converter, strings.ReplaceAll(schemas, "    ", "  "), filepath.Join(c.dir, "out/copy")))
}

// script runs through the commands, and returns what they said.
func (c *console) script() []ran {
	t := c.t
	var all []ran
	do := func(line string, code int) ran {
		t.Helper()
		r := c.do(line)
		require.Equal(t, code, r.code, "%s\n%s%s", line, r.out, r.err)
		all = append(all, r)
		return r
	}
	require.NoError(t, os.MkdirAll(filepath.Join(c.dir, "out"), 0o700))
	c.connectors(false)
	do("context set here --server "+c.worker.URL+" --bootstrap-servers "+c.kafka, 0)
	do("get", 0)
	do("validate -f connectors", 0)
	do("apply -f connectors --dry-run", 6)
	do("apply -f connectors --wait", 0)
	do("apply -f connectors", 0)
	do("status", 0)
	do("get", 0)
	do("get tasks lines-01", 0)
	do("get lines-03 -o yaml", 0)

	c.write("bad.json", `[{"name":"x","connector.class":"NoSuchThing"},{"name":"y","connector.class":"FileStreamSource","tasks.max":"zero"}]`)
	do("validate -f bad.json", 5)
	do("apply -f bad.json", 5)

	testbed.Produce(t, c.kafka,
		&sarama.ProducerMessage{Topic: "mixed", Value: sarama.StringEncoder(`"good"`)},
		&sarama.ProducerMessage{Topic: "mixed", Key: sarama.StringEncoder("k"), Value: sarama.StringEncoder("no json"),
			Headers: []sarama.RecordHeader{{Key: []byte("own"), Value: []byte("a")}, {Key: []byte("none")}}},
		&sarama.ProducerMessage{Topic: "mixed", Value: sarama.StringEncoder("none either")})
	c.eventually("dlq ls -o json", `"records": 2`)
	do("dlq ls", 0)
	do("dlq show lake", 0)
	do("dlq replay lake --dry-run", 6)

	c.connectors(true)
	do("apply -f connectors --prune", 1)
	do("apply -f connectors --prune --yes --wait", 0)
	do("apply -f connectors --prune --yes", 0)
	do("dlq replay lake --yes", 0)
	do("dlq replay lake --yes", 0)
	testbed.Await(t, within, "what was replayed to be printed", func(context.Context) error {
		out, err := os.ReadFile(filepath.Join(c.dir, "out/lake"))
		if err == nil && string(out) != "good\nno json\nnone either\n" {
			err = fmt.Errorf("there is %q", out)
		}
		return err
	})
	c.eventually("offsets get lake", "mixed")
	do("describe lines-01", 0)

	do("pause lines-01 lines-02", 0)
	c.eventually("get lines-01 lines-02 -o wide", "lines-01  source  PAUSED")
	do("resume lines-01 lines-02", 0)
	c.eventually("status lines-01", "RUNNING")
	do("restart lines-01", 0)
	c.eventually("status lines-01", "lines-01  source  RUNNING  1")
	do("restart lines-01 --include-tasks", 0)
	c.eventually("status lines-01", "lines-01  source  RUNNING  1") // what is being restarted counts in the next plan
	do("restart lines-01 --include-tasks --only-failed", 0)
	do("restart lines-01 --task 0", 0)
	do("offsets reset lines-01 --yes", 2)
	do("stop lines-01 --wait", 0)
	do("status lines-01", 0)
	do("offsets get lines-01", 0)
	do("offsets set lines-01 --partition {\"filename\":\""+filepath.Join(c.dir, "in/lines-01")+"\"} --offset {\"position\":0} --dry-run", 6)
	do("offsets set lines-01 --partition {\"filename\":\""+filepath.Join(c.dir, "in/lines-01")+"\"} --offset {\"position\":0}", 0)
	do("offsets reset lines-01 --yes", 0)
	do("offsets get lines-01", 0)
	do("stop lake --wait", 0)
	testbed.Await(t, within, "the sink's group to be empty", func(context.Context) error { // Java refuses until its consumers are gone
		if r := c.do("offsets set lake mixed:0=1"); r.code != 0 {
			return fmt.Errorf("%s", r.err)
		}
		return nil
	})
	do("offsets get lake -o json", 0)
	do("resume lines-01 lake", 0)
	c.eventually("status lines-01 lake", "RUNNING")

	c.write("broken.yaml", "name: broken\nconnector.class: FileStreamSource\nfile: "+filepath.Join(c.dir, "in/lines-01")+
		"\ntopic: lines-0\nvalue.converter: org.apache.kafka.connect.converters.ByteArrayConverter\n")
	do("apply -f broken.yaml", 0)
	c.eventually("status broken", "broken  source  FAILED  0/1")
	require.Equal(t, 7, c.do("status broken").code)
	do("describe broken", 0)
	do("restart broken --include-tasks --only-failed", 0)
	do("delete broken", 0)

	do("top --count 1 --every 200ms", 0)
	do("cluster", 0)
	do("get gone", 4)
	do("delete gone lines-17", 4)
	do("delete --all", 1)
	do("delete --all --yes", 0)
	do("get", 0)
	return all
}

// loggers changes levels of a worker's loggers.
func (c *console) loggers() {
	for _, line := range []struct{ does, want string }{
		{"loggers set org.apache.kafka.connect.runtime debug", "org.apache.kafka.connect.runtime is DEBUG\n"},
		{"loggers get org.apache.kafka.connect.runtime", "org.apache.kafka.connect.runtime  DEBUG  THEN\n"},
		{"loggers set org.apache.kafka.connect.runtime INFO --cluster", "org.apache.kafka.connect.runtime is INFO in every worker"},
		{"loggers get", "root  INFO"},
	} {
		r := c.do(line.does)
		require.Zero(c.t, r.code, r.err)
		assert.Contains(c.t, r.out, line.want)
	}
}

// differing are the commands of which Java's workers tell less, or in other words.
func differing(line string) bool {
	for _, prefix := range []string{
		"top", "cluster", // Java's workers tell neither metrics nor what the leader knows
		"describe", // likewise
		"dlq show", // the words of another JSON parser
	} {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}

func TestTheCommandLineWorksWithJavaAsWithSluice(t *testing.T) {
	if testing.Short() {
		t.Skip("runs programs: not with -short")
	}
	run := func(start func(t testing.TB, bootstrap, prefix string, more ...string) *ledger.Worker) (*console, []ran) {
		kafka := testbed.StartKafka(t).Addr()
		for _, topic := range []string{"mixed", "lines-0", "lines-1", "lines-2"} {
			testbed.CreateTopic(t, kafka, topic, 1, nil)
		}
		c := &console{t: t, kafka: kafka, dir: t.TempDir(), worker: start(t, kafka, "w-", "value.converter="+stringConverter)}
		return c, c.script()
	}
	sluices, ours := run(ledger.StartWorker)
	sluices.loggers()
	javas, java := run(ledger.StartJavaWorker)
	javas.loggers()
	require.Len(t, ours, len(java))
	for i := range java {
		if !differing(java[i].line) {
			assert.Equal(t, java[i].out, ours[i].out, java[i].line)
			assert.Equal(t, java[i].err, ours[i].err, java[i].line)
		}
	}
	for _, all := range [][]ran{ours, java} {
		for _, r := range all {
			t.Logf("$ sluice %s\n%s%s", r.line, r.out, r.err)
		}
	}
}
