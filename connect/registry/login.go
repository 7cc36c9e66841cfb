package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/sluice-connect/sluice/connect"
)

var (
	basicSourceKey = connect.StringKey("basic.auth.credentials.source",
		"Where user and password come from: URL (before the host), USER_INFO (basic.auth.user.info) or SASL_INHERIT (sasl.jaas.config).").
		Default("URL").Must(connect.OneOf("", "URL", "USER_INFO", "SASL_INHERIT"))

	userInfoKey = connect.PasswordKey("basic.auth.user.info", "user:password, for the source USER_INFO.").Default("")

	longUserInfoKey = connect.PasswordKey("schema.registry.basic.auth.user.info", "An older name of basic.auth.user.info.").
			Default("").Importance(connect.Low)

	jaasKey = connect.PasswordKey("sasl.jaas.config", "A Kafka client's login with username and password, for the source SASL_INHERIT.").
		Default("").Importance(connect.Low)

	bearerSourceKey = connect.StringKey("bearer.auth.credentials.source",
		"Where a bearer token comes from: STATIC_TOKEN (bearer.auth.token) or OAUTHBEARER (bearer.auth.issuer.endpoint.url).").
		Default("").Must(connect.OneOf("", "STATIC_TOKEN", "OAUTHBEARER"))

	tokenKey = connect.PasswordKey("bearer.auth.token", "The token, for the source STATIC_TOKEN.").Default("")

	issuerKey = connect.StringKey("bearer.auth.issuer.endpoint.url", "Where tokens are fetched, for the source OAUTHBEARER.").
			Default("").Importance(connect.Low)

	clientIDKey     = connect.StringKey("bearer.auth.client.id", "The client's id at the issuer.").Default("").Importance(connect.Low)
	clientSecretKey = connect.PasswordKey("bearer.auth.client.secret", "The client's secret at the issuer.").Default("").Importance(connect.Low)
	scopeKey        = connect.StringKey("bearer.auth.scope", "The scope to ask the issuer for.").Default("").Importance(connect.Low)

	clusterKey = connect.StringKey("bearer.auth.logical.cluster", "The logical cluster of the registry, sent with a bearer token.").
			Default("").Importance(connect.Low)
	poolKey = connect.StringKey("bearer.auth.identity.pool.id", "The identity pool, sent with a bearer token.").Default("").Importance(connect.Low)
)

var loginKeys = []connect.Definer{
	basicSourceKey, userInfoKey, longUserInfoKey, jaasKey, bearerSourceKey, tokenKey, issuerKey, clientIDKey, clientSecretKey, scopeKey,
	clusterKey, poolKey,
}

// login puts credentials into requests. The zero login leaves them as they are.
type login struct {
	user, password string
	headers        map[string]string
	tokens         oauth2.TokenSource
}

// loginOf reads the login that the keys name beside the URLs. http fetches tokens.
func loginOf(cfg connect.Config, client *http.Client) (login, error) {
	bearer := bearerSourceKey.Get(cfg)
	if bearer != "" {
		if basicSourceKey.Set(cfg) {
			return login{}, &connect.ConfigError{Key: basicSourceKey.Name(), Reason: "only one of it and " + bearerSourceKey.Name() + " may be given"}
		}
		return bearerOf(cfg, bearer, client)
	}
	for _, k := range []connect.Key[string]{tokenKey, issuerKey} {
		if k.Set(cfg) {
			return login{}, &connect.ConfigError{Key: k.Name(), Reason: "it has no effect without " + bearerSourceKey.Name()}
		}
	}
	return basicOf(cfg)
}

func basicOf(cfg connect.Config) (login, error) {
	info := userInfoKey.Get(cfg)
	from := userInfoKey.Name()
	if info == "" {
		info = longUserInfoKey.Get(cfg)
	}
	switch basicSourceKey.Get(cfg) {
	case "USER_INFO":
	case "SASL_INHERIT":
		from = jaasKey.Name()
		user, password := jaasLogin(jaasKey.Get(cfg))
		if user == "" || password == "" {
			return login{}, &connect.ConfigError{Key: from, Reason: "it must give username and password, for SASL_INHERIT"}
		}
		return login{user: user, password: password}, nil
	default:
		if info != "" {
			return login{}, &connect.ConfigError{Key: from, Reason: "it has no effect unless " + basicSourceKey.Name() + " is USER_INFO"}
		}
		return login{}, nil
	}
	user, password, ok := strings.Cut(info, ":")
	if !ok {
		return login{}, &connect.ConfigError{Key: from, Reason: "it must be user:password"}
	}
	return login{user: user, password: password}, nil
}

var (
	jaasUser     = regexp.MustCompile(`\busername\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s;"']+))`)
	jaasPassword = regexp.MustCompile(`\bpassword\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s;"']+))`)
	jaasEscape   = regexp.MustCompile(`\\(.)`)
)

func jaasLogin(text string) (user, password string) {
	option := func(re *regexp.Regexp) string {
		m := re.FindStringSubmatch(text)
		if m == nil {
			return ""
		}
		return jaasEscape.ReplaceAllString(m[1], "$1") + m[2] + m[3]
	}
	return option(jaasUser), option(jaasPassword)
}

func bearerOf(cfg connect.Config, source string, client *http.Client) (login, error) {
	l := login{headers: map[string]string{}}
	for header, k := range map[string]connect.Key[string]{"target-sr-cluster": clusterKey, "Confluent-Identity-Pool-Id": poolKey} {
		if k.Set(cfg) {
			l.headers[header] = strings.TrimSpace(k.Get(cfg))
		}
	}
	if source == "STATIC_TOKEN" {
		token := strings.TrimSpace(tokenKey.Get(cfg))
		if token == "" {
			return login{}, &connect.ConfigError{Key: tokenKey.Name(), Reason: "it is missing, and " + bearerSourceKey.Name() + " is STATIC_TOKEN"}
		}
		l.tokens = oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token})
		return l, nil
	}
	for _, k := range []connect.Key[string]{issuerKey, clientIDKey, clientSecretKey} {
		if !k.Set(cfg) {
			return login{}, &connect.ConfigError{Key: k.Name(), Reason: "it is missing, and " + bearerSourceKey.Name() + " is OAUTHBEARER"}
		}
	}
	if _, err := parseURL(issuerKey.Get(cfg)); err != nil {
		return login{}, &connect.ConfigError{Key: issuerKey.Name(), Reason: err.Error()}
	}
	grant := clientcredentials.Config{
		ClientID: clientIDKey.Get(cfg), ClientSecret: clientSecretKey.Get(cfg), TokenURL: issuerKey.Get(cfg), Scopes: strings.Fields(scopeKey.Get(cfg)),
	}
	l.tokens = grant.TokenSource(context.WithValue(context.Background(), oauth2.HTTPClient, client))
	return l, nil
}

// sign puts the login into a request.
func (l login) sign(req *http.Request) error {
	for name, value := range l.headers {
		req.Header.Set(name, value)
	}
	if l.tokens == nil {
		if l.user != "" || l.password != "" {
			req.SetBasicAuth(l.user, l.password)
		}
		return nil
	}
	token, err := l.tokens.Token()
	if err != nil {
		return tokenError(err)
	}
	req.Header.Set("Authorization", "Bearer "+token.AccessToken)
	return nil
}

// tokenError leaves out the issuer's answer, which may repeat what it was sent.
func tokenError(err error) error {
	if refused := new(oauth2.RetrieveError); errors.As(err, &refused) && refused.Response != nil {
		return &Error{Status: refused.Response.StatusCode, Message: fmt.Sprintf("the issuer of tokens refuses: %s", refused.ErrorCode)}
	}
	return fmt.Errorf("fetching a token: %w", err)
}
