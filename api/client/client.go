// Package client asks the REST API of a Kafka Connect cluster, Sluice's or Java's. It is what the commands of the command line stand on.
package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// requestTimeout is more than the 90 s that a worker takes at most.
	requestTimeout = 100 * time.Second
	// answerBytes bounds an answer: thousands of connectors with their statuses take a few MiB.
	answerBytes = 64 << 20
	// conflictPatience is for how long a request is repeated that a rebalance refuses.
	conflictPatience = 30 * time.Second
	// firstPause and lastPause bound the time between such tries.
	firstPause, lastPause = 100 * time.Millisecond, 2 * time.Second
)

// Options are how a client speaks to its worker. The zero value is without a login, and with the system's certificates.
type Options struct {
	TLS            *tls.Config // for https
	User, Password string      // basic authentication; none where User is empty
	Agent          string      // User-Agent
}

// Client asks one worker. It is safe for concurrent use.
type Client struct {
	base    string
	options Options
	http    http.Client
}

// New is a client of the worker at a URL such as http://127.0.0.1:8083.
func New(base string, o Options) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("this is not the URL of a worker: want http://host:port or https://host:port") // it may hold a password
	}
	if u.User != nil {
		return nil, errors.New("a login has no place in the URL of a worker, where others on this machine may read it")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = o.TLS
	c := &Client{base: strings.TrimSuffix(base, "/"), options: o, http: http.Client{Timeout: requestTimeout, Transport: transport}}
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // no worker redirects, and the login is for this one
	return c, nil
}

// URL is the worker's, without a slash at its end.
func (c *Client) URL() string { return c.base }

// At is a client of another worker of the same cluster, with the same login.
func (c *Client) At(base string) (*Client, error) { return New(base, c.options) }

// Reply is what an answer says beside its body.
type Reply struct {
	Code int
	// Warnings are findings that did not prevent acceptance: the headers Sluice-Warnings.
	Warnings []string
}

// ask sends a request, with a body unless it is nil, and decodes the answer's into what into points to, unless that is nil. What a rebalance refuses is
// asked again. Another answer than 2xx is a [*RefusedError].
func (c *Client) ask(ctx context.Context, method, path string, body, into any) (Reply, error) {
	var sent []byte
	if body != nil {
		var err error
		if sent, err = encode(body); err != nil {
			return Reply{}, fmt.Errorf("encoding the body for %s: %w", path, err)
		}
	}
	until := time.Now().Add(conflictPatience)
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		reply, answer, err := c.once(ctx, method, path, sent)
		if err != nil && passing(err, method) && time.Now().Add(pause).Before(until) {
			select {
			case <-time.After(pause):
				continue
			case <-ctx.Done():
			}
		}
		if err != nil || into == nil {
			return reply, err
		}
		if err := json.Unmarshal(answer, into); err != nil {
			return reply, fmt.Errorf("reading the answer for %s: is %s a Kafka Connect worker? %w", path, c.base, err)
		}
		return reply, nil
	}
}

func encode(body any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(body)
	return b.Bytes(), err
}

func (c *Client) once(ctx context.Context, method, path string, body []byte) (Reply, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return Reply{}, nil, fmt.Errorf("asking for %s: %w", path, err)
	}
	request.Header.Set("Accept", "application/json, text/plain;q=0.5")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.options.Agent != "" {
		request.Header.Set("User-Agent", c.options.Agent)
	}
	if c.options.User != "" {
		request.SetBasicAuth(c.options.User, c.options.Password)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return Reply{}, nil, &UnreachableError{URL: c.base, Cause: err}
	}
	defer func() { _ = response.Body.Close() }() // what matters is read
	answer, err := io.ReadAll(io.LimitReader(response.Body, answerBytes))
	if err != nil {
		return Reply{}, nil, &UnreachableError{URL: c.base, Cause: err}
	}
	reply := Reply{Code: response.StatusCode, Warnings: response.Header.Values("Sluice-Warnings")}
	if reply.Code < 200 || reply.Code > 299 {
		return reply, nil, refused(reply.Code, answer)
	}
	return reply, answer, nil
}

// get asks for a path and decodes the answer.
func (c *Client) get(ctx context.Context, path string, into any) error {
	_, err := c.ask(ctx, http.MethodGet, path, nil, into)
	return err
}

// of is a path under a connector's.
func of(connector, rest string) string { return "/connectors/" + url.PathEscape(connector) + rest }
