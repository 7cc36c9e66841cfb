package mqtt

import "github.com/sluice-connect/sluice/connect"

// Keys that the source and the sink share.
var (
	serverURI = listKey("mqtt.server.uri",
		"MQTT brokers of one cluster, tried in order: tcp://host:1883 or ssl://host:8883.").Importance(connect.High).Group("Connection", -1, connect.WidthMedium, "")
	clientID = connect.StringKey("mqtt.client.id",
		"Base of the client ids; task n uses <base>-<n>. The connector's name where unset.").Default("").Group("Connection", -1, connect.WidthMedium, "")
	username = connect.StringKey("mqtt.username", "User name.").Default("").Importance(connect.High).Group("Connection", -1, connect.WidthMedium, "")
	password = connect.PasswordKey("mqtt.password", "Password.").Optional().Importance(connect.High).Group("Connection", -1, connect.WidthMedium, "")

	connectTimeout = connect.IntKey("mqtt.connect.timeout.seconds",
		"How long TCP, TLS and CONNACK may take together.").Default(30).Must(connect.AtLeast(1)).Group("Connection", -1, connect.WidthMedium, "")
	keepAlive = connect.IntKey("mqtt.keepalive.interval.seconds",
		"Keep alive interval; 0 is off. The broker may replace it.").Default(60).Must(connect.Between(0, 65535)).Group("Connection", -1, connect.WidthMedium, "")
	pingTimeout = connect.IntKey("mqtt.ping.timeout.seconds",
		"Silence after a ping after which the connection counts as dead; not counted while reading is paused.").
		Default(10).Must(connect.AtLeast(1)).Group("Connection", -1, connect.WidthMedium, "")
	backoffFirst = connect.LongKey("mqtt.reconnect.backoff.ms",
		"First pause between attempts to connect; doubles up to mqtt.reconnect.backoff.max.ms.").
		Default(1000).Must(connect.AtLeast(0)).Group("Connection", -1, connect.WidthMedium, "")
	backoffMax = connect.LongKey("mqtt.reconnect.backoff.max.ms",
		"Longest pause between attempts to connect.").Default(60000).Must(connect.AtLeast(0)).Group("Connection", -1, connect.WidthMedium, "")
	maxRetryTime = connect.LongKey("max.retry.time.ms",
		"How long connecting may fail before the task fails; -1 is for ever.").Default(-1).Must(connect.AtLeast(-1)).Group("Connection", -1, connect.WidthMedium, "")
	connectFailFast = connect.BoolKey("mqtt.connect.fail.fast",
		"Fail the task when the broker's answer to the first connect cannot heal, such as a wrong password.").
		Default(true).Group("Connection", -1, connect.WidthMedium, "")
	userProperties = listKey("mqtt.user.properties",
		"User properties of CONNECT, as name=value.").Optional().Importance(connect.Low).Group("Connection", -1, connect.WidthMedium, "")
	validateConnect = connect.BoolKey("mqtt.validate.connect",
		"Open a real connection when the configuration is validated.").Default(true).Importance(connect.Low).Group("Connection", -1, connect.WidthMedium, "")

	sessionExpiry = connect.LongKey("mqtt.session.expiry.interval.seconds",
		"How long the broker keeps the session without a connection; 4294967295 is for ever.").
		Default(604800).Must(connect.Between[int64](0, 1<<32-1)).Group("Session", -1, connect.WidthMedium, "")
	payloadMaxBytes = connect.IntKey("mqtt.payload.max.bytes",
		"Longest payload that is taken. A longer one is not read into memory; its message goes to the error handling.").
		Default(payloadMost).Must(connect.AtLeast(1)).Group("Session", -1, connect.WidthMedium, "")
	topicAliasMaximum = connect.IntKey("mqtt.topic.alias.maximum", "Topic aliases that the broker may use; 0 is none.").
				Default(1024).Must(connect.Between(0, 65535)).Importance(connect.Low).Group("Session", -1, connect.WidthMedium, "")
	receiveMaximum = connect.IntKey("mqtt.receive.maximum",
		"Messages of QoS 1 and 2 that may be unacknowledged: the window of the source.").
		Default(1000).Must(connect.Between(1, 65535)).Group("Session", -1, connect.WidthMedium, "")
)

// Keys of the source.
var (
	sourceClean = connect.BoolKey("mqtt.clean.session.enabled",
		"Begin with a clean session: what was published while the connector was away is then lost.").Default(false).Group("Session", -1, connect.WidthMedium, "")
	mqttTopics = listKey("mqtt.topics", `MQTT topic filters to subscribe to; \, is a comma within a filter.`).
			Importance(connect.High).Group("Source", -1, connect.WidthMedium, "")
	sourceQoS = connect.IntKey("mqtt.qos", "QoS to subscribe with.").Default(1).Must(connect.Between(0, 2)).Group("Source", -1, connect.WidthMedium, "")
	dedupe    = connect.BoolKey("mqtt.dedupe.enabled",
		"Do not produce again what this task has already produced but could not acknowledge before the connection broke.").
		Default(true).Group("Source", -1, connect.WidthMedium, "")
	retainHandling = connect.StringKey("mqtt.retain.handling",
		"When the broker sends retained messages: at each subscribe, at new subscriptions, never.").
		Default("if_new").Must(connect.OneOf("send", "if_new", "never")).Group("Source", -1, connect.WidthMedium, "")
	retainAsPublished = connect.BoolKey("mqtt.retain.as.published", "Keep the retain flag as it was published.").
				Default(true).Importance(connect.Low).Group("Source", -1, connect.WidthMedium, "")

	kafkaTopic = connect.StringKey("kafka.topic",
		"Kafka topic, or a template of ${topic}, ${topic[n]}, ${topic[a:b]}, ${user.NAME}, ${content.type}.").
		Default("").Importance(connect.High).Group("Mapping", -1, connect.WidthMedium, "")
	topicRegexList = listKey("topic.regex.list",
		"kafkaTopic:regex entries; the first whose regex matches the whole MQTT topic wins, then kafka.topic.").
		Optional().Group("Mapping", -1, connect.WidthMedium, "")
	kafkaTopicUnmatched = connect.StringKey("kafka.topic.unmatched",
		"What to do with a message that no rule gives a Kafka topic.").Default("fail").Must(connect.OneOf("fail", "drop")).Group("Mapping", -1, connect.WidthMedium, "")
	kafkaTopicReplacement = connect.StringKey("kafka.topic.replacement",
		"What replaces characters that a Kafka topic may not have.").Default("_").Group("Mapping", -1, connect.WidthMedium, "")
	kafkaKey = connect.StringKey("kafka.key", "Template of the record key; empty is null.").Default("${topic}").Group("Mapping", -1, connect.WidthMedium, "")

	payloadFormat = connect.StringKey("mqtt.payload.format", "The value: bytes as they are, or string (UTF-8).").
			Default("bytes").Must(connect.OneOf("bytes", "string")).Group("Mapping", -1, connect.WidthMedium, "")
	headersEnabled = connect.BoolKey("mqtt.headers.enabled", "Add headers with the message's MQTT properties.").
			Default(true).Group("Mapping", -1, connect.WidthMedium, "")
	userPropertiesEnabled = connect.BoolKey("mqtt.user.properties.enabled", "Turn user properties into headers.").
				Default(true).Group("Mapping", -1, connect.WidthMedium, "")

	queueSize = connect.IntKey("records.buffer.queue.size", "Bound of the buffer in records.").
			Default(10000).Must(connect.AtLeast(1)).Group("Buffer", -1, connect.WidthMedium, "")
	bufferBytes = connect.LongKey("mqtt.buffer.max.bytes", "Bound of the buffer in bytes.").
			Default(67108864).Must(connect.AtLeast(1048576)).Group("Buffer", -1, connect.WidthMedium, "")
	batchSize = connect.IntKey("records.buffer.queue.max.batch.size", "Records of one poll.").
			Default(4096).Must(connect.AtLeast(1)).Group("Buffer", -1, connect.WidthMedium, "")
	emptyTimeout = connect.IntKey("records.buffer.queue.empty.timeout", "Accepted without effect: a poll is woken by what arrives.").
			Default(100).Must(connect.AtLeast(0)).Group("Buffer", -1, connect.WidthMedium, "")
	qos0Overflow = connect.StringKey("mqtt.qos0.overflow", "When the buffer is full: block stops reading the socket.").
			Default("block").Must(connect.OneOf("block")).Group("Buffer", -1, connect.WidthMedium, "")
)

// Keys of the sink.
var (
	sinkClean = connect.BoolKey("mqtt.clean.session.enabled",
		"Begin with a clean session; the sink's memory is its Kafka offset.").Default(true).Group("Session", -1, connect.WidthMedium, "")
	mqttTopic = connect.StringKey("mqtt.topic",
		"MQTT topic, or a template of ${kafka.topic}, ${key}, ${partition}, ${header.NAME}.").
		Default("${kafka.topic}").Importance(connect.High).Group("Sink", -1, connect.WidthMedium, "")
	mqttTopicAlias   = connect.StringKey("mqtt.topics", "Another name of mqtt.topic.").Default("").Importance(connect.Low).Group("Sink", -1, connect.WidthMedium, "")
	topicAllowDollar = connect.BoolKey("mqtt.topic.allow.dollar", "Allow MQTT topics that begin with $.").
				Default(false).Importance(connect.Low).Group("Sink", -1, connect.WidthMedium, "")
	sinkQoS  = connect.IntKey("mqtt.qos", "QoS to publish with.").Default(1).Must(connect.Between(0, 2)).Group("Sink", -1, connect.WidthMedium, "")
	retained = connect.BoolKey("mqtt.retained.enabled",
		"Publish as retained messages. Confluent's default is true; a retained command is executed again by each device that reconnects.").
		Default(false).Group("Sink", -1, connect.WidthMedium, "")
	publishTimeout = connect.LongKey("mqtt.publish.timeout.ms",
		"How long the broker may take to acknowledge; then the sink reconnects and sends again.").
		Default(30000).Must(connect.AtLeast(1)).Group("Sink", -1, connect.WidthMedium, "")
	maxInFlight = connect.IntKey("mqtt.max.in.flight",
		"Messages that may be unacknowledged; the broker's Receive Maximum may be less.").
		Default(1000).Must(connect.Between(1, 65535)).Group("Sink", -1, connect.WidthMedium, "")
	nullValues = connect.StringKey("behavior.on.null.values", "What a tombstone becomes.").
			Default("ignore").Must(connect.OneOf("ignore", "clear_retained", "publish_empty", "fail")).Group("Sink", -1, connect.WidthMedium, "")
	sinkPayloadFormat = connect.StringKey("mqtt.payload.format",
		"The payload: auto takes bytes and strings as they are, numbers and booleans as text.").
		Default("auto").Must(connect.OneOf("auto", "bytes", "string")).Group("Sink", -1, connect.WidthMedium, "")
	sinkUserProperties = connect.BoolKey("mqtt.user.properties.enabled", "Turn headers into user properties.").Default(true).Group("Sink", -1, connect.WidthMedium, "")
)

// Keys of Confluent's connectors that are accepted and have no effect.
var (
	licence = connect.StringKey("confluent.license", "Ignored: Sluice needs no licence.").Default("").Importance(connect.Low).
		Group("Ignored", -1, connect.WidthMedium, "")
	ignoredPrefixes = []string{"confluent.topic"}
)

// connection is the keys of the connection, in the order in which they are shown.
var connection = []connect.Definer{
	serverURI, clientID, username, password, connectTimeout, keepAlive, pingTimeout, backoffFirst, backoffMax, maxRetryTime,
	connectFailFast, userProperties, validateConnect,
	sessionExpiry,
}
