package kafkaclient

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/connect/jaas"
)

// tokens gets bearer tokens for SASL/OAUTHBEARER: from an identity provider by client credentials (KIP-768), from a file, or, for tests
// of brokers that check no signature, unsigned ones. A token is kept until the refresh window. Safe for concurrent use.
type tokens struct {
	endpoint   *url.URL // nil: unsigned tokens
	http       *http.Client
	id, secret string
	encode     bool // the id and secret in the header, as RFC 6749 2.3.1 wants and many providers do not
	scope      string
	unsigned   string // the subject of unsigned tokens
	extensions map[string]string
	window     float64 // the part of a token's life after which it is fetched anew

	mu      sync.Mutex
	current string
	renewAt time.Time
}

// oauth reads the options of OAuthBearerLoginModule and the sasl.oauthbearer keys.
func (r *reader) oauth(l jaas.Login, c *sarama.Config) sarama.AccessTokenProvider {
	for _, key := range []string{"sasl.login.callback.handler.class", "sasl.oauthbearer.jwt.retriever.class"} {
		switch class := r.text(key, ""); class[strings.LastIndexByte(class, '.')+1:] {
		case "", "OAuthBearerLoginCallbackHandler", "DefaultJwtRetriever", "ClientCredentialsJwtRetriever", "FileJwtRetriever":
		default:
			r.fail(key, errors.New(noJavaClass))
		}
	}
	t := &tokens{
		id:         r.text("sasl.oauthbearer.client.credentials.client.id", l.Options["clientId"]),
		secret:     r.text("sasl.oauthbearer.client.credentials.client.secret", l.Options["clientSecret"]),
		scope:      r.text("sasl.oauthbearer.scope", l.Options["scope"]),
		encode:     r.flag("sasl.oauthbearer.header.urlencode", false),
		unsigned:   l.Options["unsecuredLoginStringClaim_sub"],
		extensions: map[string]string{},
		window:     r.fraction("sasl.login.refresh.window.factor", 0.8, 0.5, 1),
		http:       &http.Client{Timeout: r.millis("sasl.login.read.timeout.ms", 0, 0) + r.millis("sasl.login.connect.timeout.ms", 10*time.Second, 0)},
	}
	for name, value := range l.Options {
		for _, prefix := range []string{"extension_", "unsecuredLoginExtension_"} {
			if short, ok := strings.CutPrefix(name, prefix); ok {
				t.extensions[short] = value
			}
		}
	}
	r.tokenSource(t, c)
	return t
}

func (r *reader) tokenSource(t *tokens, c *sarama.Config) {
	const key = "sasl.oauthbearer.token.endpoint.url"
	if !r.given(key) {
		if t.unsigned == "" {
			r.fail(key, errors.New("it is missing: tokens are fetched there"))
		}
		return
	}
	u, err := url.Parse(r.text(key, ""))
	if err != nil || (u.Scheme != "https" && u.Scheme != "http" && u.Scheme != "file") {
		r.fail(key, errors.New("it must be an https, http or file URL"))
		return
	}
	t.endpoint = u
	if u.Scheme != "file" && (t.id == "" || t.secret == "") {
		r.fail("sasl.jaas.config", errors.New("it must give clientId and clientSecret"))
	}
	if c.Net.TLS.Config != nil { // the identity provider is reached with the same trust as the broker, as in Java
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.TLSClientConfig = c.Net.TLS.Config.Clone()
		t.http.Transport = transport
	}
}

// Token implements [sarama.AccessTokenProvider].
func (t *tokens) Token() (*sarama.AccessToken, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current == "" || !time.Now().Before(t.renewAt) {
		token, life, err := t.fetch()
		if err != nil {
			return nil, fmt.Errorf("getting a token for the Kafka login: %w", err)
		}
		t.current = token
		t.renewAt = time.Now().Add(time.Duration(float64(life) * t.window))
	}
	return &sarama.AccessToken{Token: t.current, Extensions: t.extensions}, nil
}

const (
	maxToken     = 1 << 20 // bytes of an identity provider's answer
	defaultLife  = 5 * time.Minute
	unsignedLife = time.Hour
)

func (t *tokens) fetch() (token string, life time.Duration, err error) {
	switch {
	case t.endpoint == nil:
		return t.unsignedToken(), unsignedLife, nil
	case t.endpoint.Scheme == "file":
		raw, err := os.ReadFile(t.endpoint.Path)
		if err != nil {
			return "", 0, err
		}
		return strings.TrimSpace(string(raw)), 0, nil // read again at every login: whoever writes the file renews it
	}
	return t.request()
}

// request is the client credentials grant of RFC 6749 4.4.
func (t *tokens) request() (string, time.Duration, error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	if t.scope != "" {
		form.Set("scope", t.scope)
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, t.endpoint.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return "", 0, err
	}
	id, secret := t.id, t.secret
	if t.encode {
		id, secret = url.QueryEscape(id), url.QueryEscape(secret)
	}
	req.SetBasicAuth(id, secret)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	resp, err := t.http.Do(req)
	if err != nil {
		return "", 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxToken))
	if err != nil {
		return "", 0, err
	}
	if resp.StatusCode != http.StatusOK {
		return "", 0, fmt.Errorf("%s answers %s", t.endpoint.Redacted(), resp.Status)
	}
	var answer struct {
		AccessToken string  `json:"access_token"`
		ExpiresIn   float64 `json:"expires_in"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.AccessToken == "" {
		return "", 0, fmt.Errorf("%s answers without an access_token", t.endpoint.Redacted())
	}
	life := defaultLife
	if answer.ExpiresIn > 0 {
		life = time.Duration(answer.ExpiresIn * float64(time.Second))
	}
	return answer.AccessToken, life, nil
}

// unsignedToken is a JWT of algorithm none, as Kafka's own unsecured login makes it.
func (t *tokens) unsignedToken() string {
	now := time.Now()
	claims, _ := json.Marshal(struct {
		Subject string `json:"sub"`
		Issued  int64  `json:"iat"`
		Expires int64  `json:"exp"`
	}{t.unsigned, now.Unix(), now.Add(unsignedLife).Unix()}) // a struct of text and numbers always marshals
	part := base64.RawURLEncoding.EncodeToString
	return part([]byte(`{"alg":"none"}`)) + "." + part(claims) + "."
}
