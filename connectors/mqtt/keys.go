package mqtt

import "github.com/sluice-connect/sluice/connect"

// Keys that the source and the sink share.
var (
	serverURI = listKey("mqtt.server.uri",
		"MQTT brokers of one cluster, tried in order: tcp://host:1883 or ssl://host:8883.").rank(connect.High).in("Connection")
	clientID = stringKey("mqtt.client.id",
		"Base of the client ids; task n uses <base>-<n>. The connector's name where unset.").optional("").in("Connection")
	username = stringKey("mqtt.username", "User name.").optional("").rank(connect.High).in("Connection")
	password = passwordKey("mqtt.password", "Password.").rank(connect.High).in("Connection")

	connectTimeout = intKey("mqtt.connect.timeout.seconds",
		"How long TCP, TLS and CONNACK may take together.").optional("30").check(atLeast(1)).in("Connection")
	keepAlive = intKey("mqtt.keepalive.interval.seconds",
		"Keep alive interval; 0 is off. The broker may replace it.").optional("60").check(between(0, 65535)).in("Connection")
	pingTimeout = intKey("mqtt.ping.timeout.seconds",
		"Silence after a ping after which the connection counts as dead; not counted while reading is paused.").
		optional("10").check(atLeast(1)).in("Connection")
	backoffFirst = longKey("mqtt.reconnect.backoff.ms",
		"First pause between attempts to connect; doubles up to mqtt.reconnect.backoff.max.ms.").
		optional("1000").check(atLeast(0)).in("Connection")
	backoffMax = longKey("mqtt.reconnect.backoff.max.ms",
		"Longest pause between attempts to connect.").optional("60000").check(atLeast(0)).in("Connection")
	maxRetryTime = longKey("max.retry.time.ms",
		"How long connecting may fail before the task fails; -1 is for ever.").optional("-1").check(atLeast(-1)).in("Connection")
	connectFailFast = boolKey("mqtt.connect.fail.fast",
		"Fail the task when the broker's answer to the first connect cannot heal, such as a wrong password.").
		optional("true").in("Connection")
	userProperties = listKey("mqtt.user.properties",
		"User properties of CONNECT, as name=value.").optional("").rank(connect.Low).in("Connection")
	validateConnect = boolKey("mqtt.validate.connect",
		"Open a real connection when the configuration is validated.").optional("true").rank(connect.Low).in("Connection")

	sessionExpiry = longKey("mqtt.session.expiry.interval.seconds",
		"How long the broker keeps the session without a connection; 4294967295 is for ever.").
		optional("604800").check(between(0, 1<<32-1)).in("Session")
	receiveMaximum = intKey("mqtt.receive.maximum",
		"Messages of QoS 1 and 2 that may be unacknowledged: the window of the source.").
		optional("1000").check(between(1, 65535)).in("Session")
)

// Keys of the source.
var (
	sourceClean = boolKey("mqtt.clean.session.enabled",
		"Begin with a clean session: what was published while the connector was away is then lost.").optional("false").in("Session")
	mqttTopics = listKey("mqtt.topics", `MQTT topic filters to subscribe to; \, is a comma within a filter.`).
			rank(connect.High).in("Source")
	sourceQoS = intKey("mqtt.qos", "QoS to subscribe with.").optional("1").check(between(0, 2)).in("Source")
	dedupe    = boolKey("mqtt.dedupe.enabled",
		"Do not produce again what this task has already produced but could not acknowledge before the connection broke.").
		optional("true").in("Source")
	retainHandling = stringKey("mqtt.retain.handling",
		"When the broker sends retained messages: at each subscribe, at new subscriptions, never.").
		optional("if_new").check(oneOf("send", "if_new", "never")).in("Source")
	retainAsPublished = boolKey("mqtt.retain.as.published", "Keep the retain flag as it was published.").
				optional("true").rank(connect.Low).in("Source")

	kafkaTopic = stringKey("kafka.topic",
		"Kafka topic, or a template of ${topic}, ${topic[n]}, ${topic[a:b]}, ${user.NAME}, ${content.type}.").
		optional("").rank(connect.High).in("Mapping")
	topicRegexList = listKey("topic.regex.list",
		"kafkaTopic:regex entries; the first whose regex matches the whole MQTT topic wins, then kafka.topic.").
		optional("").in("Mapping")
	kafkaTopicUnmatched = stringKey("kafka.topic.unmatched",
		"What to do with a message that no rule gives a Kafka topic.").optional("fail").check(oneOf("fail", "drop")).in("Mapping")
	kafkaTopicReplacement = stringKey("kafka.topic.replacement",
		"What replaces characters that a Kafka topic may not have.").optional("_").in("Mapping")
	kafkaKey = stringKey("kafka.key", "Template of the record key; empty is null.").optional("${topic}").in("Mapping")

	payloadFormat = stringKey("mqtt.payload.format", "The value: bytes as they are, or string (UTF-8).").
			optional("bytes").check(oneOf("bytes", "string")).in("Mapping")
	headersEnabled = boolKey("mqtt.headers.enabled", "Add headers with the message's MQTT properties.").
			optional("true").in("Mapping")
	userPropertiesEnabled = boolKey("mqtt.user.properties.enabled", "Turn user properties into headers.").
				optional("true").in("Mapping")

	queueSize = intKey("records.buffer.queue.size", "Bound of the buffer in records.").
			optional("10000").check(atLeast(1)).in("Buffer")
	bufferBytes = longKey("mqtt.buffer.max.bytes", "Bound of the buffer in bytes.").
			optional("67108864").check(atLeast(1048576)).in("Buffer")
	batchSize = intKey("records.buffer.queue.max.batch.size", "Records of one poll.").
			optional("4096").check(atLeast(1)).in("Buffer")
	emptyTimeout = intKey("records.buffer.queue.empty.timeout", "Accepted without effect: a poll is woken by what arrives.").
			optional("100").check(atLeast(0)).in("Buffer")
	qos0Overflow = stringKey("mqtt.qos0.overflow", "When the buffer is full: block stops reading the socket.").
			optional("block").check(oneOf("block")).in("Buffer")
)

// Keys of the sink.
var (
	sinkClean = boolKey("mqtt.clean.session.enabled",
		"Begin with a clean session; the sink's memory is its Kafka offset.").optional("true").in("Session")
	mqttTopic = stringKey("mqtt.topic",
		"MQTT topic, or a template of ${kafka.topic}, ${key}, ${partition}, ${header.NAME}.").
		optional("${kafka.topic}").rank(connect.High).in("Sink")
	mqttTopicAlias   = stringKey("mqtt.topics", "Another name of mqtt.topic.").optional("").rank(connect.Low).in("Sink")
	topicAllowDollar = boolKey("mqtt.topic.allow.dollar", "Allow MQTT topics that begin with $.").
				optional("false").rank(connect.Low).in("Sink")
	sinkQoS  = intKey("mqtt.qos", "QoS to publish with.").optional("1").check(between(0, 2)).in("Sink")
	retained = boolKey("mqtt.retained.enabled",
		"Publish as retained messages. Confluent's default is true; a retained command is executed again by each device that reconnects.").
		optional("false").in("Sink")
	publishTimeout = longKey("mqtt.publish.timeout.ms",
		"How long the broker may take to acknowledge; then the sink reconnects and sends again.").
		optional("30000").check(atLeast(1)).in("Sink")
	maxInFlight = intKey("mqtt.max.in.flight",
		"Messages that may be unacknowledged; the broker's Receive Maximum may be less.").
		optional("1000").check(between(1, 65535)).in("Sink")
	nullValues = stringKey("behavior.on.null.values", "What a tombstone becomes.").
			optional("ignore").check(oneOf("ignore", "clear_retained", "publish_empty", "fail")).in("Sink")
	sinkPayloadFormat = stringKey("mqtt.payload.format",
		"The payload: auto takes bytes and strings as they are, numbers and booleans as text.").
		optional("auto").check(oneOf("auto", "bytes", "string")).in("Sink")
	sinkUserProperties = boolKey("mqtt.user.properties.enabled", "Turn headers into user properties.").optional("true").in("Sink")
)

// ignored are keys of Confluent's connectors that are accepted and have no effect.
var ignored = []connect.Definer{
	stringKey("confluent.license", "Ignored: Sluice needs no licence.").optional("").rank(connect.Low).in("Ignored"),
	listKey("confluent.topic.bootstrap.servers", "Ignored.").optional("").rank(connect.Low).in("Ignored"),
	stringKey("confluent.topic", "Ignored.").optional("").rank(connect.Low).in("Ignored"),
	stringKey("confluent.topic.replication.factor", "Ignored.").optional("").rank(connect.Low).in("Ignored"),
}

// connection is the keys of the connection, in the order in which they are shown.
var connection = []connect.Definer{
	serverURI, clientID, username, password, connectTimeout, keepAlive, pingTimeout, backoffFirst, backoffMax, maxRetryTime,
	connectFailFast, userProperties, validateConnect,
	sessionExpiry,
}
