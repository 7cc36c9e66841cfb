package ledger

import (
	"fmt"
	"net"
	"strconv"
	"testing"

	"github.com/sluice-connect/sluice/internal/testbed"
)

// Dev is "sluice dev" as a child of the test: a Kafka, an MQTT broker and a worker in one process.
type Dev struct {
	*Worker
	// Kafka and MQTT are host:port.
	Kafka, MQTT string
}

// LaunchDev runs "sluice dev" on free ports with more arguments and does not wait.
func LaunchDev(t testing.TB, more ...string) *Dev {
	t.Helper()
	kafka, mqtt, rest := testbed.FreePort(t), testbed.FreePort(t), testbed.FreePort(t)
	api := REST{URL: fmt.Sprintf("http://127.0.0.1:%d", rest)}
	args := append([]string{
		"dev", "--kafka-port", strconv.Itoa(kafka), "--mqtt-port", strconv.Itoa(mqtt), "--rest-port", strconv.Itoa(rest),
	}, more...)
	process := testbed.Launch(t, testbed.Command{
		Name: "sluice dev", Path: testbed.SluiceBinary(t), Args: args, Ready: api.Ready,
	})
	return &Dev{
		Worker: &Worker{process, api, t},
		Kafka:  net.JoinHostPort("127.0.0.1", strconv.Itoa(kafka)),
		MQTT:   net.JoinHostPort("127.0.0.1", strconv.Itoa(mqtt)),
	}
}
