package mqtt

import (
	"context"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// Version is the version of both connectors.
const Version = "0.1.0"

// What Split adds to a task's configuration.
var (
	// taskNumber is which of the connector's tasks it is. Numbers are stable while tasks without a filter are left out, so that a task finds its
	// session again.
	taskNumber = connect.IntKey("sluice.mqtt.task", "Set by the connector: the number of the task.").Default(-1).Importance(connect.Low)
	// taskNumbers are those of all tasks.
	taskNumbers = listKey("sluice.mqtt.tasks", "Set by the connector: the numbers of all tasks.").Optional().Importance(connect.Low)
	// allTopics are the connector's filters.
	allTopics = listKey("sluice.mqtt.topics", "Set by the connector: the filters of all tasks.").Optional().Importance(connect.Low)
)

// Source makes the tasks that read from an MQTT broker.
type Source struct{}

// Spec describes the connector under Confluent's class name.
func (Source) Spec() connect.Spec {
	keys := slices.Concat(connection, tlsKeys, sourceKeys)
	spec := connect.NewSpec("io.confluent.connect.mqtt.MqttSourceConnector", Version, append(keys, licence)...)
	spec.Aliases = []string{"MqttSource"}
	spec.Prefixes = ignoredPrefixes
	spec.DeadLetterTopic = errorsTopic.Name()
	spec.TaskClass = "io.confluent.connect.mqtt.MqttSourceTask"
	return spec
}

// Split spreads the filters over tasks by rendezvous hash: few filters move when the number of tasks changes. A task that would have no
// filter is not made. With mqtt.task.assignment=shared all tasks have all filters.
func (Source) Split(_ context.Context, cfg connect.Config, maxTasks int) ([]connect.Config, error) {
	filters := mqttTopics.Get(cfg)
	share := shares(cfg, filters, maxTasks)
	var configs []connect.Config
	var alive []string
	for n, part := range share {
		if len(part) > 0 {
			alive = append(alive, strconv.Itoa(n))
		}
	}
	for n, part := range share {
		if len(part) == 0 {
			continue
		}
		task := make(connect.Config, len(cfg)+1)
		for k, v := range cfg {
			task[k] = v
		}
		task[mqttTopics.Name()] = joinList(part)
		task[taskNumber.Name()] = strconv.Itoa(n)
		task[taskNumbers.Name()] = joinList(alive)
		task[allTopics.Name()] = joinList(filters)
		configs = append(configs, task)
	}
	return configs, nil
}

// shares are the filters of each task.
func shares(cfg connect.Config, filters []string, maxTasks int) (share [][]string) {
	if taskAssignment.Get(cfg) == "shared" {
		for range maxTasks {
			share = append(share, shared(filters, shareGroup(cfg)))
		}
		return share
	}
	share = make([][]string, min(maxTasks, len(filters)))
	for _, f := range filters {
		n := rendezvous(f, len(share))
		share[n] = append(share[n], f)
	}
	return share
}

// shareOf is a task's configuration with its own share of the filters. Where the connector's filters come from a config provider, the framework has put the
// reference to all of them back in place of the share that Split had written.
func shareOf(cfg connect.Config) connect.Config {
	all, number := allTopics.Get(cfg), taskNumber.Get(cfg)
	most, err := strconv.Atoi(cfg["tasks.max"])
	if err != nil || number < 0 || !slices.Equal(all, mqttTopics.Get(cfg)) {
		return cfg
	}
	if share := shares(cfg, all, most); number < len(share) {
		cfg = maps.Clone(cfg)
		cfg[mqttTopics.Name()] = joinList(share[number])
	}
	return cfg
}

// deadLetterTopic is the framework's key that mqtt.errors.topic stands for.
const deadLetterTopic = "errors.deadletterqueue.topic.name"

// ExactlyOnce is true for messages of QoS 2 in a session that the server keeps for this task alone. What devices publish with less comes with less,
// whatever QoS is subscribed (MQTT 5 3.8.4). In MQTT 3.1.1 a client cannot tell the server how many messages it takes at a time, so there it is false.
func (Source) ExactlyOnce(cfg connect.Config) bool {
	shared := slices.ContainsFunc(mqttTopics.Get(cfg), func(f string) bool { return strings.HasPrefix(f, "$share/") })
	shared = shared || taskAssignment.Get(cfg) == "shared" || ackMode.Get(cfg) != "produced"
	return protocolVersion.Get(cfg) != "3.1.1" && sourceQoS.Get(cfg) == 2 && !sourceClean.Get(cfg) && sessionExpiry.Get(cfg) > 0 && !shared
}

// rendezvous returns the task in whose eyes the filter weighs most.
func rendezvous(filter string, tasks int) int {
	best, most := 0, uint64(0)
	for n := range tasks {
		h := fnv.New64a()
		_, _ = h.Write([]byte(filter))
		_, _ = h.Write([]byte{0, byte(n >> 8), byte(n)})
		// FNV's last bytes hardly reach the high bits: mixed once more, as splitmix64 does.
		w := h.Sum64()
		w = (w ^ w>>30) * 0xbf58476d1ce4e5b9
		w = (w ^ w>>27) * 0x94d049bb133111eb
		if w ^= w >> 31; n == 0 || w > most {
			best, most = n, w
		}
	}
	return best
}

var (
	_ connect.SourceConnector   = Source{}
	_ connect.Splitter          = Source{}
	_ connect.ExactlyOnceSource = Source{}
)
