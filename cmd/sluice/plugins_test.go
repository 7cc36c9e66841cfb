package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/validation"
	"github.com/sluice-connect/sluice/connect/workerconfig"
)

// absent is a plugin whose program is not there, so that whoever runs it fails.
func absent(t *testing.T, dir, version string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "plugin.json"), []byte(`{
  "name": "mine", "version": "`+version+`", "contract": 1, "command": ["./mine"],
  "classes": [
    {"type": "SOURCE", "name": "org.me.MineSourceConnector", "keys": [
      {"name": "url", "type": "STRING"}, {"name": "v`+version+`", "type": "INT", "default": "7"}]},
    {"type": "TRANSFORM", "name": "org.me.Shout", "keys": [{"name": "field", "type": "STRING"}]},
    {"type": "PREDICATE", "name": "org.me.IsLoud"},
    {"type": "CONVERTER", "name": "org.me.MorseConverter"},
    {"type": "CONFIG_PROVIDER", "name": "org.me.VaultConfigProvider"}
  ]}`), 0o644))
}

func TestPluginsAreKnownWithoutRunning(t *testing.T) {
	root := t.TempDir()
	absent(t, filepath.Join(root, "mine-1.9"), "1.9")
	absent(t, filepath.Join(root, "mine-1.10"), "1.10")
	plugins := findPlugins(workerconfig.Properties{"plugin.path": " , " + root + " "})
	defer plugins.close()
	require.Empty(t, plugins.problems)
	all, problems, err := plugins.classes()
	require.NoError(t, err)
	require.Empty(t, problems)
	require.Len(t, plugins.providers(), 5)

	var listed []catalog.Listed
	for _, l := range all.List(false) {
		if len(l.Class) > 6 && l.Class[:7] == "org.me." {
			listed = append(listed, l)
		}
	}
	require.Equal(t, []catalog.Listed{
		{Class: "org.me.MineSourceConnector", Type: catalog.Source, Version: "1.9"},
		{Class: "org.me.MineSourceConnector", Type: catalog.Source, Version: "1.10"},
		{Class: "org.me.Shout", Type: catalog.Transformation, Version: "1.9"},
		{Class: "org.me.Shout", Type: catalog.Transformation, Version: "1.10"},
		{Class: "org.me.IsLoud", Type: catalog.Predicate, Version: "1.9"},
		{Class: "org.me.IsLoud", Type: catalog.Predicate, Version: "1.10"},
		{Class: "org.me.MorseConverter", Type: catalog.Converter, Version: "1.9"},
		{Class: "org.me.MorseConverter", Type: catalog.Converter, Version: "1.10"},
		{Class: "org.me.MorseConverter", Type: catalog.HeaderConverter, Version: "1.9"},
		{Class: "org.me.MorseConverter", Type: catalog.HeaderConverter, Version: "1.10"},
	}, listed)

	v := &validation.Validator{Catalog: all}
	for asked, has := range map[string]string{"": "v1.10", "latest": "v1.10", "1.9": "v1.9", "[1.0,1.10)": "v1.9", "(1.9,]": "v1.10"} {
		cfg := connect.Config{"connector.class": "MineSource", "name": "n", "url": "u"}
		if asked != "" {
			cfg["connector.plugin.version"] = asked
		}
		got, err := v.Validate(t.Context(), cfg)
		require.NoError(t, err)
		require.Zero(t, got.Infos.ErrorCount, asked)
		var names []string
		for _, c := range got.Infos.Configs {
			names = append(names, c.Value.Name)
		}
		require.Contains(t, names, has, asked)
	}
	got, err := v.Validate(t.Context(), connect.Config{"connector.class": "MineSource", "name": "n", "url": "u", "connector.plugin.version": "2"})
	require.NoError(t, err)
	require.Equal(t, 2, got.Infos.ErrorCount)
	require.Contains(t, got.Infos.Refusal(),
		"Plugin org.me.MineSourceConnector not found that matches the version range [2,2], available versions: [1.9, 1.10]")
}

func TestABrokenPluginHidesNoOther(t *testing.T) {
	root := t.TempDir()
	absent(t, filepath.Join(root, "mine"), "1")
	require.NoError(t, os.Mkdir(filepath.Join(root, "broken"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "broken", "plugin.json"), []byte("{"), 0o644))
	plugins := findPlugins(workerconfig.Properties{"plugin.path": root})
	defer plugins.close()
	require.Len(t, plugins.problems, 1)
	require.Len(t, plugins.manifests, 1)
}
