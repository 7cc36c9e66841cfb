package manifest

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/plugins/contract"
)

const whole = `{
  "name": "mysource",
  "version": "1.0.2",
  "contract": 1,
  "command": ["mysource", "--fast"],
  "checksum": "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
  "env": ["MY_TOKEN"],
  "limits": {"memory": "512MiB", "cpus": 1.5},
  "classes": [
    {"type": "SOURCE", "name": "org.me.MySource", "aliases": ["mine"], "abilities": ["SPLITS"], "keys": [
      {"name": "url", "type": "STRING", "doc": "Where it is.", "importance": "HIGH"},
      {"name": "every.ms", "type": "LONG", "default": "500", "displayName": "Every", "checked": true}
    ]},
    {"type": "TRANSFORM", "name": "org.me.Shout$Value", "version": "3"}
  ]
}`

func folder(t *testing.T, dir, text string, files ...string) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, FileName), []byte(text), 0o644))
	for _, f := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, f), nil, 0o755))
	}
	return dir
}

func TestAManifestIsReadWithAllThatItSays(t *testing.T) {
	t.Setenv("MY_TOKEN", "a=b")
	dir := folder(t, t.TempDir(), whole, "mysource")
	m, err := Read(dir)
	require.NoError(t, err)
	require.Equal(t, "mysource 1.0.2", m.String())
	require.Equal(t, []string{"./mysource", "--fast"}, m.Start())
	require.Equal(t, filepath.Join(dir, "mysource"), m.Program())
	require.Equal(t, Limits{Memory: 512 << 20, CPUs: 1.5}, m.Limits)
	require.Equal(t, []string{"MY_TOKEN=a=b"}, m.Environment())
	require.Len(t, m.Classes, 2)
	require.Equal(t, []contract.Ability{contract.Ability_SPLITS}, m.Classes[0].GetAbilities())
	require.Equal(t, "500", m.Classes[0].GetKeys()[1].GetDefault())
	require.Equal(t, "Every", m.Classes[0].GetKeys()[1].GetDisplayName())
	require.Equal(t, "org.me.Shout$Value", m.Classes[1].GetName())
}

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	dir := folder(t, t.TempDir(), whole)
	m, err := Read(dir)
	require.NoError(t, err)
	text, err := m.Text()
	require.NoError(t, err)
	require.NoError(t, m.Write())
	again, err := Read(m.File())
	require.NoError(t, err)
	same, err := again.Text()
	require.NoError(t, err)
	require.Equal(t, string(text), string(same))
	require.Contains(t, string(text), `"memory": "512MiB"`)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1)
}

func TestAnInterpretersScriptIsTheProgram(t *testing.T) {
	dir := folder(t, t.TempDir(), strings.Replace(whole, `["mysource", "--fast"]`, `["python3", "-u", "source.py"]`, 1), "source.py")
	m, err := Read(dir)
	require.NoError(t, err)
	require.Equal(t, []string{"python3", "-u", "source.py"}, m.Start())
	require.Equal(t, filepath.Join(dir, "source.py"), m.Program())
	interpreter := filepath.Join(t.TempDir(), "python3")
	require.NoError(t, os.WriteFile(interpreter, nil, 0o755))
	require.NoError(t, os.Symlink(interpreter, filepath.Join(dir, "python3"))) // as in a virtual environment
	require.Equal(t, filepath.Join(dir, "source.py"), m.Program())
}

func TestADraftFindsTheProgram(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mine")
	folder(t, dir, "{}", "a", "mine", "z")
	m, err := Draft(dir, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"./mine"}, m.Command)
	require.NoError(t, os.Remove(filepath.Join(dir, "mine")))
	_, err = Draft(dir, nil)
	require.ErrorContains(t, err, "several programs are in it (a, z): name the command behind the folder")
	require.NoError(t, os.Remove(filepath.Join(dir, "z")))
	m, err = Draft(dir, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"./a"}, m.Command)
	require.NoError(t, os.Remove(filepath.Join(dir, "a")))
	_, err = Draft(dir, nil)
	require.ErrorContains(t, err, "no program is in it")
	m, err = Draft(dir, []string{"python3", "x.py"})
	require.NoError(t, err)
	require.Equal(t, []string{"python3", "x.py"}, m.Command)
}

func TestABrokenManifestNamesFileFieldAndFix(t *testing.T) {
	for name, k := range map[string]struct{ old, new, says string }{
		"no JSON":         {`"version": "1.0.2",`, `"version": 1.0.2,`, "line 3 is no JSON"},
		"cut off":         {"\n  ]\n}", "", "it is empty or cut off"},
		"unknown field":   {`"env"`, `"enw"`, "enw: there is no such field: it is misspelt, or of a newer Sluice"},
		"wrong kind":      {`"1.0.2"`, `2`, "version: a number does not fit: want a text"},
		"name":            {`"mysource",`, `"my source",`, `name: "my source" is none`},
		"version":         {`"1.0.2"`, `"[1.0"`, `version: "[1.0" is none`},
		"contract":        {`"contract": 1`, `"contract": 9`, "contract: the plugin speaks version 9 of the contract, and this Sluice version 1"},
		"no contract":     {`"contract": 1,`, ``, "contract: it is missing: plugins of today speak version 1"},
		"command":         {`["mysource", "--fast"]`, `[]`, `command: it is missing: name the program and its arguments, as in ["./mysource"]`},
		"checksum":        {`"sha256:0123`, `"md5:0123`, "checksum: want sha256: and 64"},
		"env":             {`["MY_TOKEN"]`, `["MY_TOKEN=secret"]`, "env[0]: "},
		"memory":          {`"512MiB"`, `"512 parsecs"`, "limits.memory: want bytes"},
		"cpus":            {`"cpus": 1.5`, `"cpus": -1`, "limits.cpus: it is below 0"},
		"too many cpus":   {`"cpus": 1.5`, `"cpus": 1e300`, "limits.cpus: it is above 8192"},
		"class type":      {`"SOURCE"`, `"SOUP"`, `classes[0]: invalid value for enum field type: "SOUP"`},
		"class no type":   {`"type": "SOURCE", `, ``, "classes[0].type: want SOURCE"},
		"class field":     {`"aliases"`, `"alias"`, `classes[0]: unknown field "alias": see message Class in plugin.proto`},
		"class name":      {`"org.me.MySource"`, `""`, `classes[0].name: "" is no name of a class`},
		"class twice":     {`"TRANSFORM", "name": "org.me.Shout$Value", "version": "3"`, `"SOURCE", "name": "org.me.MySource"`, "classes[1].name: org.me.MySource is there twice"},
		"key type":        {`"STRING"`, `"TEXT"`, `classes[0].keys[0].type: there is no "TEXT": want one of BOOLEAN, STRING`},
		"key importance":  {`"HIGH"`, `"huge"`, `classes[0].keys[0].importance: there is no "huge": want one of HIGH, MEDIUM, LOW`},
		"key default":     {`"default": "500"`, `"default": "soon"`, "classes[0].keys[1].default: it is no LONG"},
		"key twice":       {`"every.ms"`, `"url"`, "classes[0].keys[1].name: url is there twice"},
		"more at the end": {"\n  ]\n}", "\n  ]\n}{}", "there is more after its end"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, whole, k.old)
			dir := folder(t, t.TempDir(), strings.Replace(whole, k.old, k.new, 1))
			_, err := Read(dir)
			require.ErrorContains(t, err, filepath.Join(dir, FileName)+": ")
			require.ErrorContains(t, err, k.says)
		})
	}
	_, err := Read(t.TempDir())
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestDiscoveryPassesOverWhatIsNoPluginAndTellsWhatIsBroken(t *testing.T) {
	root := t.TempDir()
	jars := filepath.Join(root, "java")
	require.NoError(t, os.MkdirAll(filepath.Join(jars, "debezium"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(jars, "debezium", "debezium.jar"), nil, 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(jars, "uber.jar"), nil, 0o644))
	plugins := filepath.Join(root, "plugins")
	one := folder(t, filepath.Join(plugins, "mysource-1.0.2"), whole)
	two := folder(t, filepath.Join(plugins, "mysource-1.1"), strings.Replace(whole, `"1.0.2"`, `"1.1"`, 1))
	folder(t, filepath.Join(plugins, "mysource-copy"), whole)
	folder(t, filepath.Join(plugins, "broken"), "{")
	alone := folder(t, filepath.Join(root, "alone"), strings.Replace(whole, `"mysource",`, `"other",`, 1))
	require.NoError(t, os.Symlink(alone, filepath.Join(plugins, "z-link")))
	require.NoError(t, os.MkdirAll(filepath.Join(plugins, "deep", "er"), 0o755))
	folder(t, filepath.Join(plugins, "deep", "er"), strings.Replace(whole, `"mysource",`, `"deep",`, 1))

	found, problems := Discover([]string{jars, filepath.Join(jars, "uber.jar"), plugins, alone, filepath.Join(root, "gone")})
	var dirs []string
	for _, m := range found {
		dirs = append(dirs, m.Dir)
	}
	require.Equal(t, []string{one, two, filepath.Join(plugins, "z-link")}, dirs)
	require.Len(t, problems, 4)
	require.ErrorContains(t, problems[0], filepath.Join(plugins, "broken", FileName))
	require.ErrorContains(t, problems[1], "mysource 1.0.2 is in "+one+" already")
	require.ErrorContains(t, problems[2], "other 1.0.2 is in")
	require.ErrorContains(t, problems[3], "there is no folder "+filepath.Join(root, "gone"))
}
