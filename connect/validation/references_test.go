package validation

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/configproviders"
)

// memory is a config provider of what it holds.
type memory map[string]string

func (m memory) Get(_ context.Context, _ string, keys []string) (configproviders.Found, error) {
	found := map[string]string{}
	for _, key := range keys {
		if value, ok := m[key]; ok {
			found[key] = value
		}
	}
	return configproviders.Found{Values: found}, nil
}

func remembering(t *testing.T, m memory) *configproviders.Providers {
	t.Helper()
	class := configproviders.Definition{Spec: connect.NewSpec("Memory", ""), New: func(connect.Config) (configproviders.Provider, error) { return m, nil }}
	p, err := configproviders.Open([]configproviders.Definition{class}, connect.Config{"config.providers": "m", "config.providers.m.class": "Memory"})
	require.NoError(t, err)
	return p
}

// of is what was found of a key; nil where it is not listed.
func of(r Result, key string) *ConfigValueInfo {
	at := slices.IndexFunc(r.Infos.Configs, func(c ConfigInfo) bool { return c.Value.Name == key })
	if at < 0 {
		return nil
	}
	return r.Infos.Configs[at].Value
}

func TestAConfigurationIsCheckedWithWhatItRefersToAndShownAsItWasGiven(t *testing.T) {
	var seen connect.Config
	v := validator(t, func(_ context.Context, cfg connect.Config) []connect.Problem {
		seen = cfg
		return []connect.Problem{{Key: "user", Message: "login of hunter22-user refused"}, {Key: "url", Message: "no hunter22-user at home", Warning: true}}
	}, connect.StringKey("user", "").Optional(), connect.PasswordKey("secret", "").Optional(), connect.StringKey("url", "").Optional())
	v.Providers = remembering(t, memory{"user": "hunter22-user", "secret": "hunter22", "tasks": "2", "pin": "abc"})
	cfg := connect.Config{"connector.class": "S", "name": "x", "user": "${m:user}", "secret": "${m:secret}", "url": "http://${m:user}@host", "tasks.max": "${m:tasks}"}
	r, err := v.Validate(t.Context(), cfg)
	require.NoError(t, err)
	assert.Equal(t, "hunter22", seen["secret"])
	assert.Equal(t, "2", seen["tasks.max"])
	text, err := json.Marshal(r)
	require.NoError(t, err)
	assert.NotContains(t, string(text), "hunter22")
	assert.Equal(t, "${m:user}", *of(r, "user").Value)
	assert.Equal(t, "http://${m:user}@host", *of(r, "url").Value)
	assert.Equal(t, "${m:tasks}", *of(r, "tasks.max").Value)
	assert.Equal(t, connect.Hidden, *of(r, "secret").Value)
	assert.Equal(t, []string{"user: login of [hidden] refused"}, of(r, "user").Errors)
	assert.Contains(t, r.Warnings, "url: no [hidden] at home")

	cfg["tasks.max"] = "${m:pin}"
	r, err = v.Validate(t.Context(), cfg)
	require.NoError(t, err)
	assert.Equal(t, []string{"Invalid value ${m:pin} for configuration tasks.max: Not a number of type INT",
		"Invalid value null for configuration tasks.max: Value must be non-null"}, of(r, "tasks.max").Errors)
}

func TestAliasesThatAreLookedUpAreShownOnlyWhereTheConfigurationNamesThem(t *testing.T) {
	v := validator(t, nil)
	v.Providers = remembering(t, memory{"cut": "cut", "secret": "hunter22 and more"})
	cfg := connect.Config{"connector.class": "S", "name": "x", "transforms": "${m:secret}", "predicates": "p,${m:secret}", "topic.creation.groups": "${m:secret}"}
	r, err := v.Validate(t.Context(), cfg)
	require.NoError(t, err)
	text, err := json.Marshal(r)
	require.NoError(t, err)
	assert.NotContains(t, string(text), "hunter22")
	assert.NotEmpty(t, of(r, "transforms.${m:secret}.type").Errors)

	cfg = connect.Config{"connector.class": "S", "name": "x", "transforms": "${m:cut}", "transforms.cut.type": "org.apache.kafka.connect.transforms.Filter"}
	r, err = v.Validate(t.Context(), cfg)
	require.NoError(t, err)
	assert.Zero(t, r.Infos.ErrorCount)
	assert.NotNil(t, of(r, "transforms.cut.predicate"))
}

func TestAReferenceThatLeadsNowhereIsTheOneErrorOfItsKey(t *testing.T) {
	v := validator(t, func(context.Context, connect.Config) []connect.Problem {
		panic("not to be asked with half a configuration")
	},
		connect.StringKey("user", "").Optional())
	v.Providers = remembering(t, memory{})
	r, err := v.Validate(t.Context(), connect.Config{
		"connector.class": "S", "name": "x", "user": "${m:u}", "tasks.max": "${m:n}", "producer.override.linger.ms": "${m:l}", "not.known": "${m:k}", "as.it.stands": "${q:k}",
	})
	require.NoError(t, err)
	assert.Equal(t, 4, r.Infos.ErrorCount)
	for key, reference := range map[string]string{"user": "u", "tasks.max": "n", "producer.override.linger.ms": "l", "not.known": "k"} {
		assert.Equal(t, []string{"Invalid value ${m:" + reference + "} for configuration " + key + ": config provider m, key " + reference + ": there is no such key"},
			of(r, key).Errors)
	}
}

func TestThePolicyOfRestartsIsSeenOnlyWhereItIsWrong(t *testing.T) {
	v := validator(t, nil)
	cfg := connect.Config{"connector.class": "S", "name": "x", "sluice.restart.policy": "on-failure", "sluice.restart.max.attempts": "3"}
	r, err := v.Validate(t.Context(), cfg)
	require.NoError(t, err)
	text, err := json.Marshal(r)
	require.NoError(t, err)
	assert.NotContains(t, string(text), "sluice.restart")
	cfg["sluice.restart.policy"], cfg["sluice.restart.maximum"] = "always", "3"
	r, err = v.Validate(t.Context(), cfg)
	require.NoError(t, err)
	assert.Equal(t, 1, r.Infos.ErrorCount)
	assert.Equal(t, []string{"Invalid value always for configuration sluice.restart.policy: String must be one of: none, on-failure"},
		of(r, "sluice.restart.policy").Errors)
	assert.Contains(t, r.Warnings, "sluice.restart.maximum: no such key of S, it has no effect")
}
