package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/sluice-connect/sluice/connect"
)

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 16 << 20

// client asks one of several URLs, and goes on with the next when that one does not answer.
type client struct {
	urls    []*sr.Client
	shown   []string // for errors, without logins
	current int
	timeout time.Duration
}

func newClient(cfg connect.Config) (*client, error) {
	settings, err := tlsOf(cfg)
	if err != nil {
		return nil, err
	}
	connecting, reading := milliseconds(connectTimeoutKey.Get(cfg)), milliseconds(readTimeoutKey.Get(cfg))
	// Requests are few, one for each schema: without keep-alive no connection outlives its request, and nothing has to be closed.
	transport := &http.Transport{
		Proxy: proxyOf(cfg), DialContext: (&net.Dialer{Timeout: connecting}).DialContext, TLSClientConfig: settings,
		TLSHandshakeTimeout: connecting, ResponseHeaderTimeout: reading, DisableKeepAlives: true,
	}
	c := &client{timeout: connecting + reading}
	web := &http.Client{Transport: bounded{transport}, Timeout: c.timeout}
	named, err := loginOf(cfg, web)
	if err != nil {
		return nil, err
	}
	for _, text := range urlKey.Get(cfg) {
		u, err := parseURL(text)
		if err != nil {
			return nil, &connect.ConfigError{Key: urlKey.Name(), Reason: err.Error()}
		}
		own := named
		if u.User != nil {
			if own.tokens == nil && own.user == "" {
				own.user = u.User.Username()
				own.password, _ = u.User.Password()
			}
			u.User = nil
		}
		one, err := sr.NewClient(sr.URLs(u.String()), sr.HTTPClient(web), sr.UserAgent("sluice"), sr.PreReq(own.sign))
		if err != nil {
			return nil, &connect.ConfigError{Key: urlKey.Name(), Reason: err.Error()}
		}
		c.urls, c.shown = append(c.urls, one), append(c.shown, u.String())
	}
	if randomizeKey.Get(cfg) {
		c.current = rand.IntN(len(c.urls))
	}
	return c, nil
}

func proxyOf(cfg connect.Config) func(*http.Request) (*url.URL, error) {
	host := strings.TrimSpace(proxyHostKey.Get(cfg))
	if host == "" {
		return http.ProxyFromEnvironment
	}
	return http.ProxyURL(&url.URL{Scheme: "http", Host: net.JoinHostPort(host, strconv.Itoa(proxyPortKey.Get(cfg)))})
}

// bounded cuts answers that are too long, so that a broken server cannot fill the memory.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(req)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	}
	return resp, err
}

// ask puts a question to the registry: to the URL that answered last, and to each other once where it does not.
func (c *client) ask(what string, question func(context.Context, *sr.Client) error) error {
	for tried := 1; ; tried++ {
		err := c.askOne(question)
		if err == nil {
			return nil
		}
		err = fmt.Errorf("%s at the schema registry %s: %w", what, c.shown[c.current], err)
		if !mayHeal(err) {
			return err
		}
		c.current = (c.current + 1) % len(c.urls)
		if tried == len(c.urls) {
			return connect.Retry(err, 0)
		}
	}
}

func (c *client) askOne(question func(context.Context, *sr.Client) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
	defer cancel()
	err := question(ctx, c.urls[c.current])
	if answer := new(sr.ResponseError); errors.As(err, &answer) {
		return &Error{Status: answer.StatusCode, Code: answer.ErrorCode, Message: shorten(answer.Error())}
	}
	if web := new(url.Error); errors.As(err, &web) { // its text repeats the URL
		return web.Err
	}
	return err
}

// Error is an answer of the registry that is no success.
type Error struct {
	Status  int // of HTTP
	Code    int // the registry's own, such as 40403; 0 where it gave none
	Message string
}

func (e *Error) Error() string {
	if e.Code == 0 || e.Code == e.Status {
		return fmt.Sprintf("HTTP %d: %s", e.Status, e.Message)
	}
	return fmt.Sprintf("HTTP %d, error %d: %s", e.Status, e.Code, e.Message)
}

// missing reports whether the registry does not know what was asked for.
func missing(err error) bool {
	answer := new(Error)
	return errors.As(err, &answer) && answer.Status == http.StatusNotFound
}

// mayHeal tells whether the same question may be answered later, or by another URL.
func mayHeal(err error) bool {
	if answer := new(Error); errors.As(err, &answer) {
		return answer.Status >= 500 || answer.Status == http.StatusTooManyRequests || answer.Status == http.StatusRequestTimeout
	}
	return true
}

// shorten keeps a page of HTML out of a status.
func shorten(text string) string {
	const most = 500
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > most {
		return text[:most] + "..."
	}
	return text
}
