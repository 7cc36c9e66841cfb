package mqtt

import "github.com/sluice-connect/sluice/connect"

// Keys that the source and the sink share.
var (
	serverURI = listKey("mqtt.server.uri",
		"MQTT brokers of one cluster: tcp://host:1883, ssl://host:8883, ws://host/path or wss://host/path.").Importance(connect.High).Group("Connection", -1, connect.WidthMedium, "")
	serverStrategy = connect.StringKey("mqtt.server.uri.strategy", "In which order brokers are tried at each connect.").
			Default("ordered").Must(connect.OneOf("ordered", "random")).Group("Connection", -1, connect.WidthMedium, "")
	protocolVersion = connect.StringKey("mqtt.protocol.version",
		"auto tries MQTT 5 first, and 3.1.1 where the broker does not speak it.").
		Default("auto").Must(connect.OneOf("auto", "5", "3.1.1")).Group("Connection", -1, connect.WidthMedium, "")
	clientID = connect.StringKey("mqtt.client.id",
		"Base of the client ids; task n uses <base>-<n>. The connector's name where unset.").Default("").Group("Connection", -1, connect.WidthMedium, "")
	username     = connect.StringKey("mqtt.username", "User name.").Default("").Importance(connect.High).Group("Connection", -1, connect.WidthMedium, "")
	password     = connect.PasswordKey("mqtt.password", "Password.").Optional().Importance(connect.High).Group("Connection", -1, connect.WidthMedium, "")
	passwordFile = connect.StringKey("mqtt.password.file",
		"A file with the password, read again at each connect; a line end at its end is cut off.").Default("").Group("Connection", -1, connect.WidthMedium, "")
	websocketPath = connect.StringKey("mqtt.websocket.path", "Path of ws and wss URIs that have none.").
			Default("/mqtt").Must(beginsWithSlash).Group("Connection", -1, connect.WidthMedium, "")
	websocketHeaders = connect.PasswordKey("mqtt.websocket.headers", "Headers of the WebSocket's request, one `name: value` a line.").
				Optional().Group("Connection", -1, connect.WidthMedium, "")
	proxyURL = connect.PasswordKey("mqtt.proxy.url", "A proxy to the broker: http://, https:// (CONNECT) or socks5://, with user and password if it wants them.").
			Optional().Group("Connection", -1, connect.WidthMedium, "")

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
	followReference = connect.BoolKey("mqtt.server.reference.follow",
		"Connect where a broker sends us (MQTT 5 Server Reference), also if that is not in mqtt.server.uri.").
		Default(false).Importance(connect.Low).Group("Connection", -1, connect.WidthMedium, "")
	validateConnect = connect.BoolKey("mqtt.validate.connect",
		"Open a real connection when the configuration is validated.").Default(true).Importance(connect.Low).Group("Connection", -1, connect.WidthMedium, "")

	sessionExpiry = connect.LongKey("mqtt.session.expiry.interval.seconds",
		"How long the broker keeps the session without a connection; 4294967295 is for ever.").
		Default(604800).Must(connect.Between[int64](0, 1<<32-1)).Group("Session", -1, connect.WidthMedium, "")
)

// Keys of the presence that a task publishes about itself.
var (
	statusTopic = connect.StringKey("mqtt.status.topic",
		"Where a task publishes that it is connected, with a will for its death; ${client.id} is known. Empty for nowhere.").
		Default("").Group("Status", -1, connect.WidthMedium, "")
	statusOnline    = connect.StringKey("mqtt.status.online", "Payload after a connect.").Default("online").Group("Status", -1, connect.WidthMedium, "")
	statusOffline   = connect.StringKey("mqtt.status.offline", "Payload at the end, and of the will.").Default("offline").Group("Status", -1, connect.WidthMedium, "")
	statusQoS       = connect.IntKey("mqtt.status.qos", "QoS of these messages.").Default(1).Must(connect.Between(0, 2)).Group("Status", -1, connect.WidthMedium, "")
	statusRetained  = connect.BoolKey("mqtt.status.retained", "Whether the broker keeps the last one.").Default(true).Group("Status", -1, connect.WidthMedium, "")
	statusWillDelay = connect.IntKey("mqtt.status.will.delay.seconds",
		"How long the broker waits before it publishes the will (MQTT 5), so that a short drop is no death.").
		Default(30).Must(connect.AtLeast(0)).Group("Status", -1, connect.WidthMedium, "")
)

// Keys of Confluent's connectors that are accepted and have no effect.
var (
	licence = connect.StringKey("confluent.license", "Ignored: Sluice needs no licence.").Default("").Importance(connect.Low).
		Group("Ignored", -1, connect.WidthMedium, "")
	ignoredPrefixes = []string{"confluent.topic"}
)

// connection is the keys of the connection, in the order in which they are shown.
var connection = []connect.Definer{
	serverURI, serverStrategy, protocolVersion, clientID, username, password, passwordFile, connectTimeout, keepAlive, pingTimeout,
	backoffFirst, backoffMax, maxRetryTime, connectFailFast, websocketPath, websocketHeaders, proxyURL, userProperties,
	statusTopic, statusOnline, statusOffline, statusQoS, statusRetained, statusWillDelay, followReference, validateConnect,
	sessionExpiry,
}
