package mqtt

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// server is one address of the broker.
type server struct {
	uri  string // as configured
	host string
	addr string
	tls  bool
	path string // of a WebSocket; "" for plain TCP
}

func (s server) String() string { return s.uri }

// schemes are the transports, each with its default port.
var schemes = map[string]struct {
	port string
	tls  bool
	web  bool
}{
	"tcp": {port: "1883"}, "mqtt": {port: "1883"},
	"ssl": {port: "8883", tls: true}, "tls": {port: "8883", tls: true}, "mqtts": {port: "8883", tls: true},
	"ws": {port: "80", web: true}, "wss": {port: "443", tls: true, web: true},
}

// parseServer reads an entry of mqtt.server.uri. path is that of WebSockets whose URI has none. Its errors are complete sentences about that entry.
func parseServer(text, path string) (server, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return server{}, fmt.Errorf("%q is not a broker's URI: write tcp://host:1883, ssl://host:8883 or wss://host/path", redact(text))
	}
	if u.User != nil {
		return server{}, errors.New("a URI must not carry a user name or password: use mqtt.username and mqtt.password")
	}
	scheme, ok := schemes[strings.ToLower(u.Scheme)]
	if !ok {
		return server{}, fmt.Errorf("%s has an unknown transport %q: use tcp, mqtt, ssl, tls, mqtts, ws or wss", text, u.Scheme)
	}
	port := u.Port()
	if port == "" {
		port = scheme.port
	}
	s := server{uri: text, host: u.Hostname(), addr: net.JoinHostPort(u.Hostname(), port), tls: scheme.tls}
	switch {
	case scheme.web && (u.Path == "" || u.Path == "/"):
		s.path = path
	case scheme.web:
		s.path = u.RequestURI()
	case u.Path != "" && u.Path != "/":
		return server{}, fmt.Errorf("%s has a path, which only ws and wss have", text)
	}
	return s, nil
}

// redact cuts what may be a user name and password out of a URI that does not parse.
func redact(text string) string {
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		return "..." + text[at:]
	}
	return text
}
