package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/converters"
)

// The transforms, predicates, converters and config providers that the tested plugin brings.
var (
	transformClasses = []connect.TransformClass{{
		Spec: connect.NewSpec("test.Shout", "3", howKey),
		New: func(cfg connect.Config) (connect.Transform, error) {
			if cfg["how"] == "refused" {
				return nil, &connect.ConfigError{Key: "how", Reason: "refused is refused"}
			}
			return &shout{how: cfg["how"]}, nil
		},
	}}
	predicateClasses = []connect.PredicateClass{{
		Spec: connect.NewSpec("test.IsLoud", "3"),
		New:  func(connect.Config) (connect.Predicate, error) { return isLoud{}, nil },
	}}
	converterClasses = []connect.ConverterClass{
		{
			Spec: connect.NewSpec("test.Reverse", "3"),
			New: func(seat connect.Seat, _ connect.Config) (connect.Converter, error) {
				return reverse{seat}, nil
			},
		},
		{
			Spec: connect.NewSpec("test.OfHeaders", "3"),
			NewHeader: func(connect.Config) (connect.HeaderConverter, error) {
				return ofHeaders{}, nil
			},
		},
	}
	providerClasses = []connect.ConfigProviderClass{{
		Spec: connect.NewSpec("test.Vault", "3", connect.StringKey("token", "The token.")),
		New: func(params connect.Config) (connect.ConfigProvider, error) {
			if params["token"] != "right" {
				return nil, &connect.ConfigError{Key: "token", Reason: "it is refused"}
			}
			return &vault{}, nil
		},
	}}
)

var shouted = connect.StructSchema("Shouted", connect.F("text", connect.StringSchema), connect.F("times", connect.Int32Schema))

// shout makes a struct of the text in capitals, and counts.
type shout struct {
	how   string
	times int32
}

func (s *shout) Apply(r *connect.Record) (bool, error) {
	text := r.Value.Str()
	switch text {
	case "drop":
		return false, nil
	case "bad":
		return false, fmt.Errorf("%w: bad text", connect.ErrData)
	case "panic":
		panic("in Apply")
	case "exit":
		os.Exit(3)
	case "hang":
		select {}
	}
	s.times++
	v := connect.NewStruct(shouted)
	v.SetAt(0, connect.String(strings.ToUpper(text)))
	v.SetAt(1, connect.Int32(s.times))
	r.SetStruct(v)
	r.Header("how", connect.StringSchema, connect.String(s.how))
	return true, nil
}

func (s *shout) ApplySink(r *connect.SinkRecord) (bool, error) {
	r.Topic += fmt.Sprint("-", r.Offset, "-", r.TimestampType)
	return s.Apply(&r.Record)
}

func (*shout) Close() {}

type isLoud struct{}

func (isLoud) Test(r *connect.Record) (bool, error) {
	if r.Value.IsNull() {
		return false, errors.New("silence")
	}
	return strings.ToUpper(r.Value.Str()) == r.Value.Str(), nil
}

func (isLoud) Close() {}

// reverse turns texts around.
type reverse struct{ seat connect.Seat }

func reversed(p []byte) []byte {
	out := make([]byte, 0, len(p))
	for i := len(p) - 1; i >= 0; i-- {
		out = append(out, p[i])
	}
	return out
}

func (r reverse) Encode(topic string, schema *connect.Schema, v connect.Value) ([]byte, error) {
	if v.IsNull() {
		return nil, nil
	}
	if schema != connect.StringSchema {
		return nil, fmt.Errorf("%w: no text", connect.ErrData)
	}
	return reversed([]byte(v.Str() + string(r.seat) + topic)), nil
}

func (r reverse) Decode(_ string, data []byte) (*connect.Schema, connect.Value, error) {
	if data == nil {
		return nil, connect.Value{}, nil
	}
	v := connect.NewStruct(shouted)
	v.SetAt(0, connect.String(string(reversed(data))))
	v.SetAt(1, connect.Int32(1))
	return shouted, connect.StructOf(v), nil
}

// ofHeaders puts their names before them.
type ofHeaders struct{}

func (ofHeaders) EncodeHeader(_, key string, _ *connect.Schema, v connect.Value) ([]byte, error) {
	return []byte(key + "=" + v.Str()), nil
}

func (ofHeaders) DecodeHeader(_, key string, data []byte) (*connect.Schema, connect.Value, error) {
	return connect.StringSchema, connect.String(string(bytes.TrimPrefix(data, []byte(key+"=")))), nil
}

// vault has a secret at each path, a new one each time that it is asked.
type vault struct{ asked int }

func (v *vault) Get(_ context.Context, path string, keys []string) (connect.Provided, error) {
	if path == "away" {
		return connect.Provided{}, connect.Retry(errors.New("the vault is sealed"), time.Second)
	}
	v.asked++
	found := connect.Provided{Values: map[string]string{}, TTL: time.Minute}
	for _, k := range keys {
		found.Values[k] = fmt.Sprintf("%s of %s, %d", k, path, v.asked)
	}
	return found, nil
}

func text(s string) (r connect.Record) {
	r.Topic, r.Partition, r.Timestamp = "t", connect.NoPartition, connect.NoTimestamp
	r.SetString(s)
	r.Header("h", nil, connect.Int64(5))
	return r
}

func TestATransformChangesRecordsAcrossTheBoundary(t *testing.T) {
	r := run(t)
	class := r.set().Transforms[0]
	assert.Equal(t, "test.Shout", class.Spec.Class)
	_, err := class.New(connect.Config{"how": "refused"})
	config := new(connect.ConfigError)
	require.ErrorAs(t, err, &config)
	tr, err := class.New(connect.Config{"how": "loudly"})
	require.NoError(t, err)
	defer tr.Close()
	var schema *connect.Schema
	for i := range int32(3) {
		rec := text("hello")
		keep, err := tr.Apply(&rec)
		require.NoError(t, err)
		require.True(t, keep)
		assert.True(t, rec.ValueSchema.Equal(shouted))
		assert.Equal(t, "HELLO", rec.Value.Struct().Get("text").Str())
		assert.Equal(t, int64(i+1), rec.Value.Struct().Get("times").Int64())
		assert.Equal(t, []string{"h", "how"}, []string{rec.Headers[0].Key, rec.Headers[1].Key})
		assert.Equal(t, "loudly", rec.Headers[1].Value.Str())
		assert.Equal(t, int64(5), rec.Headers[0].Value.Int64())
		if schema != nil {
			assert.Same(t, schema, rec.ValueSchema, "a schema crosses once")
		}
		schema = rec.ValueSchema
	}
	rec := text("drop")
	keep, err := tr.Apply(&rec)
	require.NoError(t, err)
	assert.False(t, keep)

	rec = text("bad")
	_, err = tr.Apply(&rec)
	require.ErrorIs(t, err, connect.ErrData)
	assert.Equal(t, "bad", rec.Value.Str(), "it is as it was")
	rec = text("panic")
	_, err = tr.Apply(&rec)
	require.ErrorContains(t, err, "panic in Apply: in Apply\n")

	sunk := connect.SinkRecord{Record: text("sunk"), Offset: 12, TimestampType: connect.LogAppendTime, Consumed: connect.TopicPartition{Topic: "t"}}
	keep, err = tr.(connect.SinkTransform).ApplySink(&sunk)
	require.NoError(t, err)
	assert.True(t, keep)
	assert.Equal(t, "t-12-2", sunk.Topic)
	assert.Equal(t, int64(12), sunk.Offset)
	assert.Equal(t, "t", sunk.Consumed.Topic)
}

func TestATransformWhoseProcessIsGoneHasTheNext(t *testing.T) {
	r := run(t)
	tr, err := r.set().Transforms[0].New(nil)
	require.NoError(t, err)
	defer tr.Close()
	rec := text("hello")
	_, err = tr.Apply(&rec)
	require.NoError(t, err)
	r.now.Kill(errors.New("the test says so"))
	<-r.now.Done()
	rec = text("hello")
	_, err = tr.Apply(&rec)
	require.NoError(t, err)
	assert.Equal(t, int64(1), rec.Value.Struct().Get("times").Int64(), "it has begun anew")
	rec = text("exit")
	err = within(t, 3*patience, func() error {
		_, err := tr.Apply(&rec)
		return err
	})
	require.ErrorContains(t, err, "exit", "a record that ends two processes is to blame")
	rec = text("hello")
	_, err = tr.Apply(&rec)
	require.NoError(t, err)
}

func TestAPredicateJudgesRecordsAcrossTheBoundary(t *testing.T) {
	p, err := run(t).set().Predicates[0].New(nil)
	require.NoError(t, err)
	defer p.Close()
	for s, want := range map[string]bool{"LOUD": true, "still": false} {
		rec := text(s)
		holds, err := p.Test(&rec)
		require.NoError(t, err)
		assert.Equal(t, want, holds)
	}
	rec := text("")
	rec.Value = connect.Value{}
	_, err = p.Test(&rec)
	require.EqualError(t, err, "silence")
}

func TestConvertersWorkAcrossTheBoundary(t *testing.T) {
	all := run(t).set().Converters
	both, headers := all[0], all[1]
	require.NotNil(t, both.New)
	require.Nil(t, headers.New)
	c, err := both.New(converters.Key, nil)
	require.NoError(t, err)
	var room converters.Arena
	data, err := c.Encode(&room, "T", connect.StringSchema, connect.String("abc"))
	require.NoError(t, err)
	assert.Equal(t, "Tyekcba", string(data))
	data, err = c.Encode(&room, "T", nil, connect.Value{})
	require.NoError(t, err)
	assert.Nil(t, data)
	data, err = c.Encode(&room, "T", connect.Int64Schema, connect.Int64(4))
	require.ErrorIs(t, err, connect.ErrData)
	assert.Nil(t, data)
	schema, v, err := c.Decode("T", []byte("cba"))
	require.NoError(t, err)
	assert.True(t, schema.Equal(shouted))
	assert.Equal(t, "abc", v.Struct().Get("text").Str())
	schema, v, err = c.Decode("T", nil)
	require.NoError(t, err)
	assert.Nil(t, schema)
	assert.True(t, v.IsNull())
	schema, v, err = c.Decode("T", []byte{})
	require.NoError(t, err)
	assert.NotNil(t, schema)
	assert.False(t, v.IsNull())

	h, err := both.NewHeader(nil)
	require.NoError(t, err)
	data, err = h.EncodeHeader(&room, "T", "name", connect.StringSchema, connect.String("abc"))
	require.NoError(t, err)
	assert.Equal(t, "Tredaehcba", string(data))

	h, err = headers.NewHeader(nil)
	require.NoError(t, err)
	data, err = h.EncodeHeader(&room, "T", "name", connect.StringSchema, connect.String("abc"))
	require.NoError(t, err)
	assert.Equal(t, "name=abc", string(data))
	schema, v, err = h.DecodeHeader("T", "name", data)
	require.NoError(t, err)
	assert.Same(t, connect.StringSchema, schema)
	assert.Equal(t, "abc", v.Str())
}

func TestAConverterThatIsForgottenLeavesNoStream(t *testing.T) {
	class := run(t).set().Converters[0]
	before := runtime.NumGoroutine()
	for range 50 {
		_, err := class.New(converters.Value, nil)
		require.NoError(t, err)
	}
	deadline := time.Now().Add(patience)
	for runtime.GC(); runtime.NumGoroutine() > before+10; runtime.GC() {
		require.True(t, time.Now().Before(deadline), "%d goroutines, of %d before", runtime.NumGoroutine(), before)
		<-time.After(10 * time.Millisecond)
	}
}

func TestAConfigProviderAnswersAcrossTheBoundary(t *testing.T) {
	class := run(t).set().Providers[0]
	p, err := class.New(connect.Config{"token": "right"})
	require.NoError(t, err)
	for i := 1; i <= 2; i++ {
		found, err := p.Get(context.Background(), "db", []string{"user", "password"})
		require.NoError(t, err)
		assert.Equal(t, map[string]string{"user": fmt.Sprint("user of db, ", i), "password": fmt.Sprint("password of db, ", i)}, found.Values)
		assert.Equal(t, time.Minute, found.TTL)
	}
	again := new(connect.RetryError)
	_, err = p.Get(context.Background(), "away", nil)
	require.ErrorAs(t, err, &again)
	wrong, err := class.New(connect.Config{"token": "wrong"})
	require.NoError(t, err)
	config := new(connect.ConfigError)
	_, err = wrong.Get(context.Background(), "db", nil)
	require.ErrorAs(t, err, &config)
}
