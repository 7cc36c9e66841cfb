package parity

import (
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/ledger"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// dialogues are what clients ask, by their published source: terraform-provider-kafka-connect on go-kafka-connect; Strimzi's KafkaConnectApiImpl;
// kcctl's KafkaConnectApi; the consoles Kafka UI, Redpanda Console (connect-client), kafka-connect-ui, AKHQ and Conduktor. The edges are each
// sentence of the REST API that has one. They are files of testdata, in the order in which they are held.
var dialogues = []string{"terraform", "operator", "kcctl", "consoles", "edges"}

func TestRESTAnswersAsJavaDoes(t *testing.T) {
	if testing.Short() {
		t.Skip("runs programs: not with -short")
	}
	kafka, prefix := testbed.SharedKafka(t), testbed.Prefix(t)
	java := newParty(t, kafka, prefix+"j-", ledger.StartJavaWorker)
	ours := newParty(t, kafka, prefix+"s-", ledger.StartWorker)
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	promised := readDocument(t, ours)
	count := 0
	for _, name := range dialogues {
		t.Run(name, func(t *testing.T) {
			for _, e := range reading(t, filepath.Join("testdata", name+".http")) {
				count++
				theirs, own := java.tell(t, e), ours.tell(t, e)
				e.compare(t, theirs, own, string(readme))
				promised.check(t, &e, ours.fill(e.body), own, "Sluice")
				if theirs.Code < 300 {
					promised.check(t, &e, java.fill(e.body), theirs, "Java")
				}
			}
		})
	}
	t.Logf("%d exchanges", count)
	assert.GreaterOrEqual(t, count, 150)
}

// newParty starts a worker for a dialogue.
func newParty(t *testing.T, kafka, prefix string, start func(t testing.TB, bootstrap, prefix string, more ...string) *ledger.Worker) *party {
	t.Helper()
	topic := prefix + "con-in"
	testbed.CreateTopic(t, kafka, topic, 1, nil)
	w := start(t, kafka, prefix, "value.converter=org.apache.kafka.connect.storage.StringConverter")
	_, addr, _ := strings.Cut(w.URL, "//")
	return &party{addr: addr, values: [][2]string{
		{"$p", prefix},
		{"$f", ledger.File(t, "in", "one\ntwo\nthree\n")},
		{"$o", filepath.Join(t.TempDir(), "out")},
	}}
}

// compare holds an answer of Sluice to one of Java. Where they differ on purpose, README's table must say so, and they must really differ.
func (e *exchange) compare(t *testing.T, java, ours said, readme string) {
	t.Helper()
	where := e.file + ":" + strconv.Itoa(e.line) + ": " + e.title + ": " + e.method + " " + e.target
	javaBody, ourBody := e.comparable(java.Body), e.comparable(ours.Body)
	if e.difference == "" {
		assert.Equal(t, java.Code, ours.Code, "%s\nJava: %s\nours: %s", where, java.Body, ours.Body)
		assert.Equal(t, java.Headers, ours.Headers, where)
		assert.Equal(t, javaBody, ourBody, where)
		return
	}
	assert.Contains(t, readme, "\n| "+e.difference+" |", where)
	if e.here == 0 {
		assert.Equal(t, java.Code, ours.Code, "%s\nJava: %s\nours: %s", where, java.Body, ours.Body)
		assert.False(t, javaBody == ourBody && maps.Equal(java.Headers, ours.Headers), "%s: there is no difference any more", where)
		return
	}
	assert.Equal(t, e.here, ours.Code, "%s\nJava: %d %s\nours: %s", where, java.Code, java.Body, ours.Body)
	assert.NotEqual(t, java.Code, ours.Code, "%s: there is no difference any more", where)
}
