// Package client asks the REST API of a Kafka Connect cluster, Sluice's or Java's. It is what the commands of the command line stand on.
package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/connect/herder"
)

const (
	// requestTimeout is more than the 90 s that a worker takes at most.
	requestTimeout = 100 * time.Second
	// answerBytes bounds an answer: thousands of connectors with their statuses take a few MiB.
	answerBytes = 64 << 20
)

// Client asks one worker. It is safe for concurrent use.
type Client struct {
	base string
	http http.Client
}

// New is a client of the worker at a URL such as http://127.0.0.1:8083.
func New(base string) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is not the URL of a worker: want http://host:port", base)
	}
	return &Client{base: strings.TrimSuffix(base, "/"), http: http.Client{Timeout: requestTimeout}}, nil
}

// RefusedError is an answer that is not what was asked for.
type RefusedError struct {
	Code    int
	Message string // the worker's own
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("the worker answers %d: %s", e.Code, e.Message)
}

// UnreachableError says that no worker answers at the URL.
type UnreachableError struct {
	URL   string
	Cause error
}

func (e *UnreachableError) Error() string {
	cause := e.Cause
	if of := new(url.Error); errors.As(cause, &of) {
		cause = of.Err // without the URL and the verb: they are said already
	}
	return fmt.Sprintf("no worker answers at %s: %v", e.URL, cause)
}

func (e *UnreachableError) Unwrap() error { return e.Cause }

// get asks for a path and decodes the answer.
func (c *Client) get(ctx context.Context, path string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return fmt.Errorf("asking for %s: %w", path, err)
	}
	request.Header.Set("Accept", "application/json")
	response, err := c.http.Do(request)
	if err != nil {
		return &UnreachableError{URL: c.base, Cause: err}
	}
	defer func() { _ = response.Body.Close() }() // what matters is read
	body, err := io.ReadAll(io.LimitReader(response.Body, answerBytes))
	if err != nil {
		return &UnreachableError{URL: c.base, Cause: err}
	}
	if response.StatusCode != http.StatusOK {
		return refused(response.StatusCode, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("reading the answer for %s: is %s a Kafka Connect worker? %w", path, c.base, err)
	}
	return nil
}

func refused(code int, body []byte) error {
	var said struct{ Message string }
	if json.Unmarshal(body, &said) != nil || said.Message == "" {
		said.Message = http.StatusText(code)
	}
	return &RefusedError{Code: code, Message: said.Message}
}

// Cluster tells how the cluster divides its work. A Java worker cannot be asked that: then the statuses tell what worker ids there are.
func (c *Client) Cluster(ctx context.Context) (*herder.ClusterInfo, error) {
	info := new(herder.ClusterInfo)
	err := c.get(ctx, "/sluice/v1/cluster", info)
	if no := new(RefusedError); errors.As(err, &no) && no.Code == http.StatusNotFound {
		return c.clusterByStatuses(ctx)
	}
	return info, err
}

// unassigned is the state of what no worker runs.
const unassigned = "UNASSIGNED"

func (c *Client) clusterByStatuses(ctx context.Context) (*herder.ClusterInfo, error) {
	var all map[string]struct{ Status herder.ConnectorStateInfo }
	if err := c.get(ctx, "/connectors?expand=status", &all); err != nil {
		return nil, err
	}
	info := &herder.ClusterInfo{Source: "statuses", Generation: -1, ConfigOffset: -1, Members: []herder.ClusterMember{}, Waiting: []string{}, At: time.Now().UTC()}
	members := map[string]*herder.ClusterMember{}
	member := func(id string) *herder.ClusterMember {
		if members[id] == nil {
			members[id] = &herder.ClusterMember{URL: id, Connectors: []string{}, Tasks: []string{}}
		}
		return members[id]
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		status := all[name].Status
		if status.Connector.State == unassigned {
			info.Waiting = append(info.Waiting, name)
		} else {
			m := member(status.Connector.WorkerID)
			m.Connectors = append(m.Connectors, name)
		}
		for _, t := range status.Tasks {
			task := fmt.Sprintf("%s-%d", name, t.ID)
			if t.State == unassigned {
				info.Waiting = append(info.Waiting, task)
				continue
			}
			m := member(t.WorkerID)
			m.Tasks = append(m.Tasks, task)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(members)) {
		info.Members = append(info.Members, *members[id])
	}
	return info, nil
}
