package basicauth_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect/basicauth"
)

const module = "org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule"

func write(t *testing.T, path, text string) string {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestTheJAASFileIsWhereJavaLooksForItUnlessConfigured(t *testing.T) {
	for options, want := range map[string]string{
		"-Xmx1g -Djava.security.auth.login.config=/etc/jaas.conf -Dx=y": "/etc/jaas.conf",
		"-Djava.security.auth.login.config==/etc/jaas.conf":             "/etc/jaas.conf",
		"-Djava.security.auth.login.config=file:/etc/jaas.conf":         "/etc/jaas.conf",
		`-Djava.security.auth.login.config="/etc/jaas.conf"`:            "/etc/jaas.conf",
	} {
		path, err := basicauth.FileOf("", []string{"HOME=/x", "KAFKA_OPTS=" + options})
		require.NoError(t, err)
		require.Equal(t, want, path)
	}
	path, err := basicauth.FileOf("/own", []string{"KAFKA_OPTS=-Djava.security.auth.login.config=/etc/jaas.conf"})
	require.NoError(t, err)
	require.Equal(t, "/own", path)
	_, err = basicauth.FileOf("", []string{"KAFKA_OPTS=-Xmx1g"})
	require.ErrorContains(t, err, "sluice.rest.jaas.file is missing")
}

func TestWhoeverAFileKnowsMayLogIn(t *testing.T) {
	dir := t.TempDir()
	one := write(t, filepath.Join(dir, "one"), "# ours\nalice=s:1 \\u00e9\nempty=\n")
	two := write(t, filepath.Join(dir, "two"), "bob=2\n")
	users, err := basicauth.Open(write(t, filepath.Join(dir, "jaas"), `KafkaConnect {
		`+module+` required file="`+one+`"; `+module+` required file="`+two+`" debug=true; };`), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.Equal(t, []string{"alice", "bob", "empty"}, users.Names())
	for login, want := range map[[2]string]bool{
		{"alice", "s:1 é"}: true, {"bob", "2"}: true, {"empty", ""}: true,
		{"alice", "2"}: false, {"alice", ""}: false, {"bob", ""}: false, {"carol", ""}: false, {"carol", "2"}: false, {"", ""}: false,
	} {
		assert.Equal(t, want, users.Permits(login[0], login[1]), login)
	}
}

func TestChangedUsersCountAtOnceAndABrokenFileLetsNobodyElseIn(t *testing.T) {
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "users"), "alice=hunter22\n")
	var log bytes.Buffer
	users, err := basicauth.Open(write(t, filepath.Join(dir, "jaas"), `KafkaConnect { `+module+` required file="`+file+`"; };`),
		slog.New(slog.NewTextHandler(&log, nil)))
	require.NoError(t, err)
	age := time.Now()
	change := func(text string) {
		write(t, file, text)
		age = age.Add(time.Second)
		require.NoError(t, os.Chtimes(file, age, age))
	}
	change("alice=hunter33\nbob=b\n")
	assert.True(t, users.Permits("bob", "b"))
	assert.False(t, users.Permits("alice", "hunter22"))
	assert.Contains(t, log.String(), "users have changed")

	change("# nobody\n")
	assert.False(t, users.Permits("mallory", "x"), "in Java a file without users lets everybody in")
	assert.True(t, users.Permits("bob", "b"))
	assert.Contains(t, log.String(), "level=ERROR")
	change(`alice=\u12`)
	assert.True(t, users.Permits("alice", "hunter33"))
	assert.NotContains(t, log.String(), "hunter")
}

func TestWhatIsWrongIsNamedWithItsKey(t *testing.T) {
	dir := t.TempDir()
	empty := write(t, filepath.Join(dir, "empty"), "")
	for text, says := range map[string]string{
		``:                               "there is no entry KafkaConnect",
		`KafkaClient { x.Y required; };`: "there is no entry KafkaConnect",
		`KafkaConnect { };`:              "there is no entry KafkaConnect",
		`KafkaConnect { com.acme.LDAP required; };`:                       "the login module com.acme.LDAP is not here",
		`KafkaConnect { ` + module + ` required; };`:                      "the option file",
		`KafkaConnect { ` + module + ` required file="/nowhere"; };`:      "no such file",
		`KafkaConnect { ` + module + ` required file="` + empty + `"; };`: "there is none in " + empty,
		`KafkaConnect { ` + module + ` file="x"; };`:                      "the word after the login module",
	} {
		_, err := basicauth.Open(write(t, filepath.Join(dir, "jaas"), text), slog.New(slog.DiscardHandler))
		require.ErrorContains(t, err, says)
		require.ErrorContains(t, err, "sluice.rest.jaas.file")
	}
	_, err := basicauth.Open(filepath.Join(dir, "nowhere"), slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "sluice.rest.jaas.file: reading the JAAS file")
}
