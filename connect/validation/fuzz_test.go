package validation

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

// FuzzValidate takes lines of key=value; a line without = is a key that is null.
func FuzzValidate(f *testing.F) {
	data := readRecordings(f)
	for _, w := range data.Workers {
		for _, c := range w.Cases {
			cfg, nulls := c.Config.split()
			var lines []string
			for key, value := range cfg {
				lines = append(lines, key+"="+value)
			}
			f.Add(strings.Join(append(lines, nulls...), "\n"))
		}
	}
	classes := fileConnectors(f)
	f.Fuzz(func(t *testing.T, text string) {
		cfg, nulls := connect.Config{}, []string(nil)
		for line := range strings.Lines(text) {
			line = strings.TrimSuffix(line, "\n")
			if key, value, given := strings.Cut(line, "="); given {
				cfg[key] = value
			} else {
				nulls = append(nulls, line)
			}
		}
		nulls = slices.DeleteFunc(nulls, func(key string) bool { _, given := cfg[key]; return given })
		v := &Validator{Catalog: classes, GroupID: "g", Worker: map[string]string{"key.converter": jsonConverter}, ExactlyOnce: true}
		got, err := v.Validate(t.Context(), cfg, nulls...)
		if err != nil {
			return
		}
		body, err := json.Marshal(got.Infos)
		require.NoError(t, err)
		require.NotEmpty(t, body)
		class, err := classes.Connector(cfg["connector.class"])
		require.NoError(t, err)
		// What was accepted can be read.
		_, err = ParseFramework(classes, class, cfg, v.Worker)
		if got.Infos.ErrorCount == 0 && len(nulls) == 0 {
			require.NoError(t, err)
		}
	})
}
