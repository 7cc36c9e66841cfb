package mqtt

import "github.com/sluice-connect/sluice/connect"

// Keys of the sink's messages.
var (
	mqttTopic = connect.StringKey("mqtt.topic",
		"MQTT topic, or a template of ${kafka.topic}, ${key}, ${partition}, ${header.NAME}, ${value.FIELD}; ${...:path} may bring slashes.").
		Default("${kafka.topic}").Importance(connect.High).Group("Sink", -1, connect.WidthMedium, "")
	mqttTopicAlias  = connect.StringKey("mqtt.topics", "Another name of mqtt.topic.").Default("").Importance(connect.Low).Group("Sink", -1, connect.WidthMedium, "")
	topicDotToSlash = connect.BoolKey("mqtt.topic.dot.to.slash", "Turn the dots of ${kafka.topic} into slashes.").
			Default(false).Group("Sink", -1, connect.WidthMedium, "")
	topicHeader = connect.StringKey("mqtt.topic.header", "Header with the MQTT topic, which wins over mqtt.topic; empty for none.").
			Default("").Group("Sink", -1, connect.WidthMedium, "")
	topicAllowDollar = connect.BoolKey("mqtt.topic.allow.dollar", "Allow MQTT topics that begin with $.").
				Default(false).Importance(connect.Low).Group("Sink", -1, connect.WidthMedium, "")
	sinkQoS   = connect.IntKey("mqtt.qos", "QoS to publish with.").Default(1).Must(connect.Between(0, 2)).Group("Sink", -1, connect.WidthMedium, "")
	qosHeader = connect.StringKey("mqtt.qos.header", "Header with a record's own QoS; empty for none.").
			Default("mqtt.qos").Group("Sink", -1, connect.WidthMedium, "")
	retained = connect.BoolKey("mqtt.retained.enabled",
		"Publish as retained messages. Confluent's default is true; a retained command is executed again by each device that reconnects.").
		Default(false).Group("Sink", -1, connect.WidthMedium, "")
	retainedHeader = connect.StringKey("mqtt.retained.header", "Header with a record's own retain flag; empty for none.").
			Default("mqtt.retained").Group("Sink", -1, connect.WidthMedium, "")
	messageExpiry = connect.LongKey("mqtt.message.expiry.interval.seconds", "How long the broker keeps a message for who is away (MQTT 5); -1 for ever.").
			Default(-1).Must(unsetOr(connect.Between[int64](1, 1<<32-1))).Group("Sink", -1, connect.WidthMedium, "")
	expiryHeader = connect.StringKey("mqtt.expiry.header", "Header with a record's own expiry in seconds; empty for none.").
			Default("mqtt.message.expiry.interval").Group("Sink", -1, connect.WidthMedium, "")
	contentType = connect.StringKey("mqtt.content.type", "Content type of messages whose record has none.").Default("").Group("Sink", -1, connect.WidthMedium, "")

	sinkPayloadFormat = connect.StringKey("mqtt.payload.format",
		"The payload: auto takes bytes and strings as they are, numbers and booleans as text, structs, maps and lists as JSON.").
		Default("auto").Must(connect.OneOf("auto", "bytes", "string", "json")).Group("Sink", -1, connect.WidthMedium, "")
	userPropertyHeaders = listKey("mqtt.user.properties.headers", "Headers that become user properties, as globs; empty for none.").
				Default("*").Group("Sink", -1, connect.WidthMedium, "")
	nonUTF8Header = connect.StringKey("mqtt.header.non.utf8", "Headers that are no text.").
			Default("base64").Must(connect.OneOf("base64", "drop", "fail")).Group("Sink", -1, connect.WidthMedium, "")
	addKey       = connect.BoolKey("mqtt.header.add.key", "Add the record's key as user property kafka.key.").Default(false).Group("Sink", -1, connect.WidthMedium, "")
	addTimestamp = connect.BoolKey("mqtt.header.add.timestamp", "Add the record's time as user property kafka.timestamp.").
			Default(false).Group("Sink", -1, connect.WidthMedium, "")
	responseTopic     = connect.StringKey("mqtt.response.topic", "Response topic of messages whose record has none (MQTT 5).").Default("").Group("Sink", -1, connect.WidthMedium, "")
	correlationHeader = connect.StringKey("mqtt.correlation.header", "Header that becomes the correlation data, where there is no mqtt.correlation.data.").
				Default("").Group("Sink", -1, connect.WidthMedium, "")
	nullValues = connect.StringKey("behavior.on.null.values", "What a tombstone becomes.").
			Default("ignore").Must(connect.OneOf("ignore", "clear_retained", "publish_empty", "fail")).Group("Sink", -1, connect.WidthMedium, "")
)

// Keys of how the sink publishes.
var (
	sinkClean = connect.BoolKey("mqtt.clean.session.enabled",
		"Begin with a clean session; the sink's memory is its Kafka offset.").Default(true).Group("Session", -1, connect.WidthMedium, "")
	staleAfter = connect.LongKey("mqtt.stale.after.ms",
		"Records older than that are skipped, so that an outage does not end in yesterday's commands; -1 for none.").
		Default(-1).Must(connect.AtLeast(-1)).Group("Sink", -1, connect.WidthMedium, "")
	publishTimeout = connect.LongKey("mqtt.publish.timeout.ms",
		"How long the broker may take to acknowledge; then the sink reconnects and sends again.").
		Default(30000).Must(connect.AtLeast(1)).Group("Sink", -1, connect.WidthMedium, "")
	maxInFlight = connect.IntKey("mqtt.max.in.flight",
		"Messages that may be unacknowledged; the broker's Receive Maximum may be less.").
		Default(1000).Must(connect.Between(1, 65535)).Group("Sink", -1, connect.WidthMedium, "")
	topicAliases = connect.BoolKey("mqtt.topic.alias.enabled", "Replace topics that come again by numbers, as many as the broker takes (MQTT 5).").
			Default(true).Importance(connect.Low).Group("Sink", -1, connect.WidthMedium, "")
	rateMessages = connect.LongKey("mqtt.rate.limit.messages.per.second", "Messages a second and task at most; -1 for no limit.").
			Default(-1).Must(unsetOr(connect.AtLeast(1))).Group("Sink", -1, connect.WidthMedium, "")
	rateBytes = connect.LongKey("mqtt.rate.limit.bytes.per.second", "Bytes of topics and payloads a second and task at most; -1 for no limit.").
			Default(-1).Must(unsetOr(connect.AtLeast(1))).Group("Sink", -1, connect.WidthMedium, "")
	noSubscribers = connect.StringKey("behavior.on.no.subscribers",
		"When the broker says that nobody has subscribed (MQTT 5, QoS 1 and 2): ignore; retry holds back the record and all of its key until "+
			"mqtt.stale.after.ms; fail hands it to the error handling.").
		Default("ignore").Must(connect.OneOf("ignore", "retry", "fail")).Group("Sink", -1, connect.WidthMedium, "")
)

// sinkKeys are the keys that only the sink has, in the order in which they are shown.
var sinkKeys = []connect.Definer{
	sinkClean, mqttTopic, mqttTopicAlias, topicDotToSlash, topicHeader, topicAllowDollar, sinkQoS, qosHeader, retained, retainedHeader,
	messageExpiry, expiryHeader, staleAfter, publishTimeout, maxInFlight, topicAliases, rateMessages, rateBytes,
	sinkPayloadFormat, contentType, userPropertyHeaders, nonUTF8Header, addKey, addTimestamp, cloudEvents, responseTopic, correlationHeader,
	nullValues, noSubscribers, loopID,
}
