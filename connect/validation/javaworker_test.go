package validation

import (
	"flag"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/ledger"
	"github.com/sluice-connect/sluice/internal/testbed"
)

var record = flag.Bool("record", false, "write testdata/answers.json anew: the configurations in it are put to workers of Kafka Connect")

func TestMain(m *testing.M) { testbed.Main(m) }

// The answers that the other tests compare with are those of Kafka Connect. A configuration is added to the file by its "config" alone, and
// go test ./connect/validation -run Recorded -record does the rest.
func TestTheRecordedAnswersAreThoseOfRunningWorkers(t *testing.T) {
	if testing.Short() {
		t.Skip("runs programs: not with -short")
	}
	old, fresh := readRecordings(t), new(recordings)
	for _, w := range old.Workers {
		var lines []string
		for key, value := range w.Worker {
			lines = append(lines, key+"="+value)
		}
		worker := ledger.StartJavaWorker(t, testbed.SharedKafka(t), testbed.Prefix(t), append(lines, "plugin.discovery=service_load")...)
		again := &recording{Worker: w.Worker}
		for _, c := range w.Cases {
			class := "x"
			if name := c.Config["connector.class"]; name != nil {
				class = *name
			}
			a, err := worker.Ask(t.Context(), http.MethodPut, "/connector-plugins/"+class+"/config/validate", c.Config)
			require.NoError(t, err)
			asked := &recorded{Config: c.Config}
			fresh.take(t, asked, a.Code, a.Body)
			again.Cases = append(again.Cases, asked)
		}
		worker.Terminate()
		fresh.Workers = append(fresh.Workers, again)
	}
	if *record {
		fresh.write(t)
		return
	}
	require.Equal(t, old, fresh)
}
