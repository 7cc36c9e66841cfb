package herder

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/worker"
)

// altering is the scripted source with a say about its offsets.
type altering struct{ scripted }

func (altering) Spec() connect.Spec {
	return connect.NewSpec("test.AlteringConnector", "7", scriptKey, topicKey, secretKey)
}

func (a altering) AlterOffsets(_ context.Context, cfg connect.Config, offsets []connect.SourceOffset) error {
	switch scriptKey.Get(cfg) {
	case "unsupported":
		return errors.ErrUnsupported
	case "panic":
		panic("boom")
	case "hang":
		<-a.release
	}
	for _, o := range offsets {
		if n := o.Offset.Get("n"); !o.Offset.IsZero() && n.Kind() != connect.KindInt64 {
			return errors.New("n must be a whole number")
		}
	}
	return nil
}

// swallower is a sink that takes everything.
type swallower struct{}

func (swallower) Spec() connect.Spec { return connect.NewSpec("test.SwallowSink", "1") }
func (swallower) Open(context.Context, connect.SinkContext) (connect.SinkTask, error) {
	return swallower{}, nil
}
func (swallower) Put(context.Context, []connect.SinkRecord) error { return nil }
func (swallower) Close(context.Context) error                     { return nil }

func parseOffsets(t *testing.T, text string) []ConnectorOffset {
	t.Helper()
	var offsets []ConnectorOffset
	require.NoError(t, json.Unmarshal([]byte(text), &offsets))
	return offsets
}

func offsetsOf(t *testing.T, h *Herder, name string) string {
	t.Helper()
	offsets, err := h.ConnectorOffsets(t.Context(), name)
	require.NoError(t, err)
	text, err := json.Marshal(offsets.Offsets)
	require.NoError(t, err)
	return string(text)
}

// flowing makes a connector and waits until it has offsets.
func flowing(t *testing.T, h *Herder, config connect.Config) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err := h.Create(ctx, NewConnector{Name: config["name"], Config: config})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		offsets, err := h.ConnectorOffsets(ctx, config["name"])
		return err == nil && len(offsets.Offsets) > 0
	}, 10*time.Second, 5*time.Millisecond)
}

const onlyStopped = "Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the specified connector by " +
	"issuing a 'PUT' request to the '/connectors/a/stop' endpoint"

func TestOffsetsOfASourceAreAlteredAndResetWhileItIsStopped(t *testing.T) {
	h := mindOf(t, nil)
	flowing(t, h, connect.Config{"name": "a", "connector.class": "test.ScriptedConnector", "topic": "a"})
	wanted := parseOffsets(t, `[{"partition":{"p":"2"},"offset":{"n":1}},{"partition":{"y":1,"x":true},"offset":{"n":9007199254740993}},
		{"partition":{"p":"1"},"offset":null},{"partition":{"p":"2"},"offset":{"n":2.5}},{"partition":{"x":true,"y":1},"offset":{"n":3}}]`)
	var invalid *InvalidError
	_, err := h.AlterOffsets(t.Context(), "a", wanted)
	require.ErrorAs(t, err, &invalid)
	require.EqualError(t, err, onlyStopped)
	require.NoError(t, h.Pause(t.Context(), "a"))
	_, err = h.ResetOffsets(t.Context(), "a")
	require.EqualError(t, err, onlyStopped, "paused is not stopped")

	require.NoError(t, h.Stop(t.Context(), "a"))
	message, err := h.AlterOffsets(t.Context(), "a", wanted)
	require.NoError(t, err)
	require.Equal(t, "The Connect framework-managed offsets for this connector have been altered successfully. However, if this connector manages "+
		"offsets externally, they will need to be manually altered in the system that the connector uses.", message.Message)
	const stored = `[{"partition":{"p":"2"},"offset":{"n":2.5}},{"partition":{"x":true,"y":1},"offset":{"n":3}}]`
	require.Equal(t, stored, offsetsOf(t, h, "a"), "named last counts; what the ending task has stored does not")

	message, err = h.ResetOffsets(t.Context(), "a")
	require.NoError(t, err)
	require.Contains(t, message.Message, "have been reset successfully. However,")
	require.Equal(t, `[]`, offsetsOf(t, h, "a"))
	_, err = h.ResetOffsets(t.Context(), "a")
	require.NoError(t, err, "there is nothing left to do")

	var gone *NotFoundError
	for _, ask := range []func() error{
		func() error { _, err := h.ConnectorOffsets(t.Context(), "b"); return err },
		func() error { _, err := h.AlterOffsets(t.Context(), "b", wanted); return err },
		func() error { _, err := h.ResetOffsets(t.Context(), "b"); return err },
	} {
		err := ask()
		require.ErrorAs(t, err, &gone)
		require.EqualError(t, err, "Connector b not found")
	}
}

func TestOffsetsWithoutAFormAreRefusedInJavasWords(t *testing.T) {
	h := mindOf(t, nil)
	stopped(t, h, "a", "flow")
	for text, want := range map[string]string{
		`[{"partition":{"p":[1]},"offset":null}]`:      "Offsets may only contain primitive types as values, but field p contains ARRAY",
		`[{"partition":{"p":1},"offset":{"n":{}}}]`:    "Offsets may only contain primitive types as values, but field n contains MAP",
		`[{"partition":{"p":1},"offset":{"n":"one"}}]`: "n must be a whole number",
	} {
		_, err := h.AlterOffsets(t.Context(), "a", parseOffsets(t, text))
		require.EqualError(t, err, want)
	}
	require.Equal(t, `[]`, offsetsOf(t, h, "a"))
}

// stopped makes an altering connector that never ran.
func stopped(t *testing.T, h *Herder, name, script string) {
	t.Helper()
	_, err := h.Create(t.Context(), NewConnector{Name: name, InitialState: "STOPPED", Config: connect.Config{
		"name": name, "connector.class": "test.AlteringConnector", "script": script,
	}})
	require.NoError(t, err)
}

func TestAPluginHasItsSayAboutOffsets(t *testing.T) {
	h := mindOf(t, nil)
	some := parseOffsets(t, `[{"partition":{"p":"1"},"offset":{"n":4}}]`)
	stopped(t, h, "flow", "flow")
	message, err := h.AlterOffsets(t.Context(), "flow", some)
	require.NoError(t, err)
	require.Equal(t, "The offsets for this connector have been altered successfully", message.Message)
	message, err = h.ResetOffsets(t.Context(), "flow")
	require.NoError(t, err)
	require.Equal(t, "The offsets for this connector have been reset successfully", message.Message)

	for script, want := range map[string]string{
		"unsupported": "Failed to modify offsets for connector unsupported because it doesn't support external modification of offsets",
		"panic":       "Failed to modify offsets for source connector panic: the connector's AlterOffsets panicked: boom",
	} {
		stopped(t, h, script, script)
		_, err := h.AlterOffsets(t.Context(), script, some)
		require.EqualError(t, err, want)
		require.Equal(t, `[]`, offsetsOf(t, h, script), "nothing is stored against its will")
	}
}

func TestAPluginThatHangsOverOffsetsHoldsUpNothingElse(t *testing.T) {
	h := mindOf(t, nil)
	some := parseOffsets(t, `[{"partition":{"p":"1"},"offset":{"n":4}}]`)
	stopped(t, h, "hang", "hang")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := h.AlterOffsets(ctx, "hang", some)
	require.EqualError(t, err, "Timed out while calling the 'alterOffsets' method for source connector hang")
	_, err = h.AlterOffsets(t.Context(), "hang", some)
	require.ErrorContains(t, err, "an earlier request has not got its answer")
	stopped(t, h, "flow", "flow")
	_, err = h.AlterOffsets(t.Context(), "flow", some)
	require.NoError(t, err)
}

func TestOffsetsOfASinkAreThoseOfItsConsumerGroup(t *testing.T) {
	h := mindOf(t, nil)
	flowing(t, h, connect.Config{"name": "from", "connector.class": "test.ScriptedConnector", "topic": "t"})
	require.NoError(t, h.Stop(t.Context(), "from"))
	flowing(t, h, connect.Config{"name": "a", "connector.class": "test.SwallowSink", "topics": "t",
		"consumer.override.group.id": "other", "consumer.override.fetch.max.wait.ms": "10"})
	require.Regexp(t, `^\[\{"partition":\{"kafka_partition":\d,"kafka_topic":"t"\},"offset":\{"kafka_offset":\d+\}\}`, offsetsOf(t, h, "a"))
	_, err := h.ResetOffsets(t.Context(), "a")
	require.EqualError(t, err, onlyStopped)

	require.NoError(t, h.Stop(t.Context(), "a"))
	wanted := parseOffsets(t, `[{"partition":{"kafka_topic":"t","kafka_partition":0},"offset":{"kafka_offset":9007199254740993}},
		{"partition":{"kafka_topic":"t","kafka_partition":"1"},"offset":{"kafka_offset":"2"}},{"partition":{"kafka_topic":"t","kafka_partition":2},"offset":null}]`)
	require.Eventually(t, func() bool {
		_, err = h.AlterOffsets(t.Context(), "a", wanted)
		return !errors.Is(err, worker.ErrGroupActive) // a task that was cut off stays a member for its session
	}, 20*time.Second, 10*time.Millisecond)
	require.NoError(t, err)
	require.Equal(t, `[{"partition":{"kafka_partition":0,"kafka_topic":"t"},"offset":{"kafka_offset":9007199254740993}},`+
		`{"partition":{"kafka_partition":1,"kafka_topic":"t"},"offset":{"kafka_offset":2}}]`, offsetsOf(t, h, "a"))
	message, err := h.ResetOffsets(t.Context(), "a")
	require.NoError(t, err)
	require.Contains(t, message.Message, "have been reset successfully. However,")
	require.Equal(t, `[]`, offsetsOf(t, h, "a"))

	_, err = h.AlterOffsets(t.Context(), "a", parseOffsets(t, `[{"partition":{"kafka_topic":"t","kafka_partition":99},"offset":{"kafka_offset":1}}]`))
	require.ErrorContains(t, err, "Failed to alter consumer group offsets for connector a: ")
}

func TestWrongOffsetsOfASinkAreRefusedInJavasWords(t *testing.T) {
	for text, want := range map[string]string{
		`{"offset":null}`:                                                                       "The partition for a sink connector offset cannot be null or missing",
		`{"partition":null}`:                                                                    "The partition for a sink connector offset cannot be null or missing",
		`{"partition":{"kafka_topic":"t"}}`:                                                     "The partition for a sink connector offset must contain the keys 'kafka_topic' and 'kafka_partition'",
		`{"partition":{"kafka_topic":null,"kafka_partition":0}}`:                                "Kafka topic names must be valid strings and may not be null",
		`{"partition":{"kafka_topic":"t","kafka_partition":null}}`:                              "Kafka partitions must be valid numbers and may not be null",
		`{"partition":{"kafka_topic":"t","kafka_partition":"x"}}`:                               "Failed to parse the following Kafka partition value in the provided offsets: 'x'. Partition values for sink connectors need to be integers.",
		`{"partition":{"kafka_topic":"t","kafka_partition":1.5}}`:                               "Failed to parse the following Kafka partition value in the provided offsets: '1.5'. Partition values for sink connectors need to be integers.",
		`{"partition":{"kafka_topic":"t","kafka_partition":3000000000}}`:                        "Failed to parse the following Kafka partition value in the provided offsets: '3000000000'. Partition values for sink connectors need to be integers.",
		`{"partition":{"kafka_topic":"t","kafka_partition":0},"offset":{"offset":1}}`:           "The offset for a sink connector should either be null or contain the key 'kafka_offset'",
		`{"partition":{"kafka_topic":"t","kafka_partition":0},"offset":{"kafka_offset":null}}`:  "Failed to parse the following Kafka offset value in the provided offsets: 'null'. Offset values for sink connectors need to be integers.",
		`{"partition":{"kafka_topic":"t","kafka_partition":0},"offset":{"kafka_offset":"1e3"}}`: "Failed to parse the following Kafka offset value in the provided offsets: '1e3'. Offset values for sink connectors need to be integers.",
	} {
		_, err := parseGroupOffsets(parseOffsets(t, `[`+text+`]`))
		var invalid *InvalidError
		require.ErrorAs(t, err, &invalid, text)
		require.EqualError(t, err, want)
	}
	_, err := parseGroupOffsets(parseOffsets(t, `[{"partition":{"kafka_topic":"t","kafka_partition":0},"offset":{"kafka_offset":-1}}]`))
	require.ErrorContains(t, err, "negative")
}
