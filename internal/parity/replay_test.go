package parity

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect/deadletters"
	"github.com/sluice-connect/sluice/internal/testbed"
)

func TestAReplayThatIsKilledSendsEachLetterOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("runs programs: not with -short")
	}
	const count = 20_000
	kafka, prefix := testbed.SharedKafka(t), testbed.Prefix(t)
	lines, queue := prefix+"lines", prefix+"dead"
	testbed.CreateTopic(t, kafka, lines, 1, nil)
	testbed.CreateTopic(t, kafka, queue, 1, nil)
	letters := make([]*sarama.ProducerMessage, count)
	for i := range letters {
		letters[i] = &sarama.ProducerMessage{Topic: queue, Value: sarama.StringEncoder(strconv.Itoa(i)), Headers: []sarama.RecordHeader{
			{Key: []byte(deadletters.HeaderTopic), Value: []byte(lines)}, {Key: []byte(deadletters.HeaderPartition), Value: []byte("0")},
		}}
	}
	testbed.ProduceTo(t, kafka, letters...)
	client, err := sarama.NewClient([]string{kafka}, nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, client.Close()) }()
	command := testbed.Command{Name: "sluice dlq replay", Path: testbed.SluiceBinary(t), Args: []string{
		"dlq", "replay", prefix + "lake", "--queue", queue, "--yes", "--bootstrap-servers", kafka,
	}}
	killed := 0
	for at := int64(1); at < count*3/4; at += count / 5 { // each life of the program comes a bit further
		replay := testbed.Launch(t, command)
		testbed.Await(t, within, fmt.Sprintf("%d letters to be sent", at), func(context.Context) error {
			end, err := client.GetOffset(lines, 0, sarama.OffsetNewest)
			if err == nil && end < at {
				err = fmt.Errorf("there are %d", end)
			}
			return err
		})
		if replay.Running() {
			killed++
		}
		replay.Kill()
	}
	require.NotZero(t, killed, "the program was too fast to be killed")
	for _, want := range []string{"sent ", "0 letters of"} {
		out, err := exec.CommandContext(t.Context(), command.Path, command.Args...).CombinedOutput()
		require.NoError(t, err, string(out))
		require.Contains(t, string(out), want)
	}
	messages := testbed.Consume(t, kafka, lines, count+1, 5*time.Second)
	require.Len(t, messages, count, "as those see it who read what is committed")
	for i, m := range messages {
		require.Equal(t, strconv.Itoa(i), string(m.Value))
	}
	t.Logf("killed %d times", killed)
}
