package worker

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/converters"
	"github.com/sluice-connect/sluice/connect/metrics"
)

// logged is a policy that tolerates, and what it has logged.
func logged(records bool) (*errantPolicy, *bytes.Buffer) {
	var log bytes.Buffer
	text := slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
	return &errantPolicy{
		tolerate: true, logEach: true, logRecords: records, task: TaskID{Connector: "c", Task: 3}, log: slog.New(text),
		metrics: &newMetrics(metrics.Sampling{}).task(TaskID{Connector: "c"}).errors,
	}, &log
}

func TestErrorsAreLoggedInJavasWordsAndWithoutTheRecord(t *testing.T) {
	t.Parallel()
	p, log := logged(false)
	c := &sinkConversion{errant: p}
	m := &sarama.ConsumerMessage{Topic: "t", Partition: 1, Offset: 7, Value: []byte("secret")}
	require.NoError(t, c.judge(m, &fault{stage: stageValue, class: "a.Converter", cause: errors.New("no good")}))
	assert.Equal(t, `level=ERROR msg="Error encountered in task c-3. Executing stage 'VALUE_CONVERTER' with class 'a.Converter'." error="no good"`+"\n",
		log.String())
}

func TestWithMessagesTheLogHasTheCoordinatesOfASinksRecordAndNothingOfItsContent(t *testing.T) {
	t.Parallel()
	p, log := logged(true)
	c := &sinkConversion{errant: p}
	m := &sarama.ConsumerMessage{Topic: "t", Partition: 1, Offset: 7, Value: []byte("secret")}
	require.NoError(t, c.judge(m, &fault{stage: stageValue, class: "a.Converter", cause: errors.New("no good")}))
	assert.Contains(t, log.String(), "with class 'a.Converter', where consumed record is {topic='t', partition=1, offset=7}.")
	assert.NotContains(t, log.String(), "secret")
}

func TestWithMessagesTheLogHasASourcesRecordAsItWasPolled(t *testing.T) {
	t.Parallel()
	p, log := logged(true)
	text, err := converters.All()[1].New(converters.Value, nil)
	require.NoError(t, err)
	c := &sourceConversion{
		errant: p, transforms: chain{newLink("a.Transform", &failing{change: "changed"}, nil, false)}, key: text, value: text,
		retries: &retries{},
	}
	var partitions connect.Partitions
	r := connect.SourceRecord{Source: partitions.Intern(connect.Strings("file", "f")...), Offset: connect.At("position", 12)}
	r.Topic, r.Partition, r.Timestamp = "t", connect.NoPartition, connect.NoTimestamp
	r.SetString(strings.Repeat("é", shownText))
	r.Header("h", connect.Int8Schema, connect.Int8(1))
	s := new(slab)
	s.reset(1)
	require.NoError(t, c.fill(t.Context(), s, []connect.SourceRecord{r}))
	assert.Equal(t, connect.Dropped, s.slots[0].receipt.Outcome)
	assert.Contains(t, log.String(), "Executing stage 'TRANSFORMATION' with class 'a.Transform', where source record is = "+
		"SourceRecord{sourcePartition={file=f}, sourceOffset={position=12}} ConnectRecord{topic='t', kafkaPartition=null, key=null, keySchema=null, value=")
	assert.Contains(t, log.String(), "é... (2000 bytes), valueSchema=Schema{STRING}, timestamp=null, "+
		"headers=ConnectHeaders(headers=[ConnectHeader(key=h, value=1, schema=Schema{INT8})])}.")
	assert.NotContains(t, log.String(), "changed")
}

// failing changes a record and fails. A transform should not do both, but the dead letter has to be right all the same.
type failing struct{ change string }

func (f *failing) Apply(r *connect.Record) (bool, error) {
	r.SetString(f.change)
	r.Topic = f.change
	return false, fmt.Errorf("%w: never fits", connect.ErrData)
}

func (f *failing) Close() {}

func TestADeadLetterHasTheRecordBeforeItsTransforms(t *testing.T) {
	t.Parallel()
	p, _ := logged(false)
	c := &sourceConversion{
		errant: p, transforms: chain{newLink("a.Transform", &failing{change: "changed"}, nil, false)}, retries: &retries{},
		letters: letterhead{topic: "dead", context: true}, json: converters.NewJSON(converters.JSONOptions{}),
	}
	var r connect.SourceRecord
	r.Topic, r.Partition, r.Timestamp = "t", connect.NoPartition, connect.NoTimestamp
	r.SetString("as polled")
	s := new(slab)
	s.reset(1)
	require.NoError(t, c.fill(t.Context(), s, []connect.SourceRecord{r}))
	letter := s.slots[0].msg
	assert.Equal(t, "dead", letter.Topic)
	value, err := letter.Value.Encode()
	require.NoError(t, err)
	assert.Equal(t, "as polled", string(value))
	assert.Equal(t, "__connect.errors.topic=t", string(letter.Headers[0].Key)+"="+string(letter.Headers[0].Value))
}

func TestWhatNoConverterTakesIsLegibleInADeadLetter(t *testing.T) {
	t.Parallel()
	json := converters.NewJSON(converters.JSONOptions{Decimals: converters.Numeric})
	point := connect.StructSchema("Point", connect.F("x", connect.Int32Schema), connect.F("y", connect.Int32Schema))
	for name, c := range map[string]struct {
		schema *connect.Schema
		value  connect.Value
		want   string
	}{
		"bytes":                 {connect.BytesSchema, connect.Bytes([]byte{0xff}), "\xff"},
		"a text":                {connect.StringSchema, connect.String(`say "a"`), `say "a"`},
		"a number":              {connect.Int32Schema, connect.Int32(7), "7"},
		"a struct":              {point, connect.StructOf(connect.NewStruct(point).Set("x", connect.Int32(1)).Set("y", connect.Int32(2))), `{"x":1,"y":2}`},
		"a struct with a gap":   {point, connect.StructOf(connect.NewStruct(point).Set("x", connect.Int32(1))), `{"x":1,"y":null}`},
		"a value of its own":    {connect.StringSchema, connect.Int32(7), "7"},
		"a time without schema": {nil, connect.Instant(1), "00:00:00.001Z"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, string(legible(new(converters.Arena), json, c.schema, c.value)))
		})
	}
	assert.Nil(t, legible(new(converters.Arena), json, connect.StringSchema, connect.Value{}))
}
