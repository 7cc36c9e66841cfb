package validation

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
)

// plugin is a connector of any class; its validation is a function.
type plugin struct {
	spec     connect.Spec
	validate func(context.Context, connect.Config) []connect.Problem
}

func (p *plugin) Spec() connect.Spec { return p.spec }

func (p *plugin) Validate(ctx context.Context, cfg connect.Config) []connect.Problem {
	if p.validate == nil {
		return nil
	}
	return p.validate(ctx, cfg)
}

type source struct{ *plugin }

func (source) Open(context.Context, connect.SourceContext) (connect.SourceTask, error) {
	return nil, connect.ErrUnsupported
}

// fileSource says of itself what Kafka's does.
type fileSource struct{ source }

func (fileSource) ExactlyOnce(cfg connect.Config) bool { return cfg["file"] != "" }

type sink struct{ *plugin }

func (sink) Open(context.Context, connect.SinkContext) (connect.SinkTask, error) {
	return nil, connect.ErrUnsupported
}

// fileConnectors are the keys of Kafka's file connectors.
func fileConnectors(t testing.TB) *catalog.Catalog {
	t.Helper()
	file := connect.StringKey("file", "").Optional().Importance(connect.High)
	topic := connect.StringKey("topic", "").Importance(connect.High).Must(connect.NonEmpty)
	batch := connect.IntKey("batch.size", "").Default(2000).Importance(connect.Low)
	c, err := catalog.New(
		[]connect.SourceConnector{fileSource{source{
			&plugin{spec: connect.NewSpec("org.apache.kafka.connect.file.FileStreamSourceConnector", "4.1.2", file, topic, batch)}}}},
		[]connect.SinkConnector{sink{&plugin{spec: connect.NewSpec("org.apache.kafka.connect.file.FileStreamSinkConnector", "4.1.2", file)}}},
	)
	require.NoError(t, err)
	return c
}

// validator has one source, of class S, whose validation is given.
func validator(t *testing.T, validate func(context.Context, connect.Config) []connect.Problem, keys ...connect.Definer) *Validator {
	t.Helper()
	c, err := catalog.New([]connect.SourceConnector{source{&plugin{connect.NewSpec("S", "1", keys...), validate}}}, nil)
	require.NoError(t, err)
	return &Validator{Catalog: c}
}

var valid = connect.Config{"name": "n", "connector.class": "S"}

// with is the valid configuration and more.
func with(kv ...string) connect.Config {
	cfg := connect.Config{}
	for k, v := range valid {
		cfg[k] = v
	}
	for i := 0; i < len(kv); i += 2 {
		cfg[kv[i]] = kv[i+1]
	}
	return cfg
}

// errorsOf are the errors of each key that has some.
func errorsOf(infos ConfigInfos) map[string][]string {
	out := map[string][]string{}
	for _, c := range infos.Configs {
		if len(c.Value.Errors) > 0 {
			out[c.Value.Name] = append(out[c.Value.Name], c.Value.Errors...)
		}
	}
	return out
}

func TestProblemsBecomeErrorsAndWarnings(t *testing.T) {
	v := validator(t, func(context.Context, connect.Config) []connect.Problem {
		return []connect.Problem{
			{Key: "a", Message: "bad credentials"},
			{Key: "server", Message: "out of reach", Warning: true},
			{Key: "elsewhere", Message: "elsewhere: no such key"}, // it has said so already
		}
	}, connect.StringKey("a", "").Optional(), connect.StringKey("server", "").Optional())
	got, err := v.Validate(t.Context(), valid)
	require.NoError(t, err)
	require.Equal(t, 2, got.Infos.ErrorCount)
	require.Equal(t, map[string][]string{"a": {"a: bad credentials"}, "elsewhere": {"elsewhere: no such key"}}, errorsOf(got.Infos))
	require.Equal(t, []string{"server: out of reach"}, got.Warnings)
	require.Nil(t, got.Infos.Configs[0].Definition, "a key without definition comes first")
	require.Equal(t, "elsewhere", got.Infos.Configs[0].Value.Name)
}

func TestAConnectorIsNotAskedAboutKeysThatAreWrong(t *testing.T) {
	v := validator(t, func(context.Context, connect.Config) []connect.Problem {
		t.Error("asked")
		return nil
	}, connect.IntKey("n", "").Default(1))
	got, err := v.Validate(t.Context(), with("n", "x"))
	require.NoError(t, err)
	require.Equal(t, 1, got.Infos.ErrorCount)
}

func TestAConnectorCannotChangeTheConfiguration(t *testing.T) {
	v := validator(t, func(_ context.Context, cfg connect.Config) []connect.Problem {
		delete(cfg, "name")
		return nil
	})
	cfg := with()
	_, err := v.Validate(t.Context(), cfg)
	require.NoError(t, err)
	require.Equal(t, with(), cfg)
}

func TestAValidationThatPanicsIsAnError(t *testing.T) {
	v := validator(t, func(context.Context, connect.Config) []connect.Problem { panic("oh") })
	_, err := v.Validate(t.Context(), valid)
	var panicked *PanicError
	require.ErrorAs(t, err, &panicked)
	require.EqualError(t, err, "the connector's validation panicked: oh")
	require.NotEmpty(t, panicked.Stack)
}

func TestAValidationThatHangsIsLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		v := validator(t, func(context.Context, connect.Config) []connect.Problem {
			<-release
			return nil
		})
		start := time.Now()
		for range maxUnreturned {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_, err := v.Validate(ctx, valid)
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
		require.Equal(t, maxUnreturned*time.Second, time.Since(start))
		_, err := v.Validate(t.Context(), valid)
		require.ErrorContains(t, err, "have not returned")
		close(release)
		synctest.Wait()
		_, err = v.Validate(t.Context(), valid)
		require.NoError(t, err)
	})
}

func TestAValidationMayTakeAMinuteAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		v := validator(t, func(context.Context, connect.Config) []connect.Problem {
			<-release
			return nil
		})
		start := time.Now()
		_, err := v.Validate(context.Background(), valid)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, callTime, time.Since(start))
	})
}

func TestWhatMakesAConfigurationNobodysIsAnErrorOfItsOwn(t *testing.T) {
	v := validator(t, nil)
	_, err := v.Validate(t.Context(), connect.Config{"name": "n", "password": "hunter2"})
	require.ErrorIs(t, err, ErrNoConnectorClass)
	require.NotContains(t, err.Error(), "hunter2")
	_, err = v.Validate(t.Context(), connect.Config{"name": "n", "connector.class": "Nope"})
	var notFound *catalog.NotFoundError
	require.ErrorAs(t, err, &notFound)
	require.Equal(t, []string{"S"}, notFound.Available)
}

func TestKeysThatNobodyKnowsAreWarnings(t *testing.T) {
	got, err := validator(t, nil).Validate(t.Context(), with("tpoic", "x", "producer.override.acks", "1", "connector.plugin.version", "1"))
	require.NoError(t, err)
	require.Zero(t, got.Infos.ErrorCount)
	require.Equal(t, []string{
		"tpoic: no such key of S, it has no effect",
	}, got.Warnings)
}

func TestExactlyOnceIsNotPromisedInVain(t *testing.T) {
	got, err := validator(t, nil).Validate(t.Context(), with("exactly.once.support", "REQUIRED"))
	require.NoError(t, err)
	require.Equal(t, map[string][]string{"exactly.once.support": {workerNotExactlyOnce, sourceSaysNothing}}, errorsOf(got.Infos))
}

func TestThePolicySaysWhatConnectorsMayOverride(t *testing.T) {
	cfg := with("producer.override.linger.ms", "5", "producer.override.sasl.jaas.config", "hunter2", "consumer.override.x", "y")
	const principal = "org.apache.kafka.connect.connector.policy.PrincipalConnectorClientConfigOverridePolicy"
	for policy, refused := range map[string]int{"": 0, "All": 0, "Principal": 1, principal: 1, "None": 2, "nobody knows": 2} {
		v := validator(t, nil)
		v.OverridePolicy = OverridePolicy(policy)
		got, err := v.Validate(t.Context(), cfg)
		require.NoError(t, err)
		require.Equal(t, refused, got.Infos.ErrorCount, policy)
		text, err := json.Marshal(got.Infos)
		require.NoError(t, err)
		require.NotContains(t, string(text), "hunter2")
		require.NotContains(t, string(text), "consumer.override.x", "a source without an offsets topic of its own has no consumer")
	}
}

func TestASinkMayNotJoinTheWorkersGroup(t *testing.T) {
	v := &Validator{Catalog: fileConnectors(t), GroupID: "connect-x"}
	got, err := v.Validate(t.Context(), connect.Config{"name": "x", "connector.class": "FileStreamSink", "topics": "t"})
	require.NoError(t, err)
	require.Equal(t, map[string][]string{
		"name": {"Consumer group for sink connector named x conflicts with Connect worker group connect-x"},
	}, errorsOf(got.Infos))
}

func TestTheRefusalIsKafkaConnects(t *testing.T) {
	got, err := validator(t, nil).Validate(t.Context(), connect.Config{"connector.class": "S", "tasks.max": "x"})
	require.NoError(t, err)
	require.Equal(t, "Connector configuration is invalid and contains the following 3 error(s):\n"+
		"Missing required configuration \"name\" which has no default value.\n"+
		"Invalid value x for configuration tasks.max: Not a number of type INT\n"+
		"Invalid value null for configuration tasks.max: Value must be non-null\n"+
		"You can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`", got.Infos.Refusal())
}

func TestTheJSONHasKafkaConnectsMembersInItsOrder(t *testing.T) {
	infos := ConfigInfos{Name: "S", Groups: []string{}, Configs: []ConfigInfo{
		configInfo(connect.KeyReport{Def: connect.StringKey("a", "d").Optional().Definition(), Visible: true}, "p."),
		{Value: newValueInfo("b", nil)},
	}}
	text, err := json.Marshal(infos)
	require.NoError(t, err)
	want := new(bytes.Buffer)
	require.NoError(t, json.Compact(want, []byte(`{"name":"S","error_count":0,"groups":[],"configs":[
		{"definition":{"name":"p.a","type":"STRING","required":false,"default_value":null,"importance":"MEDIUM","documentation":"d","group":null,
			"width":"NONE","display_name":"a","dependents":[],"order":-1},
		 "value":{"name":"p.a","value":null,"recommended_values":[],"errors":[],"visible":true}},
		{"definition":null,"value":{"name":"b","value":null,"recommended_values":[],"errors":[],"visible":true}}]}`)))
	require.Equal(t, want.String(), string(text))
}

func TestThePluginsKeysComeBeforeTheFrameworks(t *testing.T) {
	v := validator(t, nil, connect.StringKey("own", ""), connect.StringKey("name", "ours"))
	class, err := v.Catalog.Connector("S")
	require.NoError(t, err)
	keys := v.PluginKeys(class)
	require.Equal(t, []string{"own", "name", "connector.class", "connector.plugin.version"}, []string{keys[0].Name, keys[1].Name, keys[2].Name, keys[3].Name})
	require.Equal(t, "ours", keys[1].Documentation)
	require.Equal(t, "1", *keys[3].DefaultValue)
}

func TestOptionsThatAConverterDoesNotHaveAreWarnings(t *testing.T) {
	got, err := validator(t, nil).Validate(t.Context(), connect.Config{
		"connector.class": "S", "name": "n", "value.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable": "false",
		"value.converter.schema.registry.url": "http://r", "key.converter.unheeded": "because the connector names no key.converter",
	})
	require.NoError(t, err)
	require.Equal(t, []string{"value.converter.schema.registry.url: no such key of org.apache.kafka.connect.json.JsonConverter, it has no effect"}, got.Warnings)
}
