package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// REST asks a worker.
type REST struct {
	// URL of the worker, without a slash at its end.
	URL string
	// User and Password log in; "" for nobody.
	User, Password string
	// HTTP is the client to ask with; nil for the default one.
	HTTP *http.Client
}

// As is the same worker, asked by somebody else.
func (r REST) As(user, password string) REST {
	r.User, r.Password = user, password
	return r
}

// Answer is what REST answers, whatever its code.
type Answer struct {
	Code int
	Body string
}

// Status is the part of a connector's status that tests look at.
type Status struct {
	Connector State   `json:"connector"`
	Tasks     []State `json:"tasks"`
}

// State is that of a connector or a task.
type State struct {
	State    string `json:"state"`
	WorkerID string `json:"worker_id"`
	Trace    string `json:"trace"`
}

// Ask sends a request; a nil body is none. ctx bounds it, and so do twenty seconds: a worker that is starting takes ten to say so.
func (r REST) Ask(ctx context.Context, method, path string, body any) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	var content io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return Answer{}, fmt.Errorf("encoding the body for %s: %w", path, err)
		}
		content = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, r.URL+path, content)
	if err != nil {
		return Answer{}, fmt.Errorf("asking for %s: %w", path, err)
	}
	request.Header.Set("Content-Type", "application/json")
	if r.User != "" {
		request.SetBasicAuth(r.User, r.Password)
	}
	client := http.DefaultClient
	if r.HTTP != nil {
		client = r.HTTP
	}
	response, err := client.Do(request)
	if err != nil {
		return Answer{}, err // it names method and URL
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return Answer{}, fmt.Errorf("reading the answer for %s: %w", path, err)
	}
	return Answer{response.StatusCode, string(text)}, nil
}

// get asks for path and decodes the answer, which must be 200.
func (r REST) get(ctx context.Context, path string, into any) error {
	a, err := r.Ask(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	if a.Code != http.StatusOK {
		return fmt.Errorf("%s answers %d: %s", path, a.Code, a.Body)
	}
	if err := json.Unmarshal([]byte(a.Body), into); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	return nil
}

// Connectors are the names of all.
func (r REST) Connectors(ctx context.Context) (names []string, err error) {
	return names, r.get(ctx, "/connectors", &names)
}

// Status is that of a connector.
func (r REST) Status(ctx context.Context, connector string) (s Status, err error) {
	return s, r.get(ctx, "/connectors/"+connector+"/status", &s)
}

// Put creates or changes a connector; another answer than 200 and 201 is an error.
func (r REST) Put(ctx context.Context, connector string, config map[string]string) error {
	a, err := r.Ask(ctx, http.MethodPut, "/connectors/"+connector+"/config", config)
	if err == nil && a.Code != http.StatusOK && a.Code != http.StatusCreated {
		err = fmt.Errorf("creating connector %s: %d: %s", connector, a.Code, a.Body)
	}
	return err
}

// Ready is content once the worker has completed its start.
func (r REST) Ready(ctx context.Context) error {
	var names []string
	return r.get(ctx, "/connectors", &names)
}

// Flowing is content when connector and tasks, at least one, are RUNNING and none complains.
func (s Status) Flowing() error {
	if s.Connector.State != "RUNNING" || len(s.Tasks) == 0 {
		return fmt.Errorf("connector is %s with %d tasks %s", s.Connector.State, len(s.Tasks), s.Connector.Trace)
	}
	for i, task := range s.Tasks {
		if task.State != "RUNNING" || task.Trace != "" {
			return fmt.Errorf("task %d is %s %s", i, task.State, task.Trace)
		}
	}
	return nil
}
