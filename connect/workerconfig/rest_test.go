package workerconfig

import (
	"crypto/tls"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRESTHasKafkaConnectsDefaults(t *testing.T) {
	w, err := Parse(Distributed, distributed(nil))
	require.NoError(t, err)
	require.Equal(t, []string{"http://:8083"}, w.Listeners)
	require.False(t, w.AdminApart)
	require.Empty(t, w.Headers)
	require.Empty(t, w.AllowOrigins)
	require.Equal(t, tls.NoClientCert, w.TLS.ClientAuth)
}

func TestRESTsKeysAreRead(t *testing.T) {
	w, err := Parse(Distributed, distributed(Properties{
		"listeners": "http://a:1, https://b:2", "admin.listeners": "", "rest.advertised.listener": "HTTPS", "access.control.allow.origin": "http://a, http://b",
		"access.control.allow.methods": "GET,PUT", "rest.extension.classes": BasicAuth, "sluice.rest.jaas.file": "/j", "sluice.rest.readonly.users": "a, b",
		"sluice.log.level": "Debug", "sluice.log.format": "json", "ssl.client.auth": "requested",
	}))
	require.NoError(t, err)
	require.True(t, w.AdminApart, "an empty list is a list")
	require.Empty(t, w.AdminListeners)
	require.Equal(t, "https", w.AdvertisedListener)
	require.Equal(t, []string{"http://a", "http://b"}, w.AllowOrigins)
	require.Equal(t, []string{"GET", "PUT"}, w.AllowMethods)
	require.Equal(t, []string{BasicAuth}, w.Extensions)
	require.Equal(t, "/j", w.JAASFile)
	require.Equal(t, []string{"a", "b"}, w.ReadOnlyUsers)
	require.Equal(t, "Debug", w.LogLevel)
	require.Equal(t, "json", w.LogFormat)
	require.Equal(t, tls.VerifyClientCertIfGiven, w.TLS.ClientAuth)
}

func TestTheTLSOfListenersIsAllWithAPrefixOrAllWithout(t *testing.T) {
	p := distributed(Properties{"ssl.keystore.location": "/own.p12", "ssl.keystore.password": "hunter22", "ssl.truststore.location": "/trust.p12", "ssl.client.auth": "required"})
	w, err := Parse(Distributed, p)
	require.NoError(t, err)
	require.Equal(t, "/own.p12", w.TLS.Stores.KeyStore.Location.Value)
	require.Equal(t, "ssl.keystore.location", w.TLS.Stores.KeyStore.Location.Key)
	require.Equal(t, tls.RequireAndVerifyClientCert, w.TLS.ClientAuth)

	p["listeners.https.ssl.keystore.location"] = "/rest.p12"
	p["admin.listeners.https.ssl.client.auth"] = "requested"
	w, err = Parse(Distributed, p)
	require.NoError(t, err)
	require.Equal(t, "/rest.p12", w.TLS.Stores.KeyStore.Location.Value)
	require.Equal(t, "listeners.https.ssl.keystore.location", w.TLS.Stores.KeyStore.Location.Key)
	require.Empty(t, w.TLS.Stores.TrustStore.Location.Value, "one key with the prefix, and none without counts")
	require.Equal(t, tls.NoClientCert, w.TLS.ClientAuth)
	require.Empty(t, w.AdminTLS.Stores.KeyStore.Location.Value)
	require.Equal(t, tls.VerifyClientCertIfGiven, w.AdminTLS.ClientAuth)
	require.NotContains(t, w.Properties.Clients(), "listeners.https.ssl.keystore.location")
	require.True(t, Knows(Standalone, "admin.listeners.https.ssl.keystore.type"))
}

func TestBadValuesOfRESTAreNamed(t *testing.T) {
	for key, values := range map[string]map[string]string{
		"ssl.client.auth":                                       {"maybe": "String must be one of: required, requested, none"},
		"listeners.https.ssl.client.auth":                       {"maybe": "String must be one of: required, requested, none"},
		"rest.advertised.listener":                              {"ftp": "want http or https"},
		"rest.advertised.port":                                  {"0": "want a port from 1 to 65535"},
		"sluice.log.level":                                      {"loud": "String must be one of"},
		"sluice.log.format":                                     {"xml": "String must be one of: text, json"},
		"sluice.rest.readonly.users":                            {"a": "nobody has to log in: set rest.extension.classes"},
		"listeners.https.ssl.endpoint.identification.algorithm": {"ldaps": "it must be https, or empty"},
		"response.http.headers.config": {
			"set":                 "Invalid format of header config 'set'. Expected: '[action] [header name]:[header value]'",
			"put X: 1":            "Invalid header config action: 'put'. Expected one of [set, add, setDate, addDate]",
			"set X 1":             "Invalid format of header name and header value pair 'X 1'. Expected: '[header name]:[header value]'",
			"set X:":              "Invalid format of header name and header value pair 'X:'",
			"set X: http://y":     "Invalid format of header name and header value pair",
			"set A B: 1":          "Invalid header name 'A B'. The '[header name]' cannot contain whitespace",
			"set A: 1, set B":     "Invalid format of header name",
			"set A(: 1":           "no name of a header",
			"setDate A: tomorrow": "not a number of milliseconds",
			`"set A: 1`:           "not a list separated by commas",
		},
	} {
		for value, says := range values {
			_, err := Parse(Distributed, distributed(Properties{key: value}))
			assert.ErrorContains(t, err, says, key+"="+value)
			assert.ErrorContains(t, err, key)
		}
	}
}

func TestHeaderRulesDoWhatJettysDo(t *testing.T) {
	rules, err := parseHeaderRules(`add X-One: 1, "set Cache-Control: no-cache, no-store",ADD x-one:2,setDate Expires: 31540000000,addDate Last: 0, Set X-Two:two`)
	require.NoError(t, err)
	h := http.Header{"X-Two": {"before"}}
	rules.Apply(h, time.Date(2026, 11, 29, 6, 0, 15, 0, time.UTC))
	require.Equal(t, http.Header{
		"X-One": {"1", "2"}, "Cache-Control": {"no-cache, no-store"}, "Expires": {"Mon, 29 Nov 2027 07:06:55 GMT"}, "Last": {"Sun, 29 Nov 2026 06:00:15 GMT"},
		"X-Two": {"two"},
	}, h)
}
