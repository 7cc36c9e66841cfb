package mqtt

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/connecttest"
)

// quiet is a log that says nothing.
var quiet = slog.New(slog.DiscardHandler)

func TestMessagesGoThroughAnInProcessBrokerBothWays(t *testing.T) {
	addr := startBroker(t)
	src := connecttest.StartSource(t, Source{}, sourceConfig("tcp://"+addr, "c/#"))
	src.AwaitHealthy()
	sink := connecttest.StartSink(t, Sink{}, sinkConfig("tcp://"+addr))
	sink.AwaitHealthy()
	sink.Put(commands(0, 100)...)
	assert.Equal(t, numbers(0, 100), values(src.Take(100)))
	assert.EqualValues(t, 100, sink.Drain()[testPartition])
}

func TestSessionTakenOverFailsTheTaskInsteadOfFightingForIt(t *testing.T) {
	addr := startBroker(t)
	src := connecttest.StartSource(t, Source{}, sourceConfig("tcp://"+addr, "s/+"))
	src.AwaitHealthy()
	newDevice(t, addr, "readings-0")
	assert.ErrorContains(t, src.AwaitFailed(), `gave client id "readings-0" to another connection`)
}

func TestRefusedFilterIsAProblemOfItsKeyAndFailsTheTask(t *testing.T) {
	addr := strictBroker(t, &auth.Ledger{
		Auth: auth.AuthRules{{Allow: true}},
		ACL:  auth.ACLRules{{Filters: auth.Filters{"open/#": auth.ReadWrite, "#": auth.Deny}}},
	})
	cfg := sourceConfig("tcp://"+addr, "open/1,secret/#")
	found := Source{}.Validate(t.Context(), cfg)
	require.Len(t, found, 1)
	assert.Equal(t, "mqtt.topics", found[0].Key)
	assert.Contains(t, found[0].Message, `refused filter "secret/#"`)

	cfg["mqtt.validate.connect"] = "false"
	src := connecttest.StartSource(t, Source{}, cfg)
	assert.ErrorContains(t, src.AwaitFailed(), `refused filter "secret/#": reason code 0x87`)
}

func TestMessageThatTheBrokerRefusesGoesToTheErrorHandlingAndTheRestFlows(t *testing.T) {
	addr := strictBroker(t, &auth.Ledger{
		Auth: auth.AuthRules{{Allow: true}},
		ACL:  auth.ACLRules{{Filters: auth.Filters{"c/1": auth.ReadWrite, "#": auth.Deny}}},
	})
	sink := connecttest.StartSink(t, Sink{}, sinkConfig("tcp://"+addr, "errors.tolerance", "all"))
	sink.AwaitHealthy()
	secret := connect.SinkRecord{}
	secret.SetKey("2")
	secret.SetBytes([]byte("x"))
	sink.Put(commands(0, 1)...)
	sink.Put(secret)
	sink.Put(commands(1, 2)...)
	assert.EqualValues(t, 3, sink.Drain()[testPartition])
	if reports := sink.Reports(); assert.Len(t, reports, 1) {
		assert.ErrorContains(t, reports[0].Cause, `refused a message on "c/2": reason code 0x87`)
	}
}

func TestSplitSpreadsFiltersAndMovesFewWhenTasksChange(t *testing.T) {
	var filters []string
	for i := range 100 {
		filters = append(filters, fmt.Sprintf("plant/%d/#", i))
	}
	cfg := connect.Config{"mqtt.topics": joinList(filters)}
	home := func(tasks int) map[string]string {
		configs, err := Source{}.Split(context.Background(), cfg, tasks)
		require.NoError(t, err)
		at := map[string]string{}
		for _, c := range configs {
			for _, f := range mqttTopics.Get(c) {
				at[f] = c["sluice.mqtt.task"]
			}
		}
		require.Len(t, at, 100, "every filter has one task")
		return at
	}
	four, five := home(4), home(5)
	moved := 0
	for f, task := range four {
		if five[f] != task {
			moved++
			assert.Equal(t, "4", five[f], "a filter moves only to the new task")
		}
	}
	assert.Less(t, moved, 40)
	few, err := Source{}.Split(context.Background(), connect.Config{"mqtt.topics": "a,b"}, 10)
	require.NoError(t, err)
	assert.LessOrEqual(t, len(few), 2, "tasks without a filter are not made")
}

// What the framework stores of a task whose connector's filters are a reference is the reference, to all of them.
func TestATaskFindsItsShareOfFiltersThatComeFromAConfigProvider(t *testing.T) {
	for _, assignment := range []string{"partition", "shared"} {
		cfg := connect.Config{"name": "c", "mqtt.topics": "a/#,b/#,c/#,d/#,e/#", "tasks.max": "3", "mqtt.task.assignment": assignment}
		tasks, err := Source{}.Split(t.Context(), cfg, 3)
		require.NoError(t, err)
		require.Greater(t, len(tasks), 1)
		for _, task := range tasks {
			require.Equal(t, task, shareOf(task))
			looked := maps.Clone(task)
			looked["mqtt.topics"] = cfg["mqtt.topics"]
			require.Equal(t, task, shareOf(looked))
		}
	}
}

func TestFilterListKeepsEscapedCommas(t *testing.T) {
	assert.Equal(t, []string{"a,b", "c"}, splitList(`a\,b, c,`))
	assert.Equal(t, `a\,b,c`, joinList([]string{"a,b", "c"}))
}

func TestConfigurationMistakesAreNamedWithTheirKey(t *testing.T) {
	for key, cfg := range map[string]connect.Config{
		"mqtt.server.uri":               sourceConfig("tcp://user:secret@host", "s/+"),
		"mqtt.topics":                   sourceConfig("tcp://host", "a#"),
		"kafka.topic":                   sourceConfig("tcp://host", "s/+", "kafka.topic", "${nothing}"),
		"topic.regex.list":              sourceConfig("tcp://host", "s/+", "topic.regex.list", "x:("),
		"mqtt.reconnect.backoff.max.ms": sourceConfig("tcp://host", "s/+", "mqtt.reconnect.backoff.ms", "500"),
		"mqtt.ssl.trust.store.path":     sourceConfig("ssl://host", "s/+", "mqtt.ssl.trust.store.path", "/nowhere"),
		"mqtt.user.properties":          sourceConfig("tcp://host", "s/+", "mqtt.user.properties", "x"),
	} {
		cfg["mqtt.validate.connect"] = "false"
		found := Source{}.Validate(t.Context(), cfg)
		if assert.NotEmpty(t, found, key) {
			assert.Equal(t, key, found[0].Key)
			assert.False(t, found[0].Warning)
			assert.NotContains(t, found[0].Message, "secret")
		}
	}
}

func TestConfluentsManifestsAreTakenAsTheyAre(t *testing.T) {
	for name, c := range map[string]struct {
		connector connect.Validator
		cfg       connect.Config
	}{
		"source": {Source{}, connect.Config{
			"name": "MqttSourceConnector1", "connector.class": "io.confluent.connect.mqtt.MqttSourceConnector", "tasks.max": "1",
			"mqtt.server.uri": "tcp://127.0.0.1:1883", "mqtt.topics": "temperature,humidity", "kafka.topic": "mqtt", "mqtt.qos": "0", "mqtt.username": "u",
			"mqtt.password": "p", "mqtt.clean.session.enabled": "true", "mqtt.connect.timeout.seconds": "30", "mqtt.keepalive.interval.seconds": "60",
			"mqtt.ssl.trust.store.path": "", "mqtt.ssl.trust.store.password": "x", "mqtt.ssl.key.store.path": "", "mqtt.ssl.key.store.password": "x",
			"mqtt.ssl.key.password": "x", "records.buffer.queue.size": "50000", "records.buffer.queue.max.batch.size": "4096",
			"records.buffer.queue.empty.timeout": "100", "max.retry.time.ms": "30000", "confluent.license": "", "confluent.topic": "_confluent-command",
			"confluent.topic.bootstrap.servers": "localhost:9092", "confluent.topic.replication.factor": "1",
		}},
		"sink": {Sink{}, connect.Config{
			"name": "MqttSinkConnector", "connector.class": "io.confluent.connect.mqtt.MqttSinkConnector", "tasks.max": "1", "topics": "sink-messages",
			"mqtt.server.uri": "tcp://127.0.0.1:1883", "mqtt.qos": "2", "mqtt.retained.enabled": "true", "mqtt.clean.session.enabled": "true",
			"mqtt.publish.timeout.ms": "30000", "max.retry.time.ms": "30000", "key.converter": "org.apache.kafka.connect.storage.StringConverter",
			"confluent.topic.bootstrap.servers": "localhost:9092",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c.cfg["mqtt.validate.connect"] = "false"
			found := c.connector.Validate(t.Context(), c.cfg)
			assert.False(t, failed(found), "%v", found)
			spec := Source{}.Spec()
			if name == "sink" {
				spec = Sink{}.Spec()
			}
			for key := range c.cfg {
				if strings.HasPrefix(key, "mqtt.") || strings.HasPrefix(key, "records.") || strings.HasPrefix(key, "kafka.") {
					assert.True(t, slices.ContainsFunc(spec.Keys, func(d connect.KeyDef) bool { return d.Name == key }), key)
				}
			}
			assert.Equal(t, c.cfg["connector.class"], spec.Class)
		})
	}
}

func TestWhatIsKeptForLaterIsRefusedWithAReason(t *testing.T) {
	for key, says := range map[string]string{"spool.enabled": "store and forward", "mqtt.sparkplug.rebirth": "Sparkplug B", "listeners": "MqttProxySource"} {
		found := Source{}.Validate(t.Context(), sourceConfig("tcp://host", "a", "mqtt.validate.connect", "false", key, "true"))
		require.Len(t, found, 1, key)
		assert.Equal(t, key, found[0].Key)
		assert.Contains(t, found[0].Message, says)
	}
	assert.ErrorContains(t, payloadFormat.Definition().Check(connect.String("sparkplug_b")), "Sparkplug B")
}

func TestTheErrorsTopicIsTheFrameworksDeadLetterQueue(t *testing.T) {
	cfg := sourceConfig("tcp://host", "a", "mqtt.errors.topic", "bad", "errors.tolerance", "all", "mqtt.validate.connect", "false")
	assert.Empty(t, Source{}.Validate(t.Context(), cfg))
	assert.Equal(t, "mqtt.errors.topic", Source{}.Spec().DeadLetterTopic)
	cfg["errors.deadletterqueue.topic.name"] = "other"
	assert.True(t, failed(Source{}.Validate(t.Context(), cfg)))
	delete(cfg, "errors.deadletterqueue.topic.name")
	cfg["errors.tolerance"] = "none"
	cfg["kafka.topic.unmatched"] = "errors_topic"
	assert.True(t, failed(Source{}.Validate(t.Context(), cfg)))
}

func TestEveryKeyHasATextAndADefaultThatItAccepts(t *testing.T) {
	for _, spec := range []connect.Spec{Source{}.Spec(), Sink{}.Spec()} {
		seen := map[string]bool{}
		for _, k := range spec.Keys {
			assert.False(t, seen[k.Name], "%s is defined twice", k.Name)
			seen[k.Name] = true
			assert.NotEmpty(t, k.Doc, k.Name)
		}
		assert.True(t, seen["confluent.license"])
	}
}
