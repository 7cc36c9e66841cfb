package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/sluice-connect/sluice/connect/herder"
)

// workerStatus is the body of GET /health.
type workerStatus struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

// health asks the herder something that it can only answer when it is ready.
func (a *handler) health(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), healthTimeout)
	defer cancel()
	_, err := a.herder.Connectors(ctx)
	var late *herder.StageError
	switch {
	case err == nil:
		writeAnswer(w, answer{status: http.StatusOK, body: workerStatus{"healthy",
			"Worker has completed startup and is ready to handle requests."}})
	case errors.As(err, &late):
		writeAnswer(w, answer{status: http.StatusServiceUnavailable, body: workerStatus{"starting", "Worker is still starting up. " + late.Stage}})
	default:
		writeAnswer(w, answer{status: http.StatusInternalServerError, body: workerStatus{"unhealthy",
			"Worker was unable to handle this request and may be unable to handle other requests. " + err.Error()}})
	}
}
