package api

import (
	"net/http"

	"github.com/sluice-connect/sluice/connect/herder"
)

func (a *handler) offsets(r *http.Request) (answer, error) {
	return get(r, a.herder.ConnectorOffsets)
}

func (a *handler) alterOffsets(r *http.Request) (answer, error) {
	name, err := param(r, "name")
	if err != nil {
		return answer{}, err
	}
	data, err := readBody(r)
	if err != nil {
		return answer{}, err
	}
	var body herder.ConnectorOffsets
	if err := decode(data, &body); err != nil {
		return answer{}, err
	}
	if len(body.Offsets) == 0 {
		return answer{}, &httpError{http.StatusBadRequest, "Partitions / offsets need to be provided for an alter offsets request"}
	}
	message, err := a.herder.AlterOffsets(r.Context(), name, body.Offsets)
	if err != nil {
		return answer{}, err
	}
	return ok(message)
}

func (a *handler) resetOffsets(r *http.Request) (answer, error) {
	return get(r, a.herder.ResetOffsets)
}
