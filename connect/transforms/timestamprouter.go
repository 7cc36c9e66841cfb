package transforms

import (
	"fmt"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/dateformat"
)

// timestampRouter names topics after the record's time (org.apache.kafka.connect.transforms.TimestampRouter).
type timestampRouter struct {
	without
	topicFormat string
	format      *dateformat.Format
	broken      error // what is wrong with the format, which Java says at the first record
	date        []byte
	last        struct{ from, date, to string } // the topic made last
}

var (
	topicFormatKey = connect.StringKey("topic.format", "The new topic; ${topic} and ${timestamp} stand for the topic and the time.").
			Default("${topic}-${timestamp}").Importance(connect.High)
	timestampFormatKey = connect.StringKey("timestamp.format", "The format of the time, in UTC, for java.text.SimpleDateFormat.").
				Default("yyyyMMdd").Importance(connect.High)
)

var timestampRouterDefinition = define("TimestampRouter", func(cfg connect.Config) (connect.Transform, error) {
	t := &timestampRouter{topicFormat: topicFormatKey.Get(cfg)}
	var err error
	if t.format, err = dateformat.Compile(timestampFormatKey.Get(cfg)); err != nil {
		t.broken = fmt.Errorf("%s: %w", timestampFormatKey.Name(), err)
	}
	return t, nil
}, topicFormatKey, timestampFormatKey)

func (t *timestampRouter) Apply(r *connect.Record) (bool, error) {
	if r.Timestamp == connect.NoTimestamp {
		return true, fmt.Errorf("%w: Timestamp missing on record", connect.ErrData)
	}
	if t.broken != nil {
		return true, t.broken
	}
	t.date = t.format.Append(t.date[:0], r.Timestamp)
	if r.Topic != t.last.from || string(t.date) != t.last.date || t.last.to == "" {
		t.last.from, t.last.date = r.Topic, string(t.date)
		t.last.to = strings.ReplaceAll(strings.ReplaceAll(t.topicFormat, "${topic}", r.Topic), "${timestamp}", t.last.date)
	}
	r.Topic = t.last.to
	return true, nil
}
