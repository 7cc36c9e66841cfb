package crew

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/ledger"
	"github.com/sluice-connect/sluice/internal/testbed"
)

func TestTheExampleRunsThreeWorkersAndEndsThem(t *testing.T) {
	needsProcesses(t)
	built, err := exec.CommandContext(t.Context(), "make", "-s", "-C", "../..", "build").CombinedOutput() // the script would, and take its time
	require.NoError(t, err, string(built))
	t.Run("on an embedded Kafka", func(t *testing.T) { runExample(t) })
	t.Run("on a Kafka that is given", func(t *testing.T) {
		kafka := testbed.StartKafka(t)
		runExample(t, kafka.Addr())
		assert.NotEmpty(t, testbed.ConsumeAll(t, kafka.Addr(), "ticks"))
	})
}

// runExample starts the example with arguments, and ends it when it works.
func runExample(t *testing.T, args ...string) {
	t.Helper()
	port := testbed.FreePort(t)
	script, err := filepath.Abs("../../examples/cluster/run.sh")
	require.NoError(t, err)
	run := testbed.Launch(t, testbed.Command{Name: "run.sh", Path: script, Args: args, Env: []string{
		fmt.Sprintf("REST_PORT=%d", port), fmt.Sprintf("KAFKA_PORT=%d", testbed.FreePort(t)), fmt.Sprintf("MQTT_PORT=%d", testbed.FreePort(t)),
	}})
	var members []string
	testbed.Await(t, time.Minute, "three workers with all the work", func(ctx context.Context) error {
		a, err := ledger.REST{URL: fmt.Sprintf("http://127.0.0.1:%d", port+1)}.Ask(ctx, "GET", "/sluice/v1/cluster", nil)
		if err != nil {
			return err
		}
		var o struct {
			Members []struct {
				URL   string
				Tasks []string
			}
		}
		if err := json.Unmarshal([]byte(a.Body), &o); err != nil {
			return err
		}
		members = nil
		tasks := 0
		for _, m := range o.Members {
			members = append(members, m.URL)
			tasks += len(m.Tasks)
		}
		if len(members) != 3 || tasks != 9 {
			return fmt.Errorf("%d workers with %d tasks", len(members), tasks)
		}
		return nil
	})
	require.Zero(t, run.Terminate())
	for n := range 3 {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port+n))
		if err == nil {
			_ = c.Close()
		}
		assert.Error(t, err, "worker %d has outlived the example", n+1)
	}
}
