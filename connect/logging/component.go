package logging

import (
	"path"
	"runtime"
	"slices"
	"strings"
)

// component is where lines of one logger come from.
type component struct {
	logger string
	pkg    string   // its path, within this module where it is ours
	files  []string // of the package, without .go; none for all that no other component has
}

// runtimeClasses is the package of Kafka Connect's main classes.
const runtimeClasses = "org.apache.kafka.connect.runtime."

// components are all loggers that lines are written under.
var components = []component{
	{runtimeClasses + "WorkerSourceTask", "connect/worker", []string{"sourcetask", "delivery", "offsetwriter", "topiccreation", "exactlyonce", "recovery"}},
	{runtimeClasses + "WorkerSinkTask", "connect/worker", []string{"sinktask", "consumer", "subscription"}},
	{runtimeClasses + "WorkerConnector", "connect/worker", []string{"connector", "division"}},
	{runtimeClasses + "errors.LogReporter", "connect/worker", []string{"errant", "deadletterqueue", "retries"}},
	{runtimeClasses + "Worker", "connect/worker", nil},
	{runtimeClasses + "distributed.DistributedHerder", "connect/herder", nil},
	{runtimeClasses + "distributed.WorkerCoordinator", "connect/cluster", nil},
	{runtimeClasses + "distributed.WorkerGroupMember", "connect/group", nil},
	{runtimeClasses + "rest.RestServer", "api", nil},
	{runtimeClasses + "rest.RestServer", "net/http", nil},
	{runtimeClasses + "Connect", "main", nil},
	{"org.apache.kafka.connect.storage.KafkaConfigBackingStore", "connect/stores", []string{"configstore"}},
	{"org.apache.kafka.connect.storage.KafkaOffsetBackingStore", "connect/stores", []string{"offsetstore"}},
	{"org.apache.kafka.connect.storage.KafkaStatusBackingStore", "connect/stores", []string{"statusstore"}},
	{"org.apache.kafka.connect.util.KafkaBasedLog", "connect/stores", nil},
	{"org.apache.kafka.clients.NetworkClient", "connect/kafkaclient", nil},
	{"org.apache.kafka.common.security.ssl.SslFactory", "connect/certstore", nil},
	{"org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule", "connect/basicauth", nil},
	{"org.apache.kafka.connect.file.FileStreamSourceTask", "connectors/file", nil},
	{"org.apache.kafka.connect.mirror.MirrorSourceTask", "connectors/kafka", nil},
	{"io.confluent.connect.mqtt.MqttSinkTask", "connectors/mqtt", []string{"sink", "publisher", "publishing"}},
	{"io.confluent.connect.mqtt.MqttSourceTask", "connectors/mqtt", nil},
}

// loggerNames are those of the components, sorted.
func loggerNames() []string {
	var all []string
	for _, c := range components {
		all = append(all, c.logger)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

const module = "github.com/sluice-connect/sluice/"

// loggerOf finds the logger of a line by the place in the program that wrote it.
func loggerOf(pc uintptr) string {
	frame, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	slash := strings.LastIndexByte(frame.Function, '/')
	dot := strings.IndexByte(frame.Function[slash+1:], '.')
	if dot < 0 {
		return Root
	}
	return loggerAt(strings.TrimPrefix(frame.Function[:slash+1+dot], module), strings.TrimSuffix(path.Base(frame.File), ".go"))
}

func loggerAt(pkg, file string) string {
	logger := Root
	for _, c := range components {
		if c.pkg != pkg {
			continue
		}
		if slices.Contains(c.files, file) {
			return c.logger
		}
		if c.files == nil {
			logger = c.logger
		}
	}
	return logger
}
