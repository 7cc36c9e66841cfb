package manifests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

// folder writes files, by path, and returns where.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
	return dir
}

func TestAConnectorMayBeWrittenDownInManyWays(t *testing.T) {
	want := connect.Config{"name": "lines", "connector.class": "FileStreamSource", "tasks.max": "1", "batch": "true", "rate": "1.50"}
	for name, content := range map[string]string{
		"lines.properties":   "# a comment\nname=lines\nconnector.class = FileStreamSource\ntasks.max=1\nbatch:true\nrate 1.50\n",
		"flat.json":          `{"name": "lines", "connector.class": "FileStreamSource", "tasks.max": 1, "batch": true, "rate": 1.50}`,
		"post.json":          `{"name": " lines ", "config": {"connector.class": "FileStreamSource", "tasks.max": "1", "batch": "true", "rate": 1.50}}`,
		"get.json":           `{"name":"lines","config":{"name":"lines","connector.class":"FileStreamSource","tasks.max":"1","batch":"true","rate":"1.50"},"tasks":[{"connector":"lines","task":0}],"type":"source"}`,
		"byte-order.json":    "\xef\xbb\xbf" + `{"name": "lines", "connector.class": "FileStreamSource", "tasks.max": 1, "batch": true, "rate": 1.50}`,
		"list.json":          `[{"name": "lines", "connector.class": "FileStreamSource", "tasks.max": 1, "batch": true, "rate": 1.50}]`,
		"flat.yaml":          "---\nname: lines\nconnector.class: FileStreamSource\ntasks.max: 1\nbatch: true\nrate: 1.50\n---\n",
		"post.yml":           "name: lines\nconfig:\n  connector.class: FileStreamSource\n  tasks.max: 1\n  batch: true\n  rate: 1.50\n",
		"merged.yaml":        "name: lines\nconfig:\n  <<: {tasks.max: 1, batch: false}\n  connector.class: FileStreamSource\n  batch: true\n  rate: '1.50'\n",
		"guessed-yaml":       "name: lines\nconnector.class: FileStreamSource\ntasks.max: 1\nbatch: true\nrate: 1.50\n",
		"guessed-properties": "name=lines\nconnector.class=FileStreamSource\ntasks.max=1\nbatch=true\nrate=1.50\n",
		"java.properties":    `{"name": "lines", "connector.class": "FileStreamSource", "tasks.max": 1, "batch": true, "rate": 1.50}`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, map[string]string{name: content})
			all, err := ReadFile(filepath.Join(dir, name))
			require.NoError(t, err)
			assert.Equal(t, []Manifest{{Name: "lines", Config: want, Source: filepath.Join(dir, name)}}, all)
		})
	}
}

func TestAFileMayHoldSeveralConnectors(t *testing.T) {
	for name, content := range map[string]string{
		"list.json":   `[{"name": "a", "connector.class": "X"}, {"name": "b", "config": {"connector.class": "Y"}, "initial_state": "stopped"}]`,
		"stream.json": `{"name": "a", "connector.class": "X"}` + "\n" + `{"name": "b", "config": {"connector.class": "Y"}, "initial_state": "STOPPED"}`,
		"two.yaml":    "name: a\nconnector.class: X\n---\nname: b\nconfig: {connector.class: Y}\ninitial_state: STOPPED\n",
	} {
		t.Run(name, func(t *testing.T) {
			all, err := Parse(name, []byte(content))
			require.NoError(t, err)
			assert.Equal(t, []Manifest{
				{Name: "a", Config: connect.Config{"name": "a", "connector.class": "X"}, Source: name},
				{Name: "b", Config: connect.Config{"name": "b", "connector.class": "Y"}, InitialState: "STOPPED", Source: name},
			}, all)
		})
	}
}

func TestAWrongManifestIsNamedWithTheLineTheKeyAndTheFix(t *testing.T) {
	for name, c := range map[string]struct{ content, says string }{
		"broken.json":     {"{\"name\": \"a\",\n\"b\" 1}", "broken.json:2: this is not JSON"},
		"short.json":      {`{"name": "a"`, "short.json:1: this is not JSON: it ends too early"},
		"word.json":       {`["a"]`, "word.json:1: want a connector"},
		"nested.json":     {"{\"name\": \"a\", \"connector.class\": \"X\",\n \"list\": [1]}", "nested.json:1: list: want a text, a number, true or false: Kafka Connect writes a list as one text"},
		"null.json":       {`{"name": "a", "config": {"x": null}}`, "x: want a text, a number, true or false, not null: leave the key out"},
		"twice.json":      {`{"name": "a", "connector.class": "X", "q": 1, "q": 2}`, "q: it stands here twice"},
		"twice.yaml":      {"name: a\nconnector.class: X\nq: 1\nq: 2\n", "q: it stands here twice"},
		"names.json":      {`{"name": "a", "config": {"name": "b", "connector.class": "X"}}`, "name: it is a outside of config and b in it"},
		"beside.json":     {`{"name": "a", "tasks.max": 1, "config": {"connector.class": "X"}}`, "tasks.max: unknown beside config"},
		"none.properties": {"connector.class=X\n", "name is missing: give the connector a name"},
		"state.json":      {`{"name": "a", "config": {"connector.class": "X"}, "initial_state": "GONE"}`, "initial_state: GONE is none of"},
		"hidden.json":     {`{"name": "a", "connector.class": "X", "p": "[hidden]"}`, "p: it is [hidden]: the file was exported without its secrets"},
		"tab.yaml":        {"name: a\n\tb: c\n", "tab.yaml: this is not YAML: yaml: "},
		"loop.yaml":       {"name: &a [*a]\n", "nested too deep"},
		"deep.json":       {strings.Repeat("[", 100), "nested too deep"},
		"empty.yaml":      {"# nothing\n", "empty.yaml: there is no connector in it"},
		"empty.json":      {"", "empty.json: there is no connector in it"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(name, []byte(c.content))
			require.ErrorContains(t, err, c.says)
		})
	}
}

func TestAFolderIsReadByExtensionsAndAllThatIsWrongIsTold(t *testing.T) {
	dir := folder(t, map[string]string{
		"a.json": `{"name": "a", "connector.class": "X"}`, "b.yaml": "name: b\nconnector.class: X\n", "c.properties": "name=c\nconnector.class=X\n",
		"README.md": "# no manifest", ".hidden.json": "{", "below/d.json": `{"name": "d", "connector.class": "X"}`,
	})
	names := func(recursive bool) (names []string) {
		all, err := Read([]string{dir}, recursive, nil)
		require.NoError(t, err)
		for _, m := range all {
			names = append(names, m.Name)
		}
		return names
	}
	assert.Equal(t, []string{"a", "b", "c"}, names(false))
	assert.Equal(t, []string{"a", "b", "d", "c"}, names(true))

	dir = folder(t, map[string]string{"a.json": `{"name": "x", "connector.class": "X"}`, "b.json": `{`, "c.json": `{}`, "d.yaml": "name: x\nconnector.class: Y\n"})
	_, err := Read([]string{dir}, false, nil)
	for _, part := range []string{"b.json:1: this is not JSON", "c.json:1: name is missing", "the connector x stands in " + filepath.Join(dir, "a.json") + " already"} {
		assert.ErrorContains(t, err, part)
	}

	_, err = Read([]string{t.TempDir()}, false, nil)
	assert.ErrorContains(t, err, "there is no manifest in this folder")
}

func TestStandardInputIsAPathToo(t *testing.T) {
	all, err := Read([]string{Stdin}, false, strings.NewReader("name: a\nconnector.class: X\n"))
	require.NoError(t, err)
	assert.Equal(t, "standard input", all[0].Source)
}

func TestADifferenceIsToldByKey(t *testing.T) {
	m := Manifest{Name: "a", Config: connect.Config{"name": "a", "same": "1", "more": "2", "new": "3"}}
	text := func(s string) *string { return &s }
	assert.Equal(t, []Change{{"gone", text("4"), nil}, {"more", text("1"), text("2")}, {"new", nil, text("3")}},
		m.Difference(connect.Config{"same": "1", "more": "1", "gone": "4"}))
	assert.Empty(t, m.Difference(m.Config))
}
