package stores

import (
	"testing"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/testbed"
)

func written(topic, key, value string) *sarama.ProducerMessage {
	return &sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder(key), Value: sarama.StringEncoder(value)}
}

func TestATopicIsReadAndItsFaultsAreTold(t *testing.T) {
	addr := testbed.Embedded(t)
	testbed.CreateTopic(t, addr, "configs", 2, map[string]string{"cleanup.policy": "compact,delete"})
	testbed.Produce(t, addr, written("configs", "connector-a", `{"properties":{"name":"a"}}`), written("configs", "connector-b", "no JSON"))
	state, found, err := ReadConfigs(inTime(t), kafkaAt(addr), ConfigTopic("configs", 1, nil))
	require.NoError(t, err)
	assert.Equal(t, []string{"a"}, state.Connectors())
	assert.Equal(t, Inspection{Partitions: 2, Policy: "compact,delete", Records: 2, Ignored: 1,
		Fault: "its cleanup.policy is compact,delete, with which connector configurations are lost in time: set it to compact, or name another topic in " +
			"config.storage.topic; it has 2 partitions, and the order of connector configurations is kept in one alone: name another topic in config.storage.topic",
	}, found)
}

func TestATopicThatIsNotThereIsNotMadeByReading(t *testing.T) {
	addr := testbed.Embedded(t)
	for range 2 { // the second time it would be there
		_, _, err := ReadOffsets(inTime(t), kafkaAt(addr), OffsetTopic("offsets", 1, 1, nil))
		var missing *MissingTopicError
		require.ErrorAs(t, err, &missing)
		assert.Equal(t, "offset.storage.topic: there is no topic 'offsets'", missing.Error())
	}
}

func TestOffsetsThatCannotBeReadAreCountedForTheirConnector(t *testing.T) {
	addr := testbed.Embedded(t)
	testbed.CreateTopic(t, addr, "offsets", 1, map[string]string{"cleanup.policy": "compact"})
	testbed.Produce(t, addr, written("offsets", `["a",{"p":1}]`, `{"o":1}`), written("offsets", `["a",{"p":2}]`, "no JSON"), written("offsets", "no JSON", "{}"))
	offsets, found, err := ReadOffsets(inTime(t), kafkaAt(addr), OffsetTopic("offsets", 1, 1, nil))
	require.NoError(t, err)
	assert.Equal(t, 2, found.Ignored)
	assert.Len(t, offsets.Of("a"), 1)
	assert.Equal(t, 1, offsets.Unreadable("a"))
	assert.Zero(t, offsets.Unreadable("b"))
}
