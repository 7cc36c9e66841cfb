package ledger

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/testbed"
)

// question is a request about offsets or topics. S and K in path and body stand for a stopped source and a stopped sink, FILE for what the
// source reads and TOPIC for where its lines go.
type question struct {
	method, path, body string
	// caused is true where Sluice adds the cause to Java's text.
	caused bool
}

func questions() []question {
	alter := func(connector, offsets string) question {
		return question{method: "PATCH", path: "/connectors/" + connector + "/offsets", body: `{"offsets":[` + offsets + `]}`}
	}
	all := []question{
		{method: "GET", path: "/connectors/S/offsets"},
		{method: "GET", path: "/connectors/K/offsets"},
		{method: "GET", path: "/connectors/nobody/offsets"},
		{method: "DELETE", path: "/connectors/nobody/offsets"},
		{method: "PATCH", path: "/connectors/S/offsets", body: `{}`},
		{method: "PATCH", path: "/connectors/S/offsets", body: `{"offsets":[]}`},
		{method: "GET", path: "/connectors/S/topics"},
		{method: "GET", path: "/connectors/K/topics"},
		{method: "GET", path: "/connectors/nobody/topics"},
		{method: "PUT", path: "/connectors/nobody/topics/reset"},
		{method: "PUT", path: "/connectors/K/topics/reset"},
	}
	for _, offsets := range []string{
		`{"partition":{"filename":"FILE"},"offset":{"line":1}}`, `{"partition":{"filename":"FILE"},"offset":{"position":"1"}}`,
		`{"partition":{"filename":"FILE"},"offset":{"position":1.5}}`, `{"partition":{"filename":"FILE"},"offset":{"position":-1}}`,
		`{"partition":{"file":"FILE"},"offset":{"position":1}}`, `{"partition":null,"offset":{"position":1}}`, `{"offset":{"position":1}}`,
		`{"partition":{"filename":["FILE"]},"offset":{"position":1}}`, `{"partition":{"filename":"FILE"},"offset":{"position":{}}}`,
		`{"partition":{"filename":"FILE"},"offset":{"position":9007199254740993,"b":true,"d":1e7,"n":null,"s":"\u20ac"}}`,
	} {
		all = append(all, alter("S", offsets), question{method: "GET", path: "/connectors/S/offsets"})
	}
	all = append(all, alter("nobody", `{"partition":{},"offset":{}}`),
		alter("S", `{"partition":{"filename":"FILE"},"offset":{"position":1}},{"partition":{"filename":"FILE"},"offset":{"position":2}}`),
		question{method: "GET", path: "/connectors/S/offsets"},
		alter("S", `{"partition":{"filename":"FILE"},"offset":null}`),
		question{method: "GET", path: "/connectors/S/offsets"},
		question{method: "DELETE", path: "/connectors/S/offsets"})
	for _, offsets := range []string{
		`{"offset":null}`, `{"partition":{"kafka_topic":"TOPIC"}}`, `{"partition":{"kafka_topic":null,"kafka_partition":0}}`,
		`{"partition":{"kafka_topic":"TOPIC","kafka_partition":null}}`, `{"partition":{"kafka_topic":"TOPIC","kafka_partition":"x"}}`,
		`{"partition":{"kafka_topic":"TOPIC","kafka_partition":1.0}}`, `{"partition":{"kafka_topic":"TOPIC","kafka_partition":0},"offset":{}}`,
		`{"partition":{"kafka_topic":"TOPIC","kafka_partition":0},"offset":{"kafka_offset":null}}`,
		`{"partition":{"kafka_topic":"TOPIC","kafka_partition":0},"offset":{"kafka_offset":true}}`,
		`{"partition":{"kafka_topic":"TOPIC","kafka_partition":"0"},"offset":{"kafka_offset":"2"}}`,
	} {
		all = append(all, alter("K", offsets), question{method: "GET", path: "/connectors/K/offsets"})
	}
	unknown := alter("K", `{"partition":{"kafka_topic":"TOPIC","kafka_partition":7},"offset":{"kafka_offset":1}}`)
	unknown.caused = true
	negative := alter("K", `{"partition":{"kafka_topic":"TOPIC","kafka_partition":0},"offset":{"kafka_offset":-1}}`)
	negative.caused = true
	return append(all, unknown, negative, alter("K", `{"partition":{"kafka_topic":"TOPIC","kafka_partition":0},"offset":null}`),
		question{method: "GET", path: "/connectors/K/offsets"},
		question{method: "DELETE", path: "/connectors/K/offsets"}, question{method: "DELETE", path: "/connectors/K/offsets"},
		question{method: "GET", path: "/connectors/K/offsets"})
}

// interviewed has a source and a sink run for a while, stops them, and asks the questions.
func interviewed(t *testing.T, w *Worker, prefix string) []Answer {
	t.Helper()
	in, topic := File(t, "in.txt", "one\ntwo\nthree\n"), prefix+"lines"
	w.Create("S", map[string]string{"connector.class": "FileStreamSource", "file": in, "topic": topic,
		"value.converter": "org.apache.kafka.connect.storage.StringConverter"})
	w.Create("K", map[string]string{"connector.class": "FileStreamSink", "file": filepath.Join(t.TempDir(), "out.txt"), "topics": topic})
	for _, name := range []string{"S", "K"} {
		testbed.Await(t, 60*time.Second, name+" to have offsets and a topic", func(ctx context.Context) error {
			for _, of := range []string{"offsets", "topics"} {
				a, err := w.Ask(ctx, "GET", "/connectors/"+name+"/"+of, nil)
				if err != nil || a.Code != 200 || strings.Contains(a.Body, "[]") {
					return fmt.Errorf("%s: %v %v", of, a, err)
				}
			}
			return nil
		})
	}
	var answers []Answer
	ask := func(q question) {
		q.body = strings.NewReplacer("FILE", in, "TOPIC", topic).Replace(q.body)
		var body any
		if q.body != "" {
			body = raw(q.body)
		}
		if q.method == "GET" && strings.HasSuffix(q.path, "/offsets") { // Java lists partitions before it has read to the topic's end
			_, err := w.Ask(t.Context(), q.method, q.path, nil)
			require.NoError(t, err)
		}
		a, err := w.Ask(t.Context(), q.method, q.path, body)
		require.NoError(t, err)
		a.Body = strings.NewReplacer(in, "FILE", topic, "TOPIC").Replace(a.Body)
		answers = append(answers, a)
	}
	ask(question{method: "DELETE", path: "/connectors/S/offsets"})
	for _, name := range []string{"S", "K"} {
		_, err := w.Ask(t.Context(), "PUT", "/connectors/"+name+"/stop", nil)
		require.NoError(t, err)
		testbed.Await(t, 60*time.Second, name+" to be stopped", func(ctx context.Context) error {
			s, err := w.Status(ctx, name)
			if err != nil || s.Connector.State != "STOPPED" || len(s.Tasks) > 0 {
				return fmt.Errorf("%v %v", s, err)
			}
			return nil
		})
	}
	for _, q := range questions() {
		ask(q)
	}
	return answers
}

// raw is a body that is sent as it is.
type raw string

func (r raw) MarshalJSON() ([]byte, error) { return []byte(r), nil }

func TestOffsetsAndTopicsAreAnsweredAsByJava(t *testing.T) {
	needsProcesses(t)
	kafka, prefix := testbed.SharedKafka(t), testbed.Prefix(t)
	java := interviewed(t, StartJavaWorker(t, kafka, prefix+"java-"), prefix+"java-")
	sluice := interviewed(t, StartWorker(t, kafka, prefix+"sluice-"), prefix+"sluice-")
	for i, q := range append([]question{{method: "DELETE", path: "/connectors/S/offsets of a running connector"}}, questions()...) {
		what := strings.TrimSpace(q.method + " " + q.path + " " + q.body)
		want, got := java[i], sluice[i]
		if q.caused {
			assert.Equal(t, want.Code, got.Code, what)
			assert.Regexp(t, "^"+regexp.QuoteMeta(strings.TrimSuffix(want.Body, `"}`))+`: .`, got.Body, what)
			continue
		}
		assert.Equal(t, want, got, what)
	}
}

func TestOffsetsAreAlteredThroughAnyWorkerOfAMixedCluster(t *testing.T) {
	needsProcesses(t)
	for _, leader := range []string{"Sluice", "Java"} {
		t.Run(leader+" leads", func(t *testing.T) {
			kafka, prefix := testbed.SharedKafka(t), testbed.Prefix(t)
			var workers []*Worker
			if leader == "Sluice" {
				workers = append(workers, StartWorker(t, kafka, prefix), StartJavaWorker(t, kafka, prefix))
			} else {
				workers = append(workers, StartJavaWorker(t, kafka, prefix), StartWorker(t, kafka, prefix))
			}
			in := File(t, "in.txt", "one\ntwo\n")
			name, topic := prefix+"S", prefix+"lines"
			workers[0].Create(name, map[string]string{"connector.class": "FileStreamSource", "file": in, "topic": topic,
				"value.converter": "org.apache.kafka.connect.storage.StringConverter"})
			eventually := func(w *Worker, method, path, body string, want Answer) {
				t.Helper()
				testbed.Await(t, 60*time.Second, method+" "+path+" at "+w.URL, func(ctx context.Context) error {
					var sent any
					if body != "" {
						sent = raw(body)
					}
					a, err := w.Ask(ctx, method, "/connectors/"+name+path, sent)
					if err == nil && a != want {
						err = fmt.Errorf("%v", a)
					}
					return err
				})
			}
			at := func(position string) string {
				return `{"offsets":[{"partition":{"filename":"` + in + `"},"offset":{"position":` + position + `}}]}`
			}
			for _, w := range workers {
				eventually(w, "GET", "/offsets", "", Answer{200, at("8")})
				eventually(w, "GET", "/topics", "", Answer{200, `{"` + name + `":{"topics":["` + topic + `"]}}`})
			}
			eventually(workers[0], "PUT", "/stop", "", Answer{204, ""})
			for i, w := range workers {
				position := fmt.Sprint(4 * i)
				eventually(w, "PATCH", "/offsets", at(position), Answer{200, `{"message":"The offsets for this connector have been altered successfully"}`})
				for _, reader := range workers {
					eventually(reader, "GET", "/offsets", "", Answer{200, at(position)})
				}
			}
			for _, w := range workers {
				eventually(w, "DELETE", "/offsets", "", Answer{200, `{"message":"The offsets for this connector have been reset successfully"}`})
			}
			eventually(workers[1], "PUT", "/topics/reset", "", Answer{202, ""})
			eventually(workers[0], "GET", "/topics", "", Answer{200, `{"` + name + `":{"topics":[]}}`})
			eventually(workers[1], "PUT", "/resume", "", Answer{202, ""})
			for _, w := range workers {
				eventually(w, "GET", "/offsets", "", Answer{200, at("8")})
				eventually(w, "GET", "/topics", "", Answer{200, `{"` + name + `":{"topics":["` + topic + `"]}}`})
			}
		})
	}
}
