package stores

import (
	"encoding/base64"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/connect"
)

// Keys of the config topic. They are told apart by their beginning, in this order.
const (
	targetPrefix    = "target-state-"
	connectorPrefix = "connector-"
	taskPrefix      = "task-"
	commitPrefix    = "commit-"
	restartPrefix   = "restart-connector-"
	taskCountPrefix = "tasks-fencing-"
	sessionKeyKey   = "session-key"
	loggerPrefix    = "logger-cluster-"
)

// TaskID names a task: its connector, and its number from 0.
type TaskID struct {
	Connector string
	Task      int
}

// String is the task's name in logs and on topics.
func (id TaskID) String() string { return id.Connector + "-" + strconv.Itoa(id.Task) }

// parseTaskID reads connector and number from the text behind a prefix; the connector's name may hold dashes.
func parseTaskID(s string) (TaskID, bool) {
	dash := strings.LastIndexByte(s, '-')
	if dash < 0 {
		return TaskID{}, false
	}
	n, err := strconv.ParseInt(s[dash+1:], 10, 32)
	if err != nil {
		return TaskID{}, false
	}
	return TaskID{s[:dash], int(n)}, true
}

// SessionKey signs the requests between workers (KIP-507).
type SessionKey struct {
	Key       []byte
	Algorithm string // as Java names it: HmacSHA256
	Created   time.Time
}

// String keeps the key out of logs.
func (k SessionKey) String() string { return "session key of " + k.Created.Format(time.RFC3339) }

func (k SessionKey) record() []byte {
	return object(
		connect.Attr{Name: "key", Value: connect.String(base64.StdEncoding.EncodeToString(k.Key))},
		connect.Attr{Name: "algorithm", Value: connect.String(k.Algorithm)},
		connect.Attr{Name: "creation-timestamp", Value: connect.Int64(k.Created.UnixMilli())})
}

func parseSessionKey(v connect.Value) (SessionKey, bool) {
	encoded, isText := text(member(v, "key"))
	algorithm, hasAlgorithm := text(member(v, "algorithm"))
	created, hasTime := integer(member(v, "creation-timestamp"))
	key, err := base64.StdEncoding.DecodeString(encoded)
	return SessionKey{key, algorithm, time.UnixMilli(created)}, isText && hasAlgorithm && hasTime && err == nil
}

// RestartRequest asks every worker to restart its share of a connector (KIP-745).
type RestartRequest struct {
	Connector    string
	IncludeTasks bool
	OnlyFailed   bool
}

// Impact ranks requests for one connector: of several that wait, the one with the highest impact stands for all.
func (r RestartRequest) Impact() int {
	impact := 0
	if r.IncludeTasks {
		impact++
	}
	if !r.OnlyFailed {
		impact += 2
	}
	return impact
}

func (r RestartRequest) record() []byte {
	return object(
		connect.Attr{Name: "include-tasks", Value: connect.Boolean(r.IncludeTasks)},
		connect.Attr{Name: "only-failed", Value: connect.Boolean(r.OnlyFailed)})
}

func parseRestart(connector string, v connect.Value) (RestartRequest, bool) {
	is := func(name string) bool {
		m := member(v, name)
		return m.Kind() == connect.KindBoolean && m.Bool()
	}
	return RestartRequest{connector, is("include-tasks"), is("only-failed")}, v.Kind() == connect.KindMap
}

// propertiesRecord is the form of a connector's or task's configuration.
func propertiesRecord(config connect.Config) []byte {
	members := make([]connect.Attr, 0, len(config))
	for _, name := range slices.Sorted(maps.Keys(config)) {
		members = append(members, connect.Attr{Name: name, Value: connect.String(config[name])})
	}
	properties := connect.NewMap(len(config))
	for _, m := range hashOrder(members) {
		properties.Put(connect.String(m.Name), m.Value)
	}
	return object(connect.Attr{Name: "properties", Value: connect.MapOf(properties)})
}

// parseProperties reads a configuration. A key whose value is null is left out: to a connector it is a key not given.
func parseProperties(v connect.Value) (connect.Config, bool) {
	properties := member(v, "properties")
	if properties.Kind() != connect.KindMap {
		return nil, false
	}
	config := connect.Config{}
	for _, e := range properties.Map().Entries() {
		switch {
		case e.Value.IsNull():
		case e.Value.Kind() != connect.KindString:
			return nil, false
		default:
			config[e.Key.Str()] = e.Value.Str()
		}
	}
	return config, true
}

// numberRecord is an object with one number.
func numberRecord(name string, n int) []byte {
	return object(connect.Attr{Name: name, Value: connect.Int64(int64(n))})
}

func loggerRecord(level string) []byte {
	return object(connect.Attr{Name: "level", Value: connect.String(level)})
}
