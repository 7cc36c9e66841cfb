package validation

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheAnswerIsThatOfAWorkerOfKafkaConnect(t *testing.T) {
	recordings := readRecordings(t)
	for _, w := range recordings.Workers {
		v := &Validator{
			Catalog: fileConnectors(t), Worker: w.Worker, GroupID: w.Worker["group.id"], ExactlyOnce: w.Worker["exactly.once.source.support"] == "enabled",
			OverridePolicy: OverridePolicy(w.Worker["connector.client.config.override.policy"]),
		}
		for _, want := range w.Cases {
			t.Run(v.GroupID+"/"+want.Config.text(t), func(t *testing.T) {
				if want.Code != http.StatusOK {
					requireRefusal(t, v, want)
					return
				}
				cfg, nulls := want.Config.split()
				got, err := v.Validate(t.Context(), cfg, nulls...)
				require.NoError(t, err)
				infos := withoutGroups(got.Infos)
				require.Equal(t, cfg["connector.class"], infos.Name)
				require.Len(t, infos.Configs, len(want.Configs))
				for i, c := range want.Configs {
					recordings.requireSameKey(t, c, infos.Configs[i])
				}
				require.Equal(t, want.ErrorCount, infos.ErrorCount)
				require.Equal(t, want.Groups, infos.Groups)
			})
		}
	}
}

// requireRefusal is for what is no configuration of a connector at all; what else makes Java break is here an error of the key.
func requireRefusal(t *testing.T, v *Validator, want *recorded) {
	t.Helper()
	cfg, nulls := want.Config.split()
	got, err := v.Validate(t.Context(), cfg, nulls...)
	if strings.Contains(want.Message, "BadRequestException") {
		require.Error(t, err)
		return
	}
	require.NoError(t, err)
	require.NotZero(t, got.Infos.ErrorCount)
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

func (r *recordings) requireSameKey(t *testing.T, want recordedConfig, got ConfigInfo) {
	t.Helper()
	name := want.Name
	require.Equal(t, name, got.Value.Name)
	errors := got.Value.Errors
	if len(errors) == 0 {
		errors = nil
	}
	require.Equal(t, want.Errors, errors, name)
	require.Equal(t, want.Value, got.Value.Value, name)
	require.Equal(t, want.Hidden, !got.Value.Visible, name)
	// Other classes than Kafka's are offered too.
	offered := slices.DeleteFunc(slices.Clone(got.Value.RecommendedValues), func(v string) bool {
		return strings.Contains(v, ".") && strings.ContainsAny(v, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") && !strings.HasPrefix(v, "org.apache.kafka.")
	})
	require.Equal(t, r.Recommendations[want.Recommended], offered, name)
	if want.Definition == nil {
		require.Nil(t, got.Definition, name)
		return
	}
	require.NotNil(t, got.Definition, name)
	require.JSONEq(t, string(r.Definitions[*want.Definition]), withoutDocumentation(t, got.Definition), name)
}

func withoutDocumentation(t *testing.T, key *ConfigKeyInfo) string {
	t.Helper()
	data, err := json.Marshal(key)
	require.NoError(t, err)
	var members map[string]json.RawMessage
	require.NoError(t, json.NewDecoder(bytes.NewReader(data)).Decode(&members))
	delete(members, "documentation")
	data, err = json.Marshal(members)
	require.NoError(t, err)
	return string(data)
}
