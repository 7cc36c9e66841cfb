package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/herder"
)

func connectorFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestAConnectorsFileIsPropertiesOrFlatJSONOrTheBodyOfAPOST(t *testing.T) {
	want := connect.Config{"name": "lines", "connector.class": "FileStreamSource", "tasks.max": "1", "batch": "true"}
	for name, text := range map[string]string{
		"lines.properties": "# a comment\nname=lines\nconnector.class = FileStreamSource\ntasks.max=1\nbatch:true\n",
		"flat.json":        `{"name": "lines", "connector.class": "FileStreamSource", "tasks.max": 1, "batch": true}`,
		"post.json":        `{"name": "lines", "config": {"connector.class": "FileStreamSource", "tasks.max": "1", "batch": "true"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			c, err := readConnector(connectorFile(t, name, text))
			require.NoError(t, err)
			assert.Equal(t, herder.NewConnector{Name: "lines", Config: want}, c)
		})
	}
}

func TestAConnectorsFileMaySayInWhichStateItBegins(t *testing.T) {
	c, err := readConnector(connectorFile(t, "c.json", `{"name": "a", "config": {"connector.class": "X"}, "initial_state": "STOPPED"}`))
	require.NoError(t, err)
	assert.Equal(t, "STOPPED", c.InitialState)
}

func TestAWrongConnectorsFileIsNamedWithWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct{ text, part string }{
		"array.json":      {`[{"name": "a"}]`, "want one object"},
		"broken.json":     {`{"name": "a"`, "JSON"},
		"nested.json":     {`{"name": "a", "list": [1]}`, "list: want a text"},
		"null.json":       {`{"name": "a", "config": {"x": null}}`, "x: want a text"},
		"none.properties": {"connector.class=X\n", "name is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readConnector(connectorFile(t, name, c.text))
			require.ErrorContains(t, err, name)
			require.ErrorContains(t, err, c.part)
		})
	}
}
