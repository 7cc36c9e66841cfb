// Package validation checks the configurations of connectors: the framework's keys, the connector's own and those of its converters, transforms and
// predicates, merged into one answer as Kafka Connect gives it.
package validation

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/pattern"
)

// Groups of the framework's keys.
const (
	common        = "Common"
	transforms    = "Transforms"
	predicates    = "Predicates"
	errorHandling = "Error Handling"
	topicCreation = "Topic Creation"
	exactlyOnce   = "Exactly Once Support"
	offsetsTopic  = "offsets.topic"
)

// Keys that every connector has (org.apache.kafka.connect.runtime.ConnectorConfig).
var (
	keyName = connect.StringKey("name", "Globally unique name to use for this connector.").Importance(connect.High).
		Group(common, 1, connect.WidthMedium, "Connector name").Must(connect.NonEmptyWithoutControls)
	keyClass = connect.StringKey("connector.class", "Name or alias of the class of this connector.").Importance(connect.High).
			Group(common, 2, connect.WidthLong, "Connector class")
	keyPluginVersion = connect.StringKey("connector.plugin.version", "Version of the connector, where there are several.").Optional().
				Group(common, 3, connect.WidthMedium, "Connector version")
	keyTasksMax = connect.IntKey("tasks.max", "Maximum number of tasks to use for this connector.").Default(1).Importance(connect.High).
			Group(common, 4, connect.WidthShort, "Tasks max").Must(connect.AtLeast(1))
	keyTasksMaxEnforce = connect.BoolKey("tasks.max.enforce", "Whether more tasks than tasks.max make the connector fail.").Default(true).
				Importance(connect.Low).Group(common, 5, connect.WidthShort, "Enforce tasks max")
	keyKeyConverter = connect.ClassKey("key.converter", "Converter of keys; the worker's where it is not set.").Optional().
			Importance(connect.Low).Group(common, 6, connect.WidthShort, "Key converter class")
	keyValueConverter = connect.ClassKey("value.converter", "Converter of values; the worker's where it is not set.").Optional().
				Importance(connect.Low).Group(common, 8, connect.WidthShort, "Value converter class")
	keyHeaderConverter = connect.ClassKey("header.converter", "Converter of headers; the worker's where it is not set.").Optional().
				Importance(connect.Low).Group(common, 10, connect.WidthShort, "Header converter class")
	keyTransforms = connect.ListKey("transforms", "Aliases for the transformations to be applied to records.").Default(nil).
			Importance(connect.Low).Group(transforms, 12, connect.WidthLong, "Transforms").Must(connect.NotNull).Must(connect.Distinct)
	keyPredicates = connect.ListKey("predicates", "Aliases for the predicates used by transformations.").Default(nil).
			Importance(connect.Low).Group(predicates, 13, connect.WidthLong, "Predicates").Must(connect.NotNull).Must(connect.Distinct)
	keyReload = connect.StringKey("config.action.reload", "What to do when a config provider's values change.").Default("restart").
			Importance(connect.Low).Group(common, 14, connect.WidthMedium, "Reload Action").Must(connect.OneOf("none", "restart"))
	keyRetryTimeout = connect.LongKey("errors.retry.timeout", "How long a failed operation is retried, in milliseconds; -1 is for ever.").
			Default(0).Group(errorHandling, 1, connect.WidthMedium, "Retry Timeout for Errors")
	keyRetryDelay = connect.LongKey("errors.retry.delay.max.ms", "Longest pause between retries, in milliseconds.").Default(60000).
			Group(errorHandling, 2, connect.WidthMedium, "Maximum Delay Between Retries for Errors")
	keyTolerance = connect.StringKey("errors.tolerance", "none: a record that cannot be handled fails the task; all: it is skipped.").
			Default("none").Group(errorHandling, 3, connect.WidthShort, "Error Tolerance").Must(connect.OneOf("none", "all"))
	keyLogErrors = connect.BoolKey("errors.log.enable", "Whether each record that cannot be handled is logged.").Default(false).
			Group(errorHandling, 4, connect.WidthShort, "Log Errors")
	keyLogMessages = connect.BoolKey("errors.log.include.messages", "Whether that log line has the record's coordinates.").Default(false).
			Group(errorHandling, 5, connect.WidthShort, "Log Error Details")
)

// Keys of sources (SourceConnectorConfig). The accepted values stand in the order in which Java's hash set has them.
var (
	keyCreationGroups = connect.ListKey("topic.creation.groups", "Groups of settings for topics that are created.").Default(nil).
				Importance(connect.Low).Group(topicCreation, 1, connect.WidthLong, "Topic Creation Groups").Must(connect.NotNull).Must(connect.Distinct)
	keyExactlyOnce = connect.StringKey("exactly.once.support", "Whether exactly-once delivery is required or only requested.").
			Default("requested").Group(exactlyOnce, 2, connect.WidthShort, "Exactly once support").Must(connect.OneOfFold("REQUIRED", "REQUESTED"))
	keyBoundary = connect.StringKey("transaction.boundary", "What ends a transaction of an exactly-once source.").Default("poll").
			Group(exactlyOnce, 3, connect.WidthShort, "Transaction Boundary").Must(connect.OneOfFold("INTERVAL", "POLL", "CONNECTOR"))
	keyBoundaryInterval = connect.LongKey("transaction.boundary.interval.ms", "Time between commits with transaction.boundary=interval.").
				Optional().Importance(connect.Low).Group(exactlyOnce, 4, connect.WidthShort, "Transaction boundary interval").Must(nullOrNotNegative)
	keyOffsetsTopic = connect.StringKey("offsets.storage.topic", "A topic of its own for this connector's offsets.").Optional().
			Importance(connect.Low).Group(offsetsTopic, 1, connect.WidthLong, "Offsets topic").Must(connect.NonEmpty)
)

// Keys of sinks (SinkConnectorConfig). Those of the dead letter queue are taken by sources too, see beyondJava.
var (
	keyTopics = connect.ListKey("topics", "Topics to consume.").Default(nil).Importance(connect.High).
			Group(common, 4, connect.WidthLong, "Topics")
	keyTopicsRegex = connect.StringKey("topics.regex", "Pattern of the topics to consume.").Default("").Importance(connect.High).
			Group(common, 4, connect.WidthLong, "Topics regex").Must(regex)
	keyDeadLetterTopic = connect.StringKey("errors.deadletterqueue.topic.name", "Topic for records that cannot be handled; empty for none.").
				Default("").Group(errorHandling, 6, connect.WidthMedium, "Dead Letter Queue Topic Name")
	keyDeadLetterReplication = connect.ShortKey("errors.deadletterqueue.topic.replication.factor", "Its replication factor when it is created.").
					Default(3).Group(errorHandling, 7, connect.WidthMedium, "Dead Letter Queue Topic Replication Factor")
	keyDeadLetterHeaders = connect.BoolKey("errors.deadletterqueue.context.headers.enable", "Whether headers tell why a record is there.").
				Default(false).Group(errorHandling, 8, connect.WidthMedium, "Enable Error Context Headers")
)

// keyPluginProcess is a worker's too.
var keyPluginProcess = connect.StringKey("sluice.plugin.process", "Whether all tasks of a connector that is a plugin run in one process, or each in its "+
	"own; the worker's where it is not set.").Optional().Must(connect.OneOf("connector", "task"))

// converterVersion is the plugin.version key of a converter.
func converterVersion(key string, order int, display string) connect.Key[string] {
	return connect.StringKey(key+versionSuffix, "Version of the converter, where there are several.").Optional().
		Importance(connect.Low).Group(common, order, connect.WidthShort, display)
}

// Definition is the framework's keys for a type of connector, in the order in which they are shown. What is to be had in a certain worker, such as its
// converters, is added by the [Validator].
func Definition(t catalog.Type) connect.ConfigDef {
	def := connect.NewSpec("", "", keyName, keyClass, keyPluginVersion, keyTasksMax, keyTasksMaxEnforce,
		keyKeyConverter, converterVersion("key.converter", 7, "Key converter version"),
		keyValueConverter, converterVersion("value.converter", 9, "Value converter version"),
		keyHeaderConverter, converterVersion("header.converter", 11, "Header converter version"),
		keyTransforms, keyPredicates, keyReload, keyRetryTimeout, keyRetryDelay, keyTolerance, keyLogErrors, keyLogMessages).Keys
	switch t {
	case catalog.Source:
		def = append(def, connect.NewSpec("", "", keyCreationGroups, keyExactlyOnce, keyBoundary, keyBoundaryInterval, keyOffsetsTopic).Keys...)
	case catalog.Sink:
		def = append(def, connect.NewSpec("", "", keyTopics, keyTopicsRegex, keyDeadLetterTopic, keyDeadLetterReplication, keyDeadLetterHeaders).Keys...)
	}
	return def
}

// beyondJava is the framework's keys that Kafka Connect does not define for a type of connector. They work, but answers that Java's clients read show them
// only where a value is wrong.
func beyondJava(t catalog.Type) connect.ConfigDef {
	def := connect.NewSpec("", "", keyPluginProcess).Keys
	if t == catalog.Source {
		def = append(def, connect.NewSpec("", "", keyDeadLetterTopic, keyDeadLetterReplication, keyDeadLetterHeaders).Keys...)
	}
	return def
}

// groups adds the groups of a definition, in the order of their first keys, to those there are.
func groups(def connect.ConfigDef, have []string) []string {
	for _, key := range def {
		if key.Group != "" && !slices.Contains(have, key.Group) {
			have = append(have, key.Group)
		}
	}
	return have
}

func nullOrNotNegative(v connect.Value) error {
	if v.IsNull() {
		return nil
	}
	return connect.AtLeast(0)(v)
}

// regex refuses what is no regular expression to Java.
func regex(v connect.Value) error {
	if v.IsNull() {
		return errors.New(`Invalid regex: Cannot invoke "String.isEmpty()" because "this.pattern" is null`) //lint:ignore ST1005 Kafka's text
	}
	if _, err := pattern.Compile(v.Str()); err != nil {
		return fmt.Errorf("Invalid regex: %w", err) //lint:ignore ST1005 Kafka's text
	}
	return nil
}
