package embedded

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// childDir, when set in the environment, makes the test binary a broker on that directory instead of running tests.
const childDir = "EMBEDDED_KAFKA_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		k, err := StartKafka(context.Background(), KafkaConfig{DataDir: dir})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		fmt.Println(k.Addr())
		select {} // until killed
	}
	os.Exit(m.Run())
}

// startChild runs a broker in a process of its own and returns its address and what kills it.
func startChild(t *testing.T, dir string) (string, func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	killed := false
	kill := func() {
		if !killed {
			killed = true
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
	t.Cleanup(kill)
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan(), "the child did not start: %v", lines.Err())
	return lines.Text(), kill
}

func TestAKillLosesNothingThatWasAcknowledged(t *testing.T) {
	dir := t.TempDir()
	compact, compacted := "compact", &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}
	compacted.ConfigEntries = map[string]*string{"cleanup.policy": &compact}

	addr, kill := startChild(t, dir)
	before := client(t, addr, saramaConfig())
	admin, err := sarama.NewClusterAdminFromClient(before)
	require.NoError(t, err)
	require.NoError(t, admin.CreateTopic("configs", compacted, false))
	require.NoError(t, admin.CreateTopic("deleted", compacted, false))
	produce(t, addr, 100, "configs", "first-use", "deleted")
	require.NoError(t, admin.DeleteTopic("deleted"))
	require.Equal(t, 100, len(consume(t, addr, "g", 100, "first-use")))
	controller, err := before.Controller()
	require.NoError(t, err)
	id := clusterID(t, controller)
	openTransaction(t, addr)
	kill()

	addr, kill = startChild(t, dir)
	after := client(t, addr, saramaConfig())
	assert.EqualValues(t, 100, logEnds(t, after, "configs"))
	assert.EqualValues(t, 100, logEnds(t, after, "first-use"), "a topic created by its first use")
	admin, err = sarama.NewClusterAdminFromClient(after)
	require.NoError(t, err)
	topics, err := admin.ListTopics()
	require.NoError(t, err)
	assert.NotContains(t, topics, "deleted")
	assert.Equal(t, "compact", *topics["configs"].ConfigEntries["cleanup.policy"])
	controller, err = after.Controller()
	require.NoError(t, err)
	assert.Equal(t, id, clusterID(t, controller))

	produce(t, addr, 30, "first-use", "tx")
	assert.Equal(t, 30, len(consume(t, addr, "g", 30, "first-use")), "the group begins where it had committed")
	for _, v := range consume(t, addr, "g", 30, "tx") {
		assert.NotEqual(t, "open", v, "a transaction open at the kill counts as aborted")
	}
	kill()

	k := startKafka(t, KafkaConfig{DataDir: dir})
	assert.EqualValues(t, 130, logEnds(t, client(t, k.Addr(), saramaConfig()), "first-use"), "after a second kill")
}

func clusterID(t *testing.T, b *sarama.Broker) string {
	t.Helper()
	meta, err := b.GetMetadata(sarama.NewMetadataRequest(sarama.V4_1_0_0, nil))
	require.NoError(t, err)
	return *meta.ClusterID
}

// openTransaction leaves records in a transaction that nobody ends.
func openTransaction(t *testing.T, addr string) {
	t.Helper()
	cfg := saramaConfig()
	cfg.Producer.Transaction.ID = "left-open"
	cfg.Producer.Transaction.Timeout = time.Minute
	p, err := sarama.NewSyncProducer([]string{addr}, cfg)
	require.NoError(t, err)
	require.NoError(t, p.BeginTxn())
	_, _, err = p.SendMessage(&sarama.ProducerMessage{Topic: "tx", Value: sarama.StringEncoder("open")})
	require.NoError(t, err)
}
