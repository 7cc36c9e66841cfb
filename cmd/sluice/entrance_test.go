package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect/workerconfig"
)

// parsed is a checked configuration with the least properties.
func parsed(t *testing.T, properties workerconfig.Properties) *workerconfig.Worker {
	t.Helper()
	p := workerconfig.Properties{
		"group.id": "g", "key.converter": "k", "value.converter": "v", "config.storage.topic": "c", "offset.storage.topic": "o", "status.storage.topic": "s",
	}
	for key, value := range properties {
		p[key] = value
	}
	config, err := workerconfig.Parse(workerconfig.Distributed, p)
	require.NoError(t, err)
	return config
}

func logTo(t *testing.T, out *bytes.Buffer, config *workerconfig.Worker, level, format string) logs {
	t.Helper()
	flags := logFlags{level: level, format: format, fallback: "info"}
	log, err := flags.open(out, config)
	require.NoError(t, err)
	return log
}

func TestWhoMayLogInIsCheckedWhenTheWorkerStarts(t *testing.T) {
	dir := t.TempDir()
	users, jaas := filepath.Join(dir, "users"), filepath.Join(dir, "jaas")
	require.NoError(t, os.WriteFile(users, []byte("alice=s3cret\n"), 0o600))
	require.NoError(t, os.WriteFile(jaas, []byte(
		`KafkaConnect { org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule required file="`+users+`"; };`), 0o600))
	t.Setenv("KAFKA_OPTS", "-Djava.security.auth.login.config="+jaas)
	var out bytes.Buffer
	log := logTo(t, &out, nil, "", "")

	c, err := entrance(parsed(t, workerconfig.Properties{
		"rest.extension.classes": workerconfig.BasicAuth, "sluice.rest.readonly.users": "alice,bob", "connect.protocol": "compatible",
	}), log)
	require.NoError(t, err)
	require.True(t, c.Login.Users.Permits("alice", "s3cret"))
	require.Contains(t, out.String(), "user=bob")
	require.NotContains(t, out.String(), "user=alice")
	require.Contains(t, out.String(), "requests between workers are not signed")

	c, err = entrance(parsed(t, nil), log)
	require.NoError(t, err)
	require.Nil(t, c.Login)
	require.Nil(t, c.Headers)
	require.Nil(t, c.Origins)

	_, err = entrance(parsed(t, workerconfig.Properties{"rest.extension.classes": workerconfig.BasicAuth + ",com.acme.Audit"}), log)
	require.ErrorContains(t, err, "rest.extension.classes: there is no com.acme.Audit here")
	_, err = entrance(parsed(t, workerconfig.Properties{"rest.extension.classes": workerconfig.BasicAuth, "sluice.rest.jaas.file": "/nowhere"}), log)
	require.ErrorContains(t, err, "sluice.rest.jaas.file: reading the JAAS file")
	t.Setenv("KAFKA_OPTS", "")
	_, err = entrance(parsed(t, workerconfig.Properties{"rest.extension.classes": workerconfig.BasicAuth}), log)
	require.ErrorContains(t, err, "sluice.rest.jaas.file is missing")
}

func TestFlagsOfTheLogComeBeforeKeys(t *testing.T) {
	config := parsed(t, workerconfig.Properties{"sluice.log.level": "error", "sluice.log.format": "json"})
	for _, c := range []struct {
		config        *workerconfig.Worker
		level, format string
		wants, not    string
	}{
		{nil, "", "", "level=INFO msg=i", "msg=d"},
		{nil, "debug", "", "level=DEBUG msg=d", "level=TRACE"},
		{nil, "TRACE", "", "level=TRACE msg=t", "json"},
		{config, "", "", `"level":"ERROR","msg":"e"`, `"msg":"w"`},
		{config, "warn", "text", `level=WARN msg=w`, `"msg"`},
	} {
		var out bytes.Buffer
		log := logTo(t, &out, c.config, c.level, c.format)
		log.Log(t.Context(), -8, "t")
		log.Debug("d")
		log.Info("i")
		log.Warn("w")
		log.Error("e")
		assert.Contains(t, out.String(), c.wants)
		assert.NotContains(t, out.String(), c.not)
	}
	for _, wrong := range []logFlags{{level: "loud"}, {format: "xml", fallback: "info"}} {
		_, err := wrong.open(new(bytes.Buffer), config)
		require.ErrorContains(t, err, "--log-")
	}
}

func TestALevelForAllWorkersIsObeyedIfItIsOne(t *testing.T) {
	var out bytes.Buffer
	log := logTo(t, &out, nil, "", "")
	log.setLevel("org.apache", "bad")
	require.Contains(t, out.String(), "level=WARN")
	log.setLevel("root", "Debug")
	log.Debug("loud")
	require.Contains(t, out.String(), "msg=loud")
}
