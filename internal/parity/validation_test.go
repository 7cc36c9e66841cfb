package parity

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/ledger"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// drawer makes configurations as people write them: mostly right, with slips of every kind.
type drawer struct{ *rand.Rand }

func (d drawer) of(list ...string) string { return list[d.IntN(len(list))] }

// Of each kind of value, right ones and wrong ones.
var (
	numbers  = []string{"1", "2", "10", "0", "-1", "", " 3 ", "1.5", "1e3", "x", "2147483648", "9223372036854775808", "+4", "0x10", "１"}
	truths   = []string{"true", "false", "TRUE", " true", "yes", "", "1"}
	names    = []string{"a", "b", "a.b", "ts", "", " a ", "ä", "x y", "a,b", "a:b"}
	lists    = []string{"a", "a,b", "", " a , b ", "a,,b", ",", "a,a", "a,b,c"}
	patterns = []string{".*", "(.*)-raw", "[", "a{2}", "(?<x>a)", "*", "", "\\d+", "(?i)A"}
	specs    = []string{"a:int32", "int8", "a:b", "a", "", "a:int32,b:string", "a:struct", ":int8", "a:int32,a:int64", "x:y:z"}
	classes  = []string{
		"org.apache.kafka.connect.json.JsonConverter", "org.apache.kafka.connect.storage.StringConverter", "JsonConverter", "String", "no.such.Converter", "",
		"org.apache.kafka.connect.converters.ByteArrayConverter", "org.apache.kafka.connect.converters.IntegerConverter",
	}
)

// connectorKeys are those of every connector.
var connectorKeys = map[string][]string{
	"name": names, "tasks.max": numbers, "tasks.max.enforce": truths,
	"key.converter": classes, "value.converter": classes,
	"header.converter":     {"org.apache.kafka.connect.storage.SimpleHeaderConverter", "org.apache.kafka.connect.json.JsonConverter", "Simple", "x", ""},
	"config.action.reload": {"none", "restart", "NONE", "RESTART", "x", ""},
	"errors.retry.timeout": numbers, "errors.retry.delay.max.ms": numbers, "errors.tolerance": {"none", "all", "NONE", "ALL", "some", ""},
	"errors.log.enable": truths, "errors.log.include.messages": truths,
	"key.converter.schemas.enable": truths, "value.converter.schemas.enable": truths, "value.converter.schemas.cache.size": numbers,
	"value.converter.decimal.format": {"BASE64", "NUMERIC", "numeric", "x"}, "value.converter.replace.null.with.default": truths,
	"unknown.key": names,
	"file":        {"/tmp/x", "", "  "}, "batch.size": numbers,
	"value.converter.plugin.version": {"4.1.2", "1", ""},
}

var sourceKeys = map[string][]string{
	"topic": {"t", "", "a b", " t"}, "exactly.once.support": {"requested", "required", "REQUIRED", "x", ""},
	"transaction.boundary": {"poll", "interval", "connector", "POLL", "x", ""}, "transaction.boundary.interval.ms": numbers,
	"offsets.storage.topic": {"o", "", " "}, "producer.override.acks": {"all", "1"}, "producer.override.linger.ms": {"5", "0"},
}

var sinkKeys = map[string][]string{
	"topics": {"a", "a,b", "", " a , b", "a,,b"}, "topics.regex": {".*", "(.*)-raw", "a{2}", "", "\\d+"},
	"errors.deadletterqueue.topic.name": {"dead", "", "a"}, "errors.deadletterqueue.topic.replication.factor": numbers,
	"errors.deadletterqueue.context.headers.enable": truths, "consumer.override.max.poll.records": {"5", "1"},
}

// steps are the transforms with their keys.
var steps = map[string]map[string][]string{
	"Cast$Value":               {"spec": specs, "replace.null.with.default": truths},
	"Cast$Key":                 {"spec": specs},
	"DropHeaders":              {"headers": lists},
	"ExtractField$Key":         {"field": names, "field.syntax.version": {"V1", "V2", "v2", "x"}, "replace.null.with.default": truths},
	"Filter":                   {"x": names},
	"Flatten$Value":            {"delimiter": {".", "_", "", "--"}},
	"HeaderFrom$Value":         {"fields": lists, "headers": lists, "operation": {"move", "copy", "x", "MOVE", ""}},
	"HoistField$Value":         {"field": names},
	"InsertField$Value":        {"topic.field": names, "static.field": {"a?", "b!", "c", "?", "!"}, "static.value": names, "timestamp.field": names},
	"InsertHeader":             {"header": names, "value.literal": names},
	"MaskField$Value":          {"fields": lists, "replacement": {"*", "", "1"}},
	"RegexRouter":              {"regex": patterns, "replacement": {"$1", "x", "", "$9"}},
	"ReplaceField$Value":       {"exclude": lists, "include": lists, "renames": {"a:b", "a", "a:b,c:d", "a:b,c", "", "a:b:c"}, "whitelist": lists, "blacklist": lists},
	"SetSchemaMetadata$Value":  {"schema.name": names, "schema.version": numbers},
	"TimestampConverter$Value": {"target.type": {"string", "unix", "Date", "Time", "Timestamp", "x", ""}, "field": names, "format": {"yyyy-MM-dd", "", "QQQ", "yyyy'"}, "unix.precision": {"seconds", "milliseconds", "x", ""}},
	"TimestampRouter":          {"topic.format": names, "timestamp.format": {"yyyyMMdd", "", "b"}},
	"ValueToKey":               {"fields": lists, "replace.null.with.default": truths},
}

var conditions = map[string]map[string][]string{
	"HasHeaderKey":      {"name": names},
	"RecordIsTombstone": {"x": names},
	"TopicNameMatches":  {"pattern": patterns},
}

// some adds keys of a table, each with the probability p.
func (d drawer) some(config map[string]string, prefix string, table map[string][]string, p float64) {
	for _, key := range slices.Sorted(maps.Keys(table)) {
		if d.Float64() < p {
			config[prefix+key] = d.of(table[key]...)
		}
	}
}

// plugin adds the type of a transform or predicate and what belongs to it.
func (d drawer) plugin(config map[string]string, prefix, pkg string, table map[string]map[string][]string) {
	kinds := slices.Sorted(maps.Keys(table))
	kind := d.of(kinds...)
	switch d.IntN(12) {
	case 0: // without a type
	case 1:
		config[prefix+"type"] = "no.such.Class"
	case 2:
		config[prefix+"type"] = d.of("", " ", "org.apache.kafka.connect.json.JsonConverter", "java.lang.String")
	case 3:
		config[prefix+"type"] = kind // the short name
	default:
		config[prefix+"type"] = pkg + kind
	}
	d.some(config, prefix, table[kind], 0.7)
}

func (d drawer) config() (plugin string, config map[string]string) {
	const transforms = "org.apache.kafka.connect.transforms."
	config = map[string]string{"name": "x", "topics": "a", "topic": "t", "file": "f"}
	plugin = d.of("org.apache.kafka.connect.file.FileStreamSourceConnector", "org.apache.kafka.connect.file.FileStreamSinkConnector", "FileStreamSource", "FileStreamSink")
	config["connector.class"] = plugin
	for key := range config {
		if key != "connector.class" && d.IntN(5) == 0 {
			delete(config, key)
		}
	}
	density := d.Float64() * 0.5
	d.some(config, "", connectorKeys, density)
	if strings.Contains(plugin, "Source") {
		d.some(config, "", sourceKeys, density)
	} else {
		d.some(config, "", sinkKeys, density)
	}
	if d.IntN(2) == 0 {
		config["transforms"] = d.of(lists...)
		for _, alias := range []string{"a", "b"} {
			if d.IntN(4) > 0 {
				d.plugin(config, "transforms."+alias+".", transforms, steps)
				d.some(config, "transforms."+alias+".", map[string][]string{"predicate": {"p", "q", ""}, "negate": truths}, 0.2)
			}
		}
	}
	if d.IntN(3) == 0 {
		config["predicates"] = d.of("p", "p,q", "q", "", "p,p")
		for _, alias := range []string{"p", "q"} {
			if d.IntN(4) > 0 {
				d.plugin(config, "predicates."+alias+".", transforms+"predicates.", conditions)
			}
		}
	}
	return plugin, config
}

// What is left out of these configurations is in README's table: groups of topic.creation, which Java judges when the connector starts, patterns of topics
// and versions of connectors that make Java answer 500. SLUICE_SOAK makes them more, and others from SLUICE_SOAK_SEED on.
func TestRandomConfigurationsAreValidatedAsJavaDoes(t *testing.T) {
	if testing.Short() {
		t.Skip("runs programs: not with -short")
	}
	seed, count := drawn(t, 200, 3000)
	kafka, prefix := testbed.SharedKafka(t), testbed.Prefix(t)
	java := newParty(t, kafka, prefix+"j-", ledger.StartJavaWorker)
	ours := newParty(t, kafka, prefix+"s-", ledger.StartWorker)
	d := drawer{rand.New(rand.NewPCG(seed, 0))}
	for i := range count {
		plugin, config := d.config()
		body, err := json.Marshal(config)
		require.NoError(t, err)
		e := exchange{
			file: "configuration", line: i, title: string(body), method: "PUT", target: "/connector-plugins/" + plugin + "/config/validate",
			headers: []string{"Content-Type: application/json"}, body: string(body),
		}
		theirs, own := java.tell(t, e), ours.tell(t, e)
		if a, b := e.comparable(theirs.Body), e.comparable(own.Body); theirs.Code != own.Code || a != b {
			assert.Fail(t, "the answers differ", "%s\nJava %d, ours %d\n%s", body, theirs.Code, own.Code, differences(a, b))
		}
	}
}

// validated is the part of an answer that tells of one key.
type validated struct {
	Definition map[string]any `json:"definition"`
	Value      map[string]any `json:"value"`
}

// differences tell of each key how the answers differ.
func differences(java, ours string) string {
	type answer struct {
		Message string      `json:"message"`
		Groups  []string    `json:"groups"`
		Errors  int         `json:"error_count"`
		Configs []validated `json:"configs"`
	}
	var a, b answer
	if json.Unmarshal([]byte(java), &a) != nil || json.Unmarshal([]byte(ours), &b) != nil || a.Message != "" || b.Message != "" {
		return fmt.Sprintf("java %.300s\nours %.300s", java, ours)
	}
	var out strings.Builder
	if a.Errors != b.Errors || !slices.Equal(a.Groups, b.Groups) {
		fmt.Fprintf(&out, "errors and groups: java %d %q, ours %d %q\n", a.Errors, a.Groups, b.Errors, b.Groups)
	}
	name := func(v validated) string { n, _ := v.Value["name"].(string); return n }
	order := func(list []validated) (names []string) {
		for _, v := range list {
			names = append(names, name(v))
		}
		return names
	}
	if x, y := order(a.Configs), order(b.Configs); !slices.Equal(x, y) {
		only := func(x, y []string) []string {
			return slices.DeleteFunc(slices.Clone(x), func(n string) bool { return slices.Contains(y, n) })
		}
		fmt.Fprintf(&out, "keys: only java %q, only ours %q\n", only(x, y), only(y, x))
	}
	for _, v := range a.Configs {
		i := slices.IndexFunc(b.Configs, func(o validated) bool { return name(o) == name(v) })
		if i < 0 {
			continue
		}
		for _, side := range [][2]map[string]any{{v.Definition, b.Configs[i].Definition}, {v.Value, b.Configs[i].Value}} {
			for _, member := range slices.Sorted(maps.Keys(side[0])) {
				if x, y := fmt.Sprint(side[0][member]), fmt.Sprint(side[1][member]); x != y {
					fmt.Fprintf(&out, "%s: %s: java %s, ours %s\n", name(v), member, x, y)
				}
			}
		}
	}
	return out.String()
}
