package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/connect/herder"
)

// workerStatus is the body of GET /health.
type workerStatus struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

// health asks the herder for a sign of life.
func (a *handler) health(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), healthTimeout)
	defer cancel()
	health, err := a.herder.Health(ctx)
	if err != nil {
		writeError(w, err)
		return
	}
	status, body := http.StatusOK, workerStatus{"healthy", "Worker has completed startup and is ready to handle requests."}
	switch health.State {
	case herder.Starting:
		status, body = http.StatusServiceUnavailable, workerStatus{"starting", "Worker is still starting up."}
	case herder.Unhealthy:
		status, body = http.StatusInternalServerError, workerStatus{"unhealthy",
			"Worker was unable to handle this request and may be unable to handle other requests."}
	}
	body.Message = strings.TrimSpace(body.Message + " " + health.Stage)
	writeAnswer(w, answer{status: status, body: body})
}

// readyTimeout is how long the herder gets to answer: less than the second after which Kubernetes gives a probe up.
const readyTimeout = 800 * time.Millisecond

// ready tells whether the worker does its work, and if not, why: Java's /health is content with a worker that has lost its group.
func (a *handler) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	readiness := a.herder.Readiness(ctx)
	status := http.StatusOK
	if !readiness.Ready {
		status = http.StatusServiceUnavailable
	}
	writeAnswer(w, answer{status: status, body: readiness})
}
