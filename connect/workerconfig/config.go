package workerconfig

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/configproviders"
	"github.com/sluice-connect/sluice/connect/redaction"
	"github.com/sluice-connect/sluice/connect/restart"
)

// Mode is how a worker is run.
type Mode int

// The modes.
const (
	// Distributed keeps everything in Kafka topics (connect-distributed).
	Distributed Mode = iota
	// Standalone keeps offsets in a file and takes its connectors from the command line (connect-standalone).
	Standalone
)

// Worker is a checked configuration. It does not change.
type Worker struct {
	Mode       Mode
	Properties Properties // everything that was given, also what is not listed here: prefixes for clients and converters
	// Providers resolve what connectors' configurations refer to; nil resolves nothing. Secrets are the values in Properties that came from them.
	Providers *configproviders.Providers
	Secrets   redaction.Values

	GroupID             string
	Config              StorageTopic
	Offset              StorageTopic
	Status              StorageTopic
	OffsetFile          string
	OffsetFlushInterval time.Duration
	OffsetFlushTimeout  time.Duration
	GracefulShutdown    time.Duration
	REST
	LogLevel           string // sluice.log.level; "" for the program's own
	LogFormat          string // sluice.log.format: text or json; "" for the program's own
	OverridePolicy     string
	PluginProcess      string  // sluice.plugin.process: connector or task
	TopicTracking      bool    // topic.tracking.enable
	TopicTrackingReset bool    // topic.tracking.allow.reset
	Cluster            Cluster // of the distributed mode
	ExactlyOnce        ExactlyOnce
	MetricsWindow      time.Duration // metrics.sample.window.ms
	MetricsSamples     int           // metrics.num.samples
}

// ExactlyOnce says what a worker does for exactly-once sources (exactly.once.source.support, KIP-618). All workers of a cluster become Preparing
// before any becomes Enabled.
type ExactlyOnce string

// What a worker does for exactly-once sources.
const (
	// Disabled is nothing: sources deliver at least once.
	Disabled ExactlyOnce = "disabled"
	// Preparing has the leader fence other leaders, and zombie tasks when a worker asks for it; sources deliver at least once.
	Preparing ExactlyOnce = "preparing"
	// Enabled puts records and their offsets into one transaction.
	Enabled ExactlyOnce = "enabled"
)

// StorageTopic is one of the three topics.
type StorageTopic struct {
	Name              string
	Partitions        int32
	ReplicationFactor int16
	Settings          map[string]string // topic settings for its creation
}

// Keys of both modes.
var (
	keyConverter   = connect.ClassKey("key.converter", "Converter of keys, unless a connector has its own.")
	valueConverter = connect.ClassKey("value.converter", "Converter of values, unless a connector has its own.")
	flushInterval  = connect.LongKey("offset.flush.interval.ms", "How often offsets are stored.").Default(60000).Must(connect.AtLeast(1))
	flushTimeout   = connect.LongKey("offset.flush.timeout.ms", "How long one flush of offsets may take.").Default(5000).Must(connect.AtLeast(0))
	gracefulStop   = connect.LongKey("task.shutdown.graceful.timeout.ms", "How long connectors and tasks get to stop.").Default(5000).Must(connect.AtLeast(0))
	overridePolicy = connect.StringKey("connector.client.config.override.policy", "Which client settings connectors may override.").Default("All")
	topicTracking  = connect.BoolKey("topic.tracking.enable", "Whether the topics that connectors use are recorded.").Default(true)
	topicCreation  = connect.BoolKey("topic.creation.enable", "Whether sources may say how their topics are created.").Default(true)
	logLevel       = connect.StringKey("sluice.log.level", "The least severity that is logged.").Optional().Must(logLevels)
	logFormat      = connect.StringKey("sluice.log.format", "How log lines are written: text or json.").Optional().Must(logFormats)
	metricsWindow  = connect.LongKey("metrics.sample.window.ms", "How long one of the windows is over which metrics take rates, averages and maxima.").Default(30000).
			Must(connect.AtLeast(0))
	metricsSamples = connect.IntKey("metrics.num.samples", "How many such windows count.").Default(2).Must(connect.AtLeast(1))
	recordingLevel = connect.StringKey("metrics.recording.level", "Which metrics there are: all, whatever it says.").Default("INFO").
			Must(connect.OneOf("INFO", "DEBUG", "TRACE"))
	pluginPath    = connect.ListKey("plugin.path", "Folders in which plugins are, or folders of such folders.").Default(nil)
	pluginProcess = connect.StringKey("sluice.plugin.process", "Whether all tasks of a connector that is a plugin run in one process, or each in its own, "+
		"unless the connector says otherwise.").Default("connector").Must(connect.OneOf("connector", "task"))
	trackingReset = connect.BoolKey("topic.tracking.allow.reset", "Whether users may have the recorded topics forgotten.").Default(true)
)

// Keys of one mode.
var (
	groupID           = connect.StringKey("group.id", "Name of the cluster.").Must(connect.NonEmpty)
	configTopic       = connect.StringKey("config.storage.topic", "Topic of connector configurations.").Must(connect.NonEmpty)
	configReplication = connect.ShortKey("config.storage.replication.factor", "Its replication factor.").Default(3).Must(countOrBroker)
	offsetTopic       = connect.StringKey("offset.storage.topic", "Topic of source offsets.").Must(connect.NonEmpty)
	offsetPartitions  = connect.IntKey("offset.storage.partitions", "Its partitions.").Default(25).Must(countOrBroker)
	offsetReplication = connect.ShortKey("offset.storage.replication.factor", "Its replication factor.").Default(3).Must(countOrBroker)
	statusTopic       = connect.StringKey("status.storage.topic", "Topic of statuses.").Must(connect.NonEmpty)
	statusPartitions  = connect.IntKey("status.storage.partitions", "Its partitions.").Default(5).Must(countOrBroker)
	statusReplication = connect.ShortKey("status.storage.replication.factor", "Its replication factor.").Default(3).Must(countOrBroker)
	exactlyOnce       = connect.StringKey("exactly.once.source.support", "Whether records of sources and their offsets are written in one transaction.").
				Default(string(Disabled)).Must(connect.OneOfFold("DISABLED", "PREPARING", "ENABLED"))
	offsetFile = connect.StringKey("offset.storage.file.filename", "File of source offsets.").Must(connect.NonEmpty)
)

// countOrBroker is Java's rule for partitions and replication factors.
func countOrBroker(v connect.Value) error {
	if n := v.Int64(); n == 0 || n < -1 {
		return errors.New("want at least 1, or -1 for the broker's default")
	}
	return nil
}

var (
	logLevels  = unlessNull(connect.OneOfFold("OFF", "FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE", "ALL"))
	logFormats = unlessNull(connect.OneOf("text", "json"))
)

// unlessNull is a check of keys that need not be given.
func unlessNull(c connect.Check) connect.Check {
	return func(v connect.Value) error {
		if v.IsNull() {
			return nil
		}
		return c(v)
	}
}

func definition(mode Mode) connect.ConfigDef {
	def := connect.NewSpec("", "", keyConverter, valueConverter, flushInterval, flushTimeout, gracefulStop, overridePolicy,
		topicCreation, topicTracking, trackingReset, logLevel, logFormat,
		metricsWindow, metricsSamples, recordingLevel, pluginPath, pluginProcess).Keys
	def = append(def, restKeys...)
	def = append(def, restart.Keys()...)
	if mode == Standalone {
		return append(def, offsetFile.Definition())
	}
	def = append(def, clusterKeys...)
	return append(def, connect.NewSpec("", "", groupID, configTopic, configReplication, offsetTopic, offsetPartitions, offsetReplication,
		statusTopic, statusPartitions, statusReplication, exactlyOnce).Keys...)
}

// Knows reports whether a worker of this mode has a use for a key of its own; keys of clients and converters are not among them.
func Knows(mode Mode, key string) bool {
	if definition(mode).Has(key) || strings.HasPrefix(key, "config.providers") || ofListeners(key) {
		return true
	}
	for _, prefix := range []string{"config.storage.", "offset.storage.", "status.storage."} { // settings of the topics
		if strings.HasPrefix(key, prefix) {
			return mode == Distributed
		}
	}
	return false
}

// Error lists everything that is wrong with a worker's configuration, a line each.
type Error struct{ Problems []string }

func (e *Error) Error() string { return strings.Join(e.Problems, "\n") }

// Parse checks the properties of a worker. Its error is an [*Error].
func Parse(mode Mode, p Properties) (*Worker, error) {
	cfg := connect.Config(p)
	var problems []string
	for _, report := range definition(mode).Validate(cfg) {
		if len(report.Errors) > 0 { // of what cannot be parsed Kafka says besides that it is null
			problems = append(problems, report.Errors[0])
		}
	}
	if len(problems) > 0 {
		return nil, &Error{Problems: problems}
	}
	if _, err := restart.Parse(nil, cfg); err != nil {
		return nil, &Error{Problems: []string{err.Error()}}
	}
	w := &Worker{
		Mode: mode, Properties: p,
		OffsetFlushInterval: milliseconds(flushInterval.Get(cfg)),
		OffsetFlushTimeout:  milliseconds(flushTimeout.Get(cfg)),
		GracefulShutdown:    milliseconds(gracefulStop.Get(cfg)),
		OverridePolicy:      overridePolicy.Get(cfg),
		PluginProcess:       pluginProcess.Get(cfg),
		TopicTracking:       topicTracking.Get(cfg),
		TopicTrackingReset:  trackingReset.Get(cfg),
		ExactlyOnce:         Disabled,
		MetricsWindow:       max(milliseconds(metricsWindow.Get(cfg)), time.Millisecond),
		MetricsSamples:      int(metricsSamples.Get(cfg)),
		LogLevel:            logLevel.Get(cfg),
		LogFormat:           logFormat.Get(cfg),
	}
	var err error
	if w.REST, err = parseREST(p); err != nil {
		return nil, &Error{Problems: strings.Split(err.Error(), "\n")}
	}
	if mode == Standalone {
		w.OffsetFile = offsetFile.Get(cfg)
		return w, nil
	}
	if w.Cluster, err = parseCluster(cfg); err != nil {
		return nil, &Error{Problems: strings.Split(err.Error(), "\n")}
	}
	w.GroupID = groupID.Get(cfg)
	w.ExactlyOnce = ExactlyOnce(strings.ToLower(exactlyOnce.Get(cfg)))
	w.Config = StorageTopic{configTopic.Get(cfg), 1, int16(configReplication.Get(cfg)), p.topicSettings("config.storage.")}
	w.Offset = StorageTopic{offsetTopic.Get(cfg), int32(offsetPartitions.Get(cfg)), int16(offsetReplication.Get(cfg)), p.topicSettings("offset.storage.")}
	w.Status = StorageTopic{statusTopic.Get(cfg), int32(statusPartitions.Get(cfg)), int16(statusReplication.Get(cfg)), p.topicSettings("status.storage.")}
	return w, nil
}

// PluginPath is where plugins are looked for. It is known before a configuration is parsed: config providers may be plugins too.
func (p Properties) PluginPath() []string {
	return slices.DeleteFunc(pluginPath.Get(connect.Config(p)), func(path string) bool { return path == "" })
}

func milliseconds(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// topicSettings are the properties under a storage prefix that are settings of the topic.
func (p Properties) topicSettings(prefix string) map[string]string {
	out := map[string]string{}
	for key, value := range p {
		name, ok := strings.CutPrefix(key, prefix)
		switch {
		case !ok, name == "topic", name == "partitions", name == "replication.factor", name == "file.filename":
		default:
			out[name] = value
		}
	}
	return out
}

// Under returns the properties below a prefix, without it.
func (p Properties) Under(prefix string) Properties {
	out := Properties{}
	for key, value := range p {
		if name, ok := strings.CutPrefix(key, prefix); ok {
			out[name] = value
		}
	}
	return out
}

// clientPrefixes begin keys that belong to the clients of tasks, or to no client; the worker's own clients take what is left.
var clientPrefixes = []string{"producer.", "consumer.", "admin.", "key.converter", "value.converter", "header.converter", "config.storage.",
	"offset.storage.", "status.storage.", "config.providers", "metrics.", "sluice.", listenersTLS}

// Clients are the properties of the worker's own Kafka clients: all that have no prefix of another's.
func (p Properties) Clients() Properties {
	out := maps.Clone(p)
	maps.DeleteFunc(out, func(key, _ string) bool {
		return slices.ContainsFunc(clientPrefixes, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
	})
	return out
}
