package mqtt

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/connectors/mqtt/payload"
)

// recordClock says what time a record has (mqtt.timestamp.source). A time that is missing or cannot be read is that of arrival: a device with a bad clock
// must not lose its readings.
type recordClock struct {
	property string
	path     payload.Path
	json     bool
}

func newRecordClock(text string) (recordClock, error) {
	kind, what, _ := strings.Cut(text, ":")
	switch {
	case text == "received":
		return recordClock{}, nil
	case kind == "user_property" && what != "":
		return recordClock{property: what}, nil
	case kind == "json" && what != "":
		path, err := payload.ParsePath(what)
		return recordClock{path: path, json: true}, err
	}
	return recordClock{}, errors.New("must be received, user_property:NAME or json:$.path")
}

// of returns milliseconds since 1970.
func (c *recordClock) of(in *inbound) int64 {
	var text string
	switch {
	case c.json:
		text, _ = in.field(c.path)
	case c.property != "":
		text, _ = in.property(c.property)
	default:
		return in.at
	}
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil && ms >= 0 {
		return ms
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil && t.UnixMilli() >= 0 {
		return t.UnixMilli()
	}
	return in.at
}
