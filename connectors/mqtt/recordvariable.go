package mqtt

import (
	"fmt"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// recordVariable resolves the variables of mqtt.topic. `${name:path}` lets the value bring its own slashes; with dots, those of ${kafka.topic} become slashes.
func recordVariable(dots bool) func(name string) (variable[*connect.SinkRecord], error) {
	return func(name string) (variable[*connect.SinkRecord], error) { return recordText(name, dots) }
}

func recordText(name string, dots bool) (variable[*connect.SinkRecord], error) {
	if name == "kafka.topic" && dots {
		return func(r *connect.SinkRecord) (string, error) { return strings.ReplaceAll(r.Topic, ".", "/"), nil }, nil
	}
	plain, isPath := strings.CutSuffix(name, ":path")
	read, err := recordField(plain)
	if err != nil {
		return nil, err
	}
	return func(r *connect.SinkRecord) (string, error) {
		v, ok := read(r)
		if !ok || v.IsNull() {
			return "", errMissing
		}
		text, ok := scalar(v)
		if !ok {
			return "", fmt.Errorf("${%s} is of kind %s, which has no form in a topic", plain, v.Kind())
		}
		if !isPath && strings.Contains(text, "/") {
			return "", fmt.Errorf("${%s} has a slash in it: write ${%s:path} if it may bring levels", plain, plain)
		}
		return text, nil
	}, nil
}

// recordField reads the variable's value from a record.
func recordField(name string) (func(*connect.SinkRecord) (connect.Value, bool), error) {
	switch {
	case name == "kafka.topic":
		return func(r *connect.SinkRecord) (connect.Value, bool) { return connect.String(r.Topic), true }, nil
	case name == "partition":
		return func(r *connect.SinkRecord) (connect.Value, bool) { return connect.Int32(r.Consumed.Partition), true }, nil
	case name == "key":
		return func(r *connect.SinkRecord) (connect.Value, bool) { return r.Key, true }, nil
	case strings.HasPrefix(name, "header."):
		want := name[len("header."):]
		return func(r *connect.SinkRecord) (connect.Value, bool) {
			for i := range r.Headers {
				if r.Headers[i].Key == want {
					return r.Headers[i].Value, true
				}
			}
			return connect.Value{}, false
		}, nil
	case strings.HasPrefix(name, "value."):
		path := strings.Split(name[len("value."):], ".")
		return func(r *connect.SinkRecord) (connect.Value, bool) { return descend(r.Value, path) }, nil
	}
	return nil, fmt.Errorf("${%s} is not known here: there are ${kafka.topic}, ${key}, ${partition}, ${header.NAME}, ${value.FIELD}", name)
}

// descend follows field names through structs and maps.
func descend(v connect.Value, path []string) (connect.Value, bool) {
	for _, name := range path {
		switch v.Kind() {
		case connect.KindStruct:
			v = v.Struct().Get(name)
		case connect.KindMap:
			next, ok := v.Map().Get(connect.String(name))
			if !ok {
				return connect.Value{}, false
			}
			v = next
		default:
			return connect.Value{}, false
		}
	}
	return v, true
}
