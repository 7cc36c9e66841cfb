package workerconfig

import (
	"crypto/tls"
	"errors"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/certstore"
)

// REST is where and how a worker serves its REST API (org.apache.kafka.connect.runtime.rest.RestServerConfig).
type REST struct {
	Listeners          []string
	AdvertisedHost     string
	AdvertisedPort     int
	AdvertisedListener string // http or https, in any case; "" for the first that there is
	// AdminApart is true where /admin is not on the listeners but on AdminListeners, which may be none (admin.listeners).
	AdminApart     bool
	AdminListeners []string
	// TLS is of the listeners and of requests to other workers; AdminTLS of the admin listeners. Each has the keys of its prefix, or the unprefixed
	// ones where there is none with the prefix.
	TLS, AdminTLS ListenerTLS
	AllowOrigins  []string // access.control.allow.origin: * or patterns
	AllowMethods  []string
	Headers       HeaderRules
	Extensions    []string // rest.extension.classes
	JAASFile      string   // sluice.rest.jaas.file
	ReadOnlyUsers []string // sluice.rest.readonly.users
}

// ListenerTLS is the TLS of https listeners.
type ListenerTLS struct {
	Stores     certstore.Config
	ClientAuth tls.ClientAuthType
}

// Prefixes of the TLS of listeners.
const (
	listenersTLS      = "listeners.https."
	adminListenersTLS = "admin.listeners.https."
)

// Keys of REST.
var (
	listeners      = connect.ListKey("listeners", "Where REST listens: http or https.").Default([]string{"http://:8083"})
	advertisedHost = connect.StringKey("rest.advertised.host.name", "Host that other workers are given.").Optional()
	advertisedPort = connect.IntKey("rest.advertised.port", "Port that other workers are given.").Optional().Must(port)
	advertised     = connect.StringKey("rest.advertised.listener", "Which listener is advertised: http or https.").Optional().Must(scheme)
	adminListeners = connect.ListKey("admin.listeners", "Where /admin listens, instead of where REST does. Empty turns it off.").Optional()
	clientAuth     = connect.StringKey("ssl.client.auth", "Whether clients need certificates.").Default("none").Must(connect.OneOf("required", "requested", "none"))
	allowOrigin    = connect.ListKey("access.control.allow.origin", "Origins of pages whose scripts may ask: * or patterns.").Default(nil)
	allowMethods   = connect.ListKey("access.control.allow.methods", "With which methods they may.").Default(nil)
	headerRules    = connect.StringKey("response.http.headers.config", "Headers for every answer.").Default("").Must(headersParse)
	extensions     = connect.ListKey("rest.extension.classes", "Who has to log in.").Default(nil)
	jaasFile       = connect.StringKey("sluice.rest.jaas.file", "The file that says where the logins are.").Optional()
	readOnlyUsers  = connect.ListKey("sluice.rest.readonly.users", "Users who may read and not write.").Default(nil)
)

var restKeys = connect.NewSpec("", "", listeners, advertisedHost, advertisedPort, advertised, adminListeners, clientAuth, allowOrigin, allowMethods,
	headerRules, extensions, jaasFile, readOnlyUsers).Keys

func headersParse(v connect.Value) error {
	_, err := parseHeaderRules(v.Str())
	return err
}

// port is one that others can connect to, if it is given.
func port(v connect.Value) error {
	if v.IsNull() {
		return nil
	}
	if n := v.Int64(); n < 1 || n > 65535 {
		return errors.New("want a port from 1 to 65535")
	}
	return nil
}

// scheme is that of a listener, if it is given.
func scheme(v connect.Value) error {
	if !v.IsNull() && !strings.EqualFold(v.Str(), "http") && !strings.EqualFold(v.Str(), "https") {
		return errors.New("want http or https")
	}
	return nil
}

// parseREST reads checked properties. Certificates are not read yet.
func parseREST(p Properties) (REST, error) {
	cfg := connect.Config(p)
	r := REST{
		Listeners:          listeners.Get(cfg),
		AdvertisedHost:     advertisedHost.Get(cfg),
		AdvertisedPort:     advertisedPort.Get(cfg),
		AdvertisedListener: strings.ToLower(advertised.Get(cfg)),
		AdminListeners:     adminListeners.Get(cfg),
		AllowOrigins:       allowOrigin.Get(cfg),
		AllowMethods:       allowMethods.Get(cfg),
		Extensions:         extensions.Get(cfg),
		JAASFile:           jaasFile.Get(cfg),
		ReadOnlyUsers:      readOnlyUsers.Get(cfg),
	}
	_, r.AdminApart = p["admin.listeners"]
	var errs [4]error
	r.Headers, errs[0] = parseHeaderRules(headerRules.Get(cfg))
	r.TLS, errs[1] = listenerTLS(p, listenersTLS)
	r.AdminTLS, errs[2] = listenerTLS(p, adminListenersTLS)
	if len(r.ReadOnlyUsers) > 0 && len(r.Extensions) == 0 {
		errs[3] = errors.New("sluice.rest.readonly.users: nobody has to log in: set rest.extension.classes to " + BasicAuth)
	}
	return r, errors.Join(errs[:]...)
}

// BasicAuth is the one REST extension that is here.
const BasicAuth = "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension"

// listenerTLS reads the keys with a prefix, or those without where none has it (AbstractConfig.valuesWithPrefixAllOrNothing).
func listenerTLS(p Properties, prefix string) (ListenerTLS, error) {
	if len(p.Under(prefix)) == 0 {
		prefix = ""
	}
	stores, err := certstore.FromProperties(p, prefix)
	if err != nil {
		return ListenerTLS{}, err
	}
	t := ListenerTLS{Stores: stores}
	switch auth := strings.TrimSpace(p[prefix+"ssl.client.auth"]); auth {
	case "", "none":
	case "requested":
		t.ClientAuth = tls.VerifyClientCertIfGiven
	case "required":
		t.ClientAuth = tls.RequireAndVerifyClientCert
	default:
		return ListenerTLS{}, words("Invalid value %s for configuration %sssl.client.auth: String must be one of: required, requested, none", auth, prefix)
	}
	return t, nil
}

// ofListeners tells the keys of the TLS of listeners.
func ofListeners(key string) bool {
	return strings.HasPrefix(key, listenersTLS) || strings.HasPrefix(key, adminListenersTLS)
}
