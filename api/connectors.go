package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/sluice-connect/sluice/connect/herder"
)

func ok(body any) (answer, error) { return answer{status: http.StatusOK, body: body}, nil }

func (a *handler) root(r *http.Request) (answer, error) {
	info, err := a.herder.Server(r.Context())
	if err != nil {
		return answer{}, err
	}
	return ok(info)
}

// expansion is one connector of GET /connectors?expand=.
type expansion struct {
	Status *herder.ConnectorStateInfo `json:"status,omitempty"`
	Info   *herder.ConnectorInfo      `json:"info,omitempty"`
}

func (a *handler) list(r *http.Request) (answer, error) {
	names, err := a.herder.Connectors(r.Context())
	if err != nil {
		return answer{}, err
	}
	wanted, expand := r.URL.Query()["expand"]
	if !expand {
		if names == nil {
			names = []string{}
		}
		return ok(names)
	}
	out := make(map[string]expansion, len(names))
	for _, name := range names {
		e, there, err := a.expand(r.Context(), name, wanted)
		if err != nil {
			return answer{}, err
		}
		if there {
			out[name] = e
		}
	}
	return ok(out)
}

// expand fills in what was asked for; a connector without status is left out where that was.
func (a *handler) expand(ctx context.Context, name string, wanted []string) (e expansion, there bool, err error) {
	var gone *herder.NotFoundError
	for _, what := range wanted {
		switch what {
		case "status":
			if e.Status, err = a.herder.Status(ctx, name); err != nil {
				if errors.As(err, &gone) {
					return e, false, nil
				}
				return e, false, err
			}
		case "info":
			info, err := a.herder.Connector(ctx, name)
			if err != nil && !errors.As(err, &gone) {
				return e, false, err
			}
			if err == nil {
				e.Info = &info
			}
		}
	}
	return e, true, nil
}

func (a *handler) create(r *http.Request) (answer, error) {
	data, err := readBody(r)
	if err != nil {
		return answer{}, err
	}
	req, err := newConnector(data)
	if err != nil {
		return answer{}, err
	}
	created, err := a.herder.Create(r.Context(), req)
	if err != nil {
		return answer{}, err
	}
	return accepted(r, created), nil
}

// newConnector reads the body of POST /connectors (CreateConnectorRequest).
func newConnector(data []byte) (req herder.NewConnector, err error) {
	body, err := members(data, "name", "config", "initial_state")
	if err != nil {
		return req, err
	}
	var name, state scalar
	for member, into := range map[string]*scalar{"name": &name, "initial_state": &state} {
		if text, given := body[member]; given {
			if err := decode(text, into); err != nil {
				return req, err
			}
		}
	}
	if name.text != nil {
		req.Name = strings.TrimSpace(*name.text)
	}
	if state.text != nil {
		if *state.text == "" {
			return req, badBody(errors.New("initial_state is empty"))
		}
		req.InitialState = *state.text
	}
	if body["config"] == nil {
		return req, badBody(errors.New("config is missing"))
	}
	if req.Config, req.Nulls, err = submitted(body["config"]); err != nil {
		return req, err
	}
	req.Nulls, err = named(req.Config, req.Nulls, req.Name)
	return req, err
}

// location is the address of a connector as whoever made the request reaches it.
func location(r *http.Request, name string) string {
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	return scheme + r.Host + "/connectors/" + escape(name)
}

// escape makes a name one segment of a path.
func escape(name string) string { return url.PathEscape(name) }

// accepted answers a configuration that was taken.
func accepted(r *http.Request, c herder.Created) answer {
	reply := answer{status: http.StatusOK, body: c.Info, warnings: c.Warnings}
	if c.New {
		reply.status = http.StatusCreated
		reply.location = location(r, c.Info.Name)
	}
	return reply
}

func (a *handler) putConfig(r *http.Request) (answer, error) {
	name, err := param(r, "name")
	if err != nil {
		return answer{}, err
	}
	data, err := readBody(r)
	if err != nil {
		return answer{}, err
	}
	cfg, nulls, err := submitted(data)
	if err != nil {
		return answer{}, err
	}
	if nulls, err = named(cfg, nulls, name); err != nil {
		return answer{}, err
	}
	created, err := a.herder.PutConfig(r.Context(), name, cfg, nulls...)
	if err != nil {
		return answer{}, err
	}
	return accepted(r, created), nil
}

func (a *handler) patchConfig(r *http.Request) (answer, error) {
	name, err := param(r, "name")
	if err != nil {
		return answer{}, err
	}
	data, err := readBody(r)
	if err != nil {
		return answer{}, err
	}
	changes, nulls, err := submitted(data)
	if err != nil {
		return answer{}, err
	}
	patch := make(map[string]*string, len(changes)+len(nulls))
	for key, value := range changes {
		patch[key] = &value
	}
	for _, key := range nulls {
		patch[key] = nil
	}
	created, err := a.herder.PatchConfig(r.Context(), name, patch)
	if err != nil {
		return answer{}, err
	}
	return ok(created.Info)
}

// get answers with what the herder has of a connector.
func get[T any](r *http.Request, f func(ctx context.Context, name string) (T, error)) (answer, error) {
	name, err := param(r, "name")
	if err != nil {
		return answer{}, err
	}
	body, err := f(r.Context(), name)
	if err != nil {
		return answer{}, err
	}
	return ok(body)
}

func (a *handler) connector(r *http.Request) (answer, error) { return get(r, a.herder.Connector) }
func (a *handler) config(r *http.Request) (answer, error)    { return get(r, a.herder.Config) }
func (a *handler) status(r *http.Request) (answer, error)    { return get(r, a.herder.Status) }
func (a *handler) tasks(r *http.Request) (answer, error)     { return get(r, a.herder.Tasks) }

// act has the herder do something to a connector.
func act(r *http.Request, code int, f func(ctx context.Context, name string) error) (answer, error) {
	name, err := param(r, "name")
	if err != nil {
		return answer{}, err
	}
	if err := f(r.Context(), name); err != nil {
		return answer{}, err
	}
	return answer{status: code}, nil
}

func (a *handler) remove(r *http.Request) (answer, error) {
	return act(r, http.StatusNoContent, a.herder.Delete)
}

func (a *handler) pause(r *http.Request) (answer, error) {
	return act(r, http.StatusAccepted, a.herder.Pause)
}

func (a *handler) resume(r *http.Request) (answer, error) {
	return act(r, http.StatusAccepted, a.herder.Resume)
}

func (a *handler) stop(r *http.Request) (answer, error) {
	return act(r, http.StatusNoContent, a.herder.Stop)
}

func (a *handler) restart(r *http.Request) (answer, error) {
	name, err := param(r, "name")
	if err != nil {
		return answer{}, err
	}
	plan, err := a.herder.Restart(r.Context(), name, truth(r, "includeTasks"), truth(r, "onlyFailed"))
	if err != nil {
		return answer{}, err
	}
	if plan == nil {
		return answer{status: http.StatusNoContent}, nil
	}
	return answer{status: http.StatusAccepted, body: plan}, nil
}

// task reads the two parameters of a task's path; a number that is none is no path of the API.
func task(r *http.Request) (name string, n int, err error) {
	if name, err = param(r, "name"); err != nil {
		return "", 0, err
	}
	number, err := strconv.ParseInt(chi.URLParam(r, "task"), 10, 32)
	if err != nil {
		return "", 0, &httpError{http.StatusNotFound, (&layerError{http.StatusNotFound}).Error()}
	}
	return name, int(number), nil
}

func (a *handler) taskStatus(r *http.Request) (answer, error) {
	name, n, err := task(r)
	if err != nil {
		return answer{}, err
	}
	state, err := a.herder.TaskStatus(r.Context(), name, n)
	if err != nil {
		return answer{}, err
	}
	return ok(state)
}

func (a *handler) restartTask(r *http.Request) (answer, error) {
	name, n, err := task(r)
	if err != nil {
		return answer{}, err
	}
	if err := a.herder.RestartTask(r.Context(), name, n); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusNoContent}, nil
}
