package mqtt

import "fmt"

// refusal is an answer of the broker that ends an attempt.
type refusal struct {
	server server
	user   string
	code   byte
	reason string // what the broker says itself; may be empty
	// elsewhere are the servers that the broker names instead, separated by blanks.
	elsewhere string
}

// Error names the broker, the cause and the key to change.
func (r *refusal) Error() string {
	answer, ok := connackAnswers[r.code]
	if !ok {
		answer = connackAnswer{text: fmt.Sprintf("reason code 0x%02X", r.code)}
	}
	text := fmt.Sprintf("MQTT broker %s refused user %q: %s", r.server, r.user, answer.text)
	if r.reason != "" && r.reason != answer.text {
		text += " (" + r.reason + ")"
	}
	if answer.fix != "" {
		text += ": check " + answer.fix
	}
	return text
}

// heals reports whether the same CONNECT may be accepted later without anybody changing the configuration.
func (r *refusal) heals() bool { return !connackAnswers[r.code].final }

// connackAnswer says what a reason code of CONNACK means to whoever runs the connector (MQTT 5 3.2.2.2).
type connackAnswer struct {
	text  string
	fix   string
	key   string
	final bool
}

var connackAnswers = map[byte]connackAnswer{
	0x84: {"unsupported protocol version", "that the broker speaks MQTT 5", "mqtt.server.uri", true},
	0x85: {"client id not valid", "mqtt.client.id", "mqtt.client.id", true},
	0x86: {"bad user name or password", "mqtt.username and mqtt.password", "mqtt.password", true},
	0x87: {"not authorized", "mqtt.username, mqtt.password and the broker's access rules", "mqtt.username", true},
	0x88: {text: "server unavailable"},
	0x89: {text: "server busy"},
	0x8A: {"banned", "mqtt.client.id and mqtt.username with the broker's operator", "mqtt.username", true},
	0x8C: {"bad authentication method", "which methods the broker wants", "mqtt.username", true},
	0x95: {text: "packet too large"},
	0x97: {text: "quota exceeded"},
	0x9C: {"use another server", "mqtt.server.uri", "mqtt.server.uri", false},
	0x9D: {"server moved", "mqtt.server.uri", "mqtt.server.uri", false},
	0x9F: {text: "connection rate exceeded"},
}
