package workerconfig

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "worker.properties")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestTheEnvironmentOverridesTheFileAndSettingsOverrideBoth(t *testing.T) {
	path := write(t, "group.id=file\nclient.id=file\nbootstrap.servers=file:9092\npassword=${file:/x:y}\n# comment\nlong = a\\\n  b\n")
	p, err := Load(path, []string{"CONNECT_GROUP_ID=env", "CONNECT_CLIENT_ID=env", "CONNECT_A__B___C=dash", "HOME=/x", "CONNECT_=none"},
		[]string{"client.id=set"})
	require.NoError(t, err)
	require.Equal(t, Properties{
		"group.id": "env", "client.id": "set", "bootstrap.servers": "file:9092", "a-b_c": "dash", "password": "${file:/x:y}", "long": "ab",
	}, p)
}

func TestASettingWithoutAValueIsRefused(t *testing.T) {
	_, err := Load("", nil, []string{"oops"})
	require.EqualError(t, err, "--set oops: want key=value")
	_, err = Load(filepath.Join(t.TempDir(), "missing"), nil, nil)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestEverythingThatIsWrongIsSaidAtOnce(t *testing.T) {
	_, err := Parse(Distributed, Properties{
		"group.id": "g", "key.converter": "k", "value.converter": "v", "config.storage.topic": "c", "offset.storage.topic": "o",
		"offset.storage.partitions": "0", "status.storage.replication.factor": "x", "offset.flush.interval.ms": "soon",
	})
	var problems *Error
	require.ErrorAs(t, err, &problems)
	for _, key := range []string{"status.storage.topic", "offset.storage.partitions", "status.storage.replication.factor", "offset.flush.interval.ms"} {
		require.ErrorContains(t, err, key)
	}
}

func TestAWorkersKeysAreRead(t *testing.T) {
	w, err := Parse(Distributed, Properties{
		"group.id": "g", "key.converter": "k", "value.converter": "v", "config.storage.topic": "c", "offset.storage.topic": "o",
		"status.storage.topic": "s", "config.storage.replication.factor": "-1", "offset.storage.segment.bytes": "1024",
		"listeners": "http://a:1, http://b:2", "producer.linger.ms": "5", "ssl.protocol": "TLSv1.3",
	})
	require.NoError(t, err)
	require.Equal(t, StorageTopic{"c", 1, -1, map[string]string{}}, w.Config)
	require.Equal(t, StorageTopic{"o", 25, 3, map[string]string{"segment.bytes": "1024"}}, w.Offset)
	require.Equal(t, StorageTopic{"s", 5, 3, map[string]string{}}, w.Status)
	require.Equal(t, time.Minute, w.OffsetFlushInterval)
	require.Equal(t, []string{"http://a:1", "http://b:2"}, w.Listeners)
	clients := w.Properties.Clients()
	require.Contains(t, clients, "ssl.protocol")
	require.NotContains(t, clients, "producer.linger.ms", "the worker's own clients do not take what is meant for tasks")
}

func TestAStandaloneWorkerNeedsAFileForOffsets(t *testing.T) {
	p := Properties{"key.converter": "k", "value.converter": "v"}
	_, err := Parse(Standalone, p)
	require.ErrorContains(t, err, "offset.storage.file.filename")
	p["offset.storage.file.filename"] = "/tmp/offsets"
	w, err := Parse(Standalone, p)
	require.NoError(t, err)
	require.Equal(t, "/tmp/offsets", w.OffsetFile)
}

func TestWhatAWorkerDoesForExactlyOnceSourcesIsReadInAnyCase(t *testing.T) {
	p := Properties{
		"group.id": "g", "key.converter": "k", "value.converter": "v", "config.storage.topic": "c", "offset.storage.topic": "o", "status.storage.topic": "s",
	}
	w, err := Parse(Distributed, p)
	require.NoError(t, err)
	require.Equal(t, Disabled, w.ExactlyOnce)
	p["exactly.once.source.support"] = "Preparing"
	w, err = Parse(Distributed, p)
	require.NoError(t, err)
	require.Equal(t, Preparing, w.ExactlyOnce)
	p["exactly.once.source.support"] = "sometimes"
	_, err = Parse(Distributed, p)
	require.ErrorContains(t, err, "exactly.once.source.support")
}

func TestTheWindowsOfMetricsAreRead(t *testing.T) {
	with := func(key, value string) (*Worker, error) {
		return Parse(Standalone, Properties{"offset.storage.file.filename": "f", "key.converter": "k", "value.converter": "v", key: value})
	}
	w, err := with("metrics.recording.level", "DEBUG")
	require.NoError(t, err)
	require.Equal(t, 30*time.Second, w.MetricsWindow)
	require.Equal(t, 2, w.MetricsSamples)
	w, err = with("metrics.sample.window.ms", "5000")
	require.NoError(t, err)
	require.Equal(t, 5*time.Second, w.MetricsWindow)
	for key, value := range map[string]string{"metrics.num.samples": "0", "metrics.sample.window.ms": "-1", "metrics.recording.level": "LOUD"} {
		_, err = with(key, value)
		require.ErrorContains(t, err, key)
	}
	require.NotContains(t, Properties{"metrics.num.samples": "3", "acks": "all"}.Clients(), "metrics.num.samples", "they are the worker's, not its clients'")
}
