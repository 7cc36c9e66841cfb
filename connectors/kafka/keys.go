package kafka

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/connect"
)

// assignedPartitions is the key of task configurations that holds a task's share, MirrorSource's name.
const assignedPartitions = "task.assigned.partitions"

// What offset.lost may say.
const (
	lostFails    = "fail"
	lostEarliest = "earliest"
	lostLatest   = "latest"
)

var (
	sourceServers = define("source.bootstrap.servers", connect.TypeList, connect.Default{}, connect.High, nil, text,
		"Brokers of the cluster to read, host:port separated by commas. Every other key that begins with \"source.\" goes, without that, to the consumer: source.security.protocol, source.sasl.jaas.config, source.isolation.level.")
	topics = define("topics", connect.TypeList, connect.TextDefault(""), connect.High, nil, names,
		"Topics to copy, separated by commas.")
	topicsRegex = define("topics.regex", connect.TypeString, connect.NullDefault(), connect.High, nil, text,
		"Regular expression; topics whose whole name it matches are copied too, but none that begins with \"__\".")
	clusterAlias = define("source.cluster.alias", connect.TypeString, connect.NullDefault(), connect.Medium, nil, text,
		"Name of the source cluster in stored offsets. With MirrorSource's alias its offsets are understood.")
	lostOffset = define("offset.lost", connect.TypeString, connect.TextDefault(lostFails), connect.Medium, checkLost, text,
		"What to do when the records behind the stored offset are gone: fail, or go on at the earliest or latest there is.")
	refreshInterval = define("refresh.topics.interval.seconds", connect.TypeInt, connect.TextDefault("60"), connect.Low, checkInterval, seconds,
		"How often to look for new topics and partitions.")

	targetServers = define("target.bootstrap.servers", connect.TypeList, connect.Default{}, connect.High, nil, text,
		"Brokers of the cluster to write to, host:port separated by commas. Every other key that begins with \"target.\" goes, without that, to the producer: target.security.protocol, target.sasl.jaas.config, target.compression.type.")

	topicFormat = define("topic.format", connect.TypeString, connect.TextDefault(topicVariable), connect.Medium, checkFormat, text,
		"Name of the topic to write to; "+topicVariable+" stands for the original name.")
	keepPartition = define("partitions.preserve", connect.TypeBoolean, connect.TextDefault("false"), connect.Medium, nil, truth,
		"Whether a record goes to the partition of the same number, which must exist. Otherwise its key decides, as in any producer.")
)

// key is a key with the way to read it.
type key[T any] struct {
	def  connect.KeyDef
	read func(string) T
}

func define[T any](name string, t connect.Type, d connect.Default, i connect.Importance, c connect.Check, read func(string) T, doc string) key[T] {
	return key[T]{connect.KeyDef{Name: name, Type: t, Default: d, Importance: i, Check: c, Doc: doc, Width: connect.WidthNone, Order: -1}, read}
}

func (k key[T]) Definition() connect.KeyDef { return k.def }
func (k key[T]) Name() string               { return k.def.Name }

func (k key[T]) Get(cfg connect.Config) T {
	text, given := cfg[k.def.Name]
	if !given {
		text, _ = k.def.Default.Text()
	}
	return k.read(strings.TrimSpace(text))
}

func text(s string) string { return s }

func truth(s string) bool { return strings.EqualFold(s, "true") }

func names(s string) []string {
	var all []string
	for name := range strings.SplitSeq(s, ",") {
		if name = strings.TrimSpace(name); name != "" {
			all = append(all, name)
		}
	}
	return all
}

func seconds(s string) time.Duration {
	n, _ := strconv.Atoi(s)
	return time.Duration(max(n, 1)) * time.Second
}

func checkLost(v connect.Value) error {
	if !v.IsNull() && !slices.Contains([]string{lostFails, lostEarliest, lostLatest}, v.Str()) {
		return errors.New("must be fail, earliest or latest")
	}
	return nil
}

func checkInterval(v connect.Value) error {
	if !v.IsNull() && v.Int64() < 1 {
		return errors.New("must be at least 1")
	}
	return nil
}
