package validation

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

const (
	jsonConverter   = "org.apache.kafka.connect.json.JsonConverter"
	stringConverter = "org.apache.kafka.connect.storage.StringConverter"
)

func parse(t *testing.T, cfg connect.Config, worker map[string]string) (*Framework, error) {
	t.Helper()
	classes := fileConnectors(t)
	class, err := classes.Connector(cfg["connector.class"])
	require.NoError(t, err)
	return ParseFramework(classes, class, cfg, worker)
}

func TestTheFrameworksKeysAreRead(t *testing.T) {
	f, err := parse(t, connect.Config{
		"name": " n ", "connector.class": "FileStreamSink", "tasks.max": "3", "topics": "a, b", "errors.tolerance": "none", "errors.retry.timeout": "-1",
		"errors.deadletterqueue.topic.name": " dlq ", "errors.deadletterqueue.context.headers.enable": "true",
	}, nil)
	require.NoError(t, err)
	require.Equal(t, "n", f.Name)
	require.Equal(t, "org.apache.kafka.connect.file.FileStreamSinkConnector", f.Class)
	require.Equal(t, 3, f.TasksMax)
	require.True(t, f.TasksMaxEnforce)
	require.False(t, f.TolerateErrors)
	require.Negative(t, f.RetryTimeout)
	require.Equal(t, time.Minute, f.RetryDelayMax)
	require.Equal(t, []string{"a", "b"}, f.Topics)
	require.Equal(t, DeadLetters{Topic: "dlq", ReplicationFactor: 3, ContextHeaders: true}, f.DeadLetters)
}

func TestAConnectorsOwnKeyMayNameTheDeadLetterTopic(t *testing.T) {
	classes := fileConnectors(t)
	file, err := classes.Connector("FileStreamSource")
	require.NoError(t, err)
	own := *file
	own.Spec.DeadLetterTopic = "file.errors.topic"
	for key, want := range map[string]DeadLetters{
		"file.errors.topic":                 {Topic: "dead", ReplicationFactor: 3, ContextHeaders: true},
		"errors.deadletterqueue.topic.name": {Topic: "dead", ReplicationFactor: 3},
		"elsewhere":                         {ReplicationFactor: 3},
	} {
		f, err := ParseFramework(classes, &own, connect.Config{"name": "n", "connector.class": "FileStreamSource", "topic": "t",
			"key.converter": stringConverter, "value.converter": stringConverter, key: " dead "}, nil)
		require.NoError(t, err)
		require.Equal(t, want, f.DeadLetters, key)
	}
}

func TestAConverterAndItsOptionsComeFromOnePlace(t *testing.T) {
	worker := map[string]string{
		"key.converter": stringConverter, "value.converter": jsonConverter, "value.converter.schemas.enable": "false",
	}
	f, err := parse(t, connect.Config{
		"name": "n", "connector.class": "FileStreamSource", "topic": "t",
		"key.converter": " JsonConverter ", "key.converter.decimal.format": "NUMERIC",
		"value.converter.decimal.format": "NUMERIC", // without value.converter beside it: Java ignores it
	}, worker)
	require.NoError(t, err)
	require.Equal(t, ConverterConfig{Class: "JsonConverter", Version: "latest", Options: connect.Config{"decimal.format": "NUMERIC"}}, f.KeyConverter)
	require.Equal(t, ConverterConfig{Class: jsonConverter, Version: "latest", Options: connect.Config{"schemas.enable": "false"}}, f.ValueConverter)
	require.Equal(t, ConverterConfig{Class: defaultHeaderConverter, Version: "latest", Options: connect.Config{}}, f.HeaderConverter)
}

func TestAConfigurationThatWasNeverValidatedIsRefusedWithAllItsFaults(t *testing.T) {
	_, err := parse(t, connect.Config{
		"connector.class": "FileStreamSink", "tasks.max": "0", "value.converter": "Nope", "header.converter": "nope2", "transforms": "a, a",
	}, nil)
	for _, fault := range []string{
		`"name"`, "tasks.max: Value must be at least 1", "Class Nope could not be found.", "Class nope2 could not be found.",
		"transforms: Duplicate alias provided.", `"transforms.a.type"`,
	} {
		require.ErrorContains(t, err, fault)
	}
}
