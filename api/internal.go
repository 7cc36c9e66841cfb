package api

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/herder"
)

// putTasks takes the tasks of a connector from the worker that runs it (InternalClusterResource).
func (a *handler) putTasks(r *http.Request) (answer, error) {
	data, name, err := a.fromWorker(r)
	if err != nil {
		return answer{}, err
	}
	var body []json.RawMessage
	if err := decode(data, &body); err != nil {
		return answer{}, err
	}
	tasks := make([]connect.Config, 0, len(body))
	for _, task := range body {
		cfg, nulls, err := submitted(task)
		if err != nil {
			return answer{}, err
		}
		if len(nulls) > 0 {
			return answer{}, badBody(fmt.Errorf("%s is null in a task's configuration", nulls[0]))
		}
		tasks = append(tasks, cfg)
	}
	if err := a.herder.PutTasks(r.Context(), name, tasks); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusNoContent}, nil
}

// fence has zombies of a connector's tasks fenced, for a worker that is about to start its newest ones.
func (a *handler) fence(r *http.Request) (answer, error) {
	_, name, err := a.fromWorker(r)
	if err != nil {
		return answer{}, err
	}
	if err := a.herder.FenceZombies(r.Context(), name); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusNoContent}, nil
}

// fromWorker reads a request between workers. Its signature is looked at before anything else; no media type is asked for.
func (a *handler) fromWorker(r *http.Request) (body []byte, connector string, err error) {
	if body, err = io.ReadAll(r.Body); err != nil {
		return nil, "", err
	}
	signature, err := herder.ParseSignature(r.Header.Get(herder.SignatureAlgorithmHeader), r.Header.Get(herder.SignatureHeader))
	if err != nil {
		return nil, "", err
	}
	if err := a.herder.Authorize(body, signature); err != nil {
		return nil, "", err
	}
	connector, err = param(r, "name")
	return body, connector, err
}

// internalTopics tells the topics of this worker, to other workers and to users. A worker that is alone has none.
func (a *handler) internalTopics(*http.Request) (answer, error) {
	topics := a.herder.InternalTopics()
	if topics == nil {
		return answer{}, &layerError{http.StatusNotFound}
	}
	return ok(topics)
}

// cluster tells how the cluster divides its work. A leader that does not know the question is a Java worker: then the statuses tell.
func (a *handler) cluster(r *http.Request) (answer, error) {
	info, err := a.herder.Cluster(r.Context())
	if err == nil {
		return ok(info)
	}
	url, pass := elsewhere(r, err)
	if !pass {
		return answer{}, err
	}
	if from, err := a.pass(r, url, nil); err == nil && from.status == http.StatusOK {
		return answer{status: http.StatusOK, body: json.RawMessage(from.body)}, nil
	}
	if info, err = a.herder.ClusterByStatuses(r.Context()); err != nil {
		return answer{}, err
	}
	return ok(info)
}
