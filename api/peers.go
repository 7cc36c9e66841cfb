package api

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/certstore"
	"github.com/sluice-connect/sluice/connect/herder"
)

// Peers carries requests to the other workers of a cluster, as org.apache.kafka.connect.runtime.rest.RestClient does. It is safe for
// concurrent use.
type Peers struct {
	client   *http.Client
	settings certstore.Config

	mu     sync.Mutex
	dialer *certstore.Dialer // nil until the stores could be read
}

// NewPeers returns a carrier that meets workers with https as this worker's own clients are met: with its certificate, trusting whom it trusts.
// The stores are read when the first such worker is asked.
func NewPeers(settings certstore.Config) *Peers {
	p := &Peers{settings: settings}
	p.client = &http.Client{
		Transport: &http.Transport{
			DialContext: (&net.Dialer{Timeout: peerDialTimeout}).DialContext, DialTLSContext: p.dialTLS, IdleConnTimeout: idleTimeout / 2,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return p
}

// peerDialTimeout is how long connecting to another worker may take.
const peerDialTimeout = 15 * time.Second

// dialTLS makes each connection with the certificates of the moment.
func (p *Peers) dialTLS(ctx context.Context, network, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	config, err := p.tlsFor(host)
	if err != nil {
		return nil, fmt.Errorf("reading the TLS settings: %w", err)
	}
	d := tls.Dialer{NetDialer: &net.Dialer{Timeout: peerDialTimeout}, Config: config}
	return d.DialContext(ctx, network, addr)
}

// tlsFor is the TLS of a connection to a host. Stores that could not be read are read at the next try.
func (p *Peers) tlsFor(host string) (_ *tls.Config, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dialer == nil {
		if p.dialer, err = p.settings.Dialer(); err != nil {
			p.dialer = nil
			return nil, err
		}
	}
	return p.dialer.Config(host), nil
}

// reply is another worker's answer.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// ask makes a request of another worker. header is the incoming request's, of which only the authorization goes along; nil for none.
func (p *Peers) ask(ctx context.Context, method, url string, header http.Header, body []byte, sign *herder.Signature) (*reply, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, &httpError{http.StatusInternalServerError, "Error trying to forward REST request: " + err.Error()}
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "kafka-connect")
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	if login := header.Get("Authorization"); login != "" {
		req.Header.Set("Authorization", login)
	}
	if sign != nil {
		req.Header.Set(herder.SignatureHeader, sign.Encoded())
		req.Header.Set(herder.SignatureAlgorithmHeader, sign.Algorithm)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return nil, forwardError(err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(resp.Body, replyLimit))
	if err != nil {
		return nil, forwardError(err)
	}
	return &reply{status: resp.StatusCode, header: resp.Header, body: data}, nil
}

// replyLimit bounds what another worker may answer.
const replyLimit = 64 << 20

func forwardError(err error) error {
	return &httpError{http.StatusInternalServerError, "IO Error trying to forward REST request: " + err.Error()}
}

// SubmitTasks implements [herder.Peers].
func (p *Peers) SubmitTasks(ctx context.Context, url, connector string, tasks []connect.Config,
	sign func(body []byte) (*herder.Signature, error)) error {
	if tasks == nil {
		tasks = []connect.Config{}
	}
	if err := p.internal(ctx, http.MethodPost, url, connector, "tasks", encode(tasks), sign); err != nil {
		return fmt.Errorf("handing tasks to the leader at %s: %w", url, err)
	}
	return nil
}

// FenceZombies implements [herder.Peers].
func (p *Peers) FenceZombies(ctx context.Context, url, connector string, sign func(body []byte) (*herder.Signature, error)) error {
	if err := p.internal(ctx, http.MethodPut, url, connector, "fence", nil, sign); err != nil {
		return fmt.Errorf("asking the leader at %s to fence zombies: %w", url, err)
	}
	return nil
}

// InternalTopics implements [herder.Peers].
func (p *Peers) InternalTopics(ctx context.Context, url string, sign func(body []byte) (*herder.Signature, error)) (*herder.InternalTopics, error) {
	signature, err := sign([]byte(herder.InternalTopicsPath))
	if err != nil {
		return nil, fmt.Errorf("signing the request: %w", err)
	}
	answer, err := p.ask(ctx, http.MethodGet, strings.TrimSuffix(url, "/")+herder.InternalTopicsPath, nil, nil, signature)
	if err != nil {
		return nil, err
	}
	switch answer.status {
	case http.StatusOK:
		topics := new(herder.InternalTopics)
		if err := json.Unmarshal(answer.body, topics); err != nil {
			return nil, fmt.Errorf("reading the answer: %w", err)
		}
		return topics, nil
	case http.StatusNotFound:
		return nil, herder.ErrUntold
	}
	return nil, fmt.Errorf("it answered %d: %s", answer.status, answer.message())
}

// internal makes a signed request of the leader.
func (p *Peers) internal(ctx context.Context, method, url, connector, what string, body []byte,
	sign func(body []byte) (*herder.Signature, error)) error {
	signature, err := sign(body)
	if err != nil {
		return fmt.Errorf("signing the request: %w", err)
	}
	at := strings.TrimSuffix(url, "/") + "/connectors/" + escape(connector) + "/" + what + "?forward=true"
	answer, err := p.ask(ctx, method, at, nil, body, signature)
	if err != nil {
		return err
	}
	switch {
	case answer.status == http.StatusForbidden:
		return fmt.Errorf("it answered 403: %w", &herder.ForgedError{})
	case answer.status >= http.StatusMultipleChoices:
		return fmt.Errorf("it answered %d: %s", answer.status, answer.message())
	}
	return nil
}

// message is the text of an error body.
func (r *reply) message() string {
	var body errorBody
	if json.Unmarshal(r.body, &body) == nil && body.Message != "" {
		return body.Message
	}
	return strings.TrimSpace(string(r.body[:min(len(r.body), 300)]))
}
