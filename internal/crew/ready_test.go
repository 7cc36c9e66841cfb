package crew

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/ledger"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// A worker whose Kafka hangs can do nothing. /health, whose words are Java's, is content all the same; readiness is not.
func TestAWorkerThatHasLostItsGroupIsNotReady(t *testing.T) {
	needsProcesses(t)
	kafka := testbed.StartKafka(t)
	w := ledger.StartWorker(t, kafka.Addr(), testbed.Prefix(t), sessionLine())
	ready := func(code int, says string) {
		t.Helper()
		awaitReadiness(t, w, code, says)
	}
	ready(200, `{"ready":true,"hindrances":[]}`)
	kafka.Freeze()
	frozen := time.Now()
	ready(503, `"cause":"lost-group"`)
	t.Logf("not ready %v after Kafka froze", time.Since(frozen).Round(time.Millisecond))
	a, err := w.Ask(t.Context(), "GET", "/health", nil)
	require.NoError(t, err)
	assert.Equal(t, ledger.Answer{Code: 200, Body: `{"status":"healthy","message":"Worker has completed startup and is ready to handle requests."}`}, a)
	kafka.Thaw()
	thawed := time.Now()
	ready(200, `"ready":true`)
	t.Logf("ready %v after it went on", time.Since(thawed).Round(time.Millisecond))
}

// awaitReadiness waits for an answer of /sluice/v1/ready that says something.
func awaitReadiness(t *testing.T, w *ledger.Worker, code int, says string) {
	t.Helper()
	testbed.Await(t, session+30*time.Second, fmt.Sprintf("readiness to be %d %s", code, says), func(ctx context.Context) error {
		began := time.Now()
		a, err := w.Ask(ctx, "GET", "/sluice/v1/ready", nil)
		switch {
		case err != nil:
			return err
		case time.Since(began) > 2*time.Second:
			return errors.New("it took longer than a probe waits")
		case a.Code != code || !strings.Contains(a.Body, says):
			return fmt.Errorf("%d %s", a.Code, a.Body)
		}
		return nil
	})
}
