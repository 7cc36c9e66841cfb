package ledger

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/testbed"
)

// Worker is a worker as a child of the test: the sluice program, or Java's Kafka Connect.
type Worker struct {
	*testbed.Process
	REST

	t testing.TB
}

// WorkerProperties is a worker's file for a Kafka at host:port: names of group and topics begin with prefix, values of records are
// bytes. A later line of more wins.
func WorkerProperties(bootstrap, prefix string, restPort int, more ...string) string {
	lines := []string{
		"bootstrap.servers=" + bootstrap,
		"group.id=" + prefix + "group",
		"config.storage.topic=" + prefix + "configs",
		"offset.storage.topic=" + prefix + "offsets",
		"status.storage.topic=" + prefix + "status",
		"config.storage.replication.factor=1",
		"offset.storage.replication.factor=1",
		"status.storage.replication.factor=1",
		"offset.storage.partitions=1",
		"status.storage.partitions=1",
		"offset.flush.interval.ms=1000",
		"key.converter=org.apache.kafka.connect.storage.StringConverter",
		"value.converter=org.apache.kafka.connect.converters.ByteArrayConverter",
		fmt.Sprintf("listeners=http://127.0.0.1:%d", restPort),
	}
	return strings.Join(append(lines, more...), "\n") + "\n"
}

// LaunchWorker runs "sluice worker" on the properties and does not wait.
func LaunchWorker(t testing.TB, properties string) *testbed.Process {
	t.Helper()
	return testbed.Launch(t, testbed.Command{Path: testbed.SluiceBinary(t), Args: []string{"worker", File(t, "worker.properties", properties)}})
}

// StartWorker runs "sluice worker" against a Kafka (see [WorkerProperties]) and waits until its REST answers.
func StartWorker(t testing.TB, bootstrap, prefix string, more ...string) *Worker {
	t.Helper()
	port := testbed.FreePort(t)
	return RunWorker(t, port, File(t, "worker.properties", WorkerProperties(bootstrap, prefix, port, more...)))
}

// RunWorker runs "sluice worker" on a properties file that has it listen at port, and waits until its REST answers.
func RunWorker(t testing.TB, port int, path string) *Worker {
	t.Helper()
	return RunProgram(t, testbed.SluiceBinary(t), port, path)
}

// RunProgram is [RunWorker] with another sluice program.
func RunProgram(t testing.TB, program string, port int, path string) *Worker {
	t.Helper()
	return RunAt(t, testbed.Command{Name: "sluice worker", Path: program, Args: []string{"worker", path}}, REST{URL: fmt.Sprintf("http://127.0.0.1:%d", port)})
}

// RunAt runs a worker that is asked as rest says, and waits until it answers.
func RunAt(t testing.TB, command testbed.Command, rest REST) *Worker {
	t.Helper()
	command.Ready = rest.Ready
	return &Worker{testbed.Start(t, command), rest, t}
}

// StartJavaWorker runs a worker of Java's Kafka Connect on the same properties as [StartWorker].
func StartJavaWorker(t testing.TB, bootstrap, prefix string, more ...string) *Worker {
	t.Helper()
	port := testbed.FreePort(t)
	return RunJavaWorker(t, port, File(t, "worker.properties", WorkerProperties(bootstrap, prefix, port, more...)))
}

// StartJavaWorkerWith is [StartJavaWorker] with flags for its JVM.
func StartJavaWorkerWith(t testing.TB, bootstrap, prefix string, flags ...string) *Worker {
	t.Helper()
	port := testbed.FreePort(t)
	return runJavaWorker(t, port, File(t, "worker.properties", WorkerProperties(bootstrap, prefix, port)), flags...)
}

// RunJavaWorker runs a worker of Java's Kafka Connect on a properties file that has it listen at port, and waits until its REST answers.
func RunJavaWorker(t testing.TB, port int, path string) *Worker {
	t.Helper()
	return runJavaWorker(t, port, path)
}

func runJavaWorker(t testing.TB, port int, path string, flags ...string) *Worker {
	t.Helper()
	command := JavaWorkerCommand(t, path)
	command.Args = append(flags, command.Args...)
	return RunAt(t, command, REST{URL: fmt.Sprintf("http://127.0.0.1:%d", port)})
}

// JavaWorkerCommand runs a worker of Java's Kafka Connect on a properties file.
func JavaWorkerCommand(t testing.TB, path string) testbed.Command {
	t.Helper()
	command := testbed.JavaCommand(t, "org.apache.kafka.connect.cli.ConnectDistributed", path)
	command.Name = "Java's Kafka Connect"
	return command
}

// File writes a file of the test and returns its path.
func File(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// Create puts a connector and waits until its tasks flow.
func (w *Worker) Create(name string, config map[string]string) {
	w.t.Helper()
	require.NoError(w.t, w.Put(w.t.Context(), name, config))
	w.AwaitFlowing(name)
}

// AwaitFlowing waits until a connector's tasks run and none complains.
func (w *Worker) AwaitFlowing(name string) {
	w.t.Helper()
	testbed.Await(w.t, 30*time.Second, "connector "+name+" to flow", func(ctx context.Context) error {
		s, err := w.Status(ctx, name)
		if err != nil {
			return err
		}
		return s.Flowing()
	})
}
