package validation

import (
	"fmt"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

// creating is a source's configuration with more keys, without what begins all of them.
func creating(kv ...string) connect.Config {
	cfg := connect.Config{"name": "n", "connector.class": "FileStreamSource", "topic": "t"}
	for i := 0; i < len(kv); i += 2 {
		cfg[creationPrefix+kv[i]] = kv[i+1]
	}
	return cfg
}

func missing(key string) string {
	return fmt.Sprintf("Missing required configuration %q which has no default value.", key)
}

var wellCreated = creating("groups", "logs, state", "default.partitions", "3", "default.replication.factor", "-1", "default.include", "ignored[",
	"logs.include", "log-.*,trace", "logs.exclude", "log-private", "logs.retention.ms", "1000", "logs.partitions", " 5 ",
	"state.include", ".*-state", "state.cleanup.policy", "compact", "state.replication.factor", "2")

func TestATopicIsMadeByTheFirstGroupThatHasIt(t *testing.T) {
	f, err := parse(t, wellCreated, nil)
	require.NoError(t, err)
	for topic, group := range map[string]string{
		"log-1": "logs", "trace": "logs", "traces": "default", "log-private": "default", "log-state": "logs", "my-state": "state", "other": "default",
	} {
		require.Equal(t, group, f.TopicCreation.Group(topic).Name, topic)
	}
}

func TestAGroupHasWhatTheDefaultGroupHasWhereItSaysNothing(t *testing.T) {
	f, err := parse(t, wellCreated, nil)
	require.NoError(t, err)
	require.Len(t, f.TopicCreation.Groups, 3)
	logs, state, rest := f.TopicCreation.Groups[0], f.TopicCreation.Groups[1], f.TopicCreation.Groups[2]
	require.Equal(t, []int32{5, 3, 3}, []int32{logs.Partitions, state.Partitions, rest.Partitions})
	require.Equal(t, []int16{-1, 2, -1}, []int16{logs.ReplicationFactor, state.ReplicationFactor, rest.ReplicationFactor})
	require.Equal(t, map[string]string{"retention.ms": "1000"}, map[string]string(logs.Configs))
	require.Equal(t, map[string]string{"cleanup.policy": "compact"}, map[string]string(state.Configs))
	require.Empty(t, rest.Configs)
}

func TestTopicsAreLeftToTheBrokerUnlessBothSidesSayOtherwise(t *testing.T) {
	f, err := parse(t, creating(), nil)
	require.NoError(t, err)
	require.Nil(t, f.TopicCreation, "the connector says nothing")
	broken := creating("default.partitions", "x")
	f, err = parse(t, broken, map[string]string{"topic.creation.enable": "False"})
	require.NoError(t, err)
	require.Nil(t, f.TopicCreation, "the worker makes none")
	_, err = parse(t, broken, map[string]string{"topic.creation.enable": "true"})
	require.Error(t, err)
}

func TestWhatIsWrongWithGroupsIsFoundWhenTheConfigurationIsSubmitted(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  connect.Config
		want map[string][]string
	}{
		"a default group is required": {creating("groups", "a", "a.include", "x"), map[string][]string{
			"topic.creation.default.replication.factor": {missing("topic.creation.default.replication.factor")},
			"topic.creation.default.partitions":         {missing("topic.creation.default.partitions")},
		}},
		"numbers": {creating("groups", "a", "a.include", "x", "a.partitions", "0", "a.replication.factor", "many",
			"default.partitions", "-2", "default.replication.factor", "0"), map[string][]string{
			"topic.creation.default.replication.factor": {"Invalid value 0 for configuration topic.creation.default.replication.factor: " +
				"Replication factor must be positive and not larger than the number of brokers in the Kafka cluster, or -1 to use the broker's default"},
			"topic.creation.default.partitions": {"Invalid value -2 for configuration topic.creation.default.partitions: " +
				"Number of partitions must be positive, or -1 to use the broker's default"},
			"topic.creation.a.partitions": {"Invalid value 0 for configuration topic.creation.a.partitions: " +
				"Number of partitions must be positive, or -1 to use the broker's default"},
			"topic.creation.a.replication.factor": {"Invalid value many for configuration topic.creation.a.replication.factor: Not a number of type SHORT"},
		}},
		"patterns": {creating("groups", "a", "a.include", "x,[", "default.partitions", "1", "default.replication.factor", "1"), map[string][]string{
			"topic.creation.a.include": {"Invalid value [x, [] for configuration topic.creation.a.include: " +
				"Syntax error in regular expression: Unclosed character class near index 0\n[\n^"},
		}},
		"a group twice": {creating("groups", "a,a", "a.include", "x", "default.partitions", "1", "default.replication.factor", "1"), map[string][]string{
			"topic.creation.groups": {"Invalid value [a, a] for configuration topic.creation.groups: Duplicate alias provided."},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			v := &Validator{Catalog: fileConnectors(t)}
			got, err := v.Validate(t.Context(), maps.Clone(c.cfg))
			require.NoError(t, err)
			require.Equal(t, c.want, errorsOf(got.Infos))
			_, err = parse(t, c.cfg, nil)
			require.Error(t, err)
		})
	}
}
