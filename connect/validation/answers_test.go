package validation

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

// answers.json holds what a worker of Kafka Connect 4.1.2 answered to PUT .../config/validate with its file connectors, documentation left out. From
// the fourth case on definitions are names only and recommendations are left out too.
type answers struct {
	Worker map[string]string
	Cases  []answer
}

type answer struct {
	Config     connect.Config
	ErrorCount int `json:"error_count"`
	Groups     []string
	Configs    []answerConfig
}

type answerConfig struct {
	Definition json.RawMessage
	Value      struct {
		Name              string
		Value             *string
		RecommendedValues []string `json:"recommended_values"`
		Errors            []string
		Visible           bool
	}
}

func readAnswers(t *testing.T) answers {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "answers.json"))
	require.NoError(t, err)
	var a answers
	require.NoError(t, json.Unmarshal(data, &a))
	require.NotEmpty(t, a.Cases)
	return a
}

func TestTheAnswerIsThatOfAWorkerOfKafkaConnect(t *testing.T) {
	golden := readAnswers(t)
	v := &Validator{
		Catalog: fileConnectors(t), Worker: golden.Worker,
		OverridePolicy: golden.Worker["connector.client.config.override.policy"], GroupID: golden.Worker["group.id"],
	}
	for _, want := range golden.Cases {
		text, err := json.Marshal(want.Config)
		require.NoError(t, err)
		t.Run(string(text), func(t *testing.T) {
			got, err := v.Validate(t.Context(), want.Config)
			require.NoError(t, err)
			infos := withoutGroups(got.Infos)
			require.Equal(t, want.Config["connector.class"], infos.Name)
			require.Equal(t, want.ErrorCount, infos.ErrorCount)
			require.ElementsMatch(t, want.Groups, infos.Groups)
			require.Len(t, infos.Configs, len(want.Configs))
			// The keys of overrides and of converters' options come in a hash map's order, section by section.
			main := len(want.Configs)
			for main > 0 && section(want.Configs[main-1].Value.Name) != "" {
				main--
			}
			slices.SortStableFunc(want.Configs[main:], func(a, b answerConfig) int { return inSection(a.Value.Name, b.Value.Name) })
			slices.SortStableFunc(infos.Configs[main:], func(a, b ConfigInfo) int { return inSection(a.Value.Name, b.Value.Name) })
			for i := range want.Configs {
				requireSameKey(t, want.Config, want.Configs[i], infos.Configs[i])
			}
		})
	}
}

// withoutGroups leaves out what is found against groups of topics, which Java looks at when the connector starts.
func withoutGroups(infos ConfigInfos) ConfigInfos {
	infos.Configs = slices.DeleteFunc(infos.Configs, func(c ConfigInfo) bool {
		ours := strings.HasPrefix(c.Value.Name, creationPrefix) && c.Value.Name != keyCreationGroups.Name()
		if ours {
			infos.ErrorCount -= len(c.Value.Errors)
		}
		return ours
	})
	return infos
}

// section is the beginning of a key that is not of the main section.
func section(key string) string {
	for _, prefix := range []string{"producer.override.", "consumer.override.", "admin.override.", "header.converter.", "key.converter.", "value.converter."} {
		if strings.HasPrefix(key, prefix) && !strings.HasSuffix(key, versionSuffix) {
			return prefix
		}
	}
	return ""
}

// inSection orders keys of one section only.
func inSection(a, b string) int {
	if section(a) != section(b) {
		return 0
	}
	return strings.Compare(a, b)
}

func requireSameKey(t *testing.T, cfg connect.Config, want answerConfig, got ConfigInfo) {
	t.Helper()
	name := want.Value.Name
	require.Equal(t, name, got.Value.Name)
	if strings.HasPrefix(name, "value.converter") && cfg["value.converter"] == "java.lang.String" {
		return // a class to Java, though no converter; here no class at all
	}
	if name == "value.converter.decimal.format" && len(want.Value.Errors) > 0 {
		require.Len(t, got.Value.Errors, 1, "in our own words")
	} else {
		require.Equal(t, want.Value.Errors, got.Value.Errors, name)
	}
	require.Equal(t, want.Value.Value, got.Value.Value, name)
	require.Equal(t, want.Value.Visible, got.Value.Visible, name)
	if want.Value.RecommendedValues != nil {
		require.Equal(t, want.Value.RecommendedValues, got.Value.RecommendedValues, name)
	}
	if strings.Contains(name, ".override.") {
		return // the definitions of Kafka's clients are not kept
	}
	requireSameDefinition(t, want.Definition, got.Definition)
}

func requireSameDefinition(t *testing.T, want json.RawMessage, got *ConfigKeyInfo) {
	t.Helper()
	if len(want) == 0 || want[0] != '{' {
		var name *string
		require.NoError(t, json.Unmarshal(want, &name))
		require.Equal(t, name == nil, got == nil, string(want))
		return
	}
	data, err := json.Marshal(got)
	require.NoError(t, err)
	var ours map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(data, &ours))
	delete(ours, "documentation")
	data, err = json.Marshal(ours)
	require.NoError(t, err)
	require.JSONEq(t, string(want), string(data))
}
