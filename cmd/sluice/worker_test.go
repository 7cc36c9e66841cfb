package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect/migration"
	"github.com/sluice-connect/sluice/connect/workerconfig"
)

func TestNoKeyOfOurOwnWorkerFilesIsWarnedOf(t *testing.T) {
	known, err := classes()
	require.NoError(t, err)
	for path, mode := range map[string]workerconfig.Mode{
		"worker.properties":         workerconfig.Distributed,
		"standalone.properties":     workerconfig.Standalone,
		"cluster/worker.properties": workerconfig.Distributed,
		"deploy/worker.properties":  workerconfig.Distributed,
	} {
		config, plugins, err := loadWorker(t.Context(), mode, filepath.Join("..", "..", "examples", path), nil)
		defer plugins.close()
		require.NoError(t, err, path)
		require.NoError(t, checkConverters(known, config.Properties), path)
		assert.Empty(t, migration.Warnings(config, known), path)
	}
}

func TestAConverterOfTheWorkerIsCheckedWithItsOptions(t *testing.T) {
	known, err := classes()
	require.NoError(t, err)
	for name, c := range map[string]struct{ key, value, part string }{
		"not there":       {"key.converter", "com.example.Absent", "key.converter: "},
		"headers only":    {"value.converter", "SimpleHeaderConverter", "value.converter: SimpleHeaderConverter converts headers only"},
		"option of keys":  {"key.converter.schemas.enable", "maybe", "key.converter.schemas.enable: "},
		"option of heads": {"header.converter.schemas.enable", "maybe", "header.converter.schemas.enable: "},
	} {
		t.Run(name, func(t *testing.T) {
			const json = "org.apache.kafka.connect.json.JsonConverter"
			p := workerconfig.Properties{"key.converter": json, "value.converter": json, "header.converter": json}
			require.NoError(t, checkConverters(known, p))
			p[c.key] = c.value
			require.ErrorContains(t, checkConverters(known, p), c.part)
		})
	}
}
