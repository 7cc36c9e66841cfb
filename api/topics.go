package api

import (
	"net/http"

	"github.com/sluice-connect/sluice/connect/herder"
)

// topics tells which topics a connector uses, under its name.
func (a *handler) topics(r *http.Request) (answer, error) {
	name, err := param(r, "name")
	if err != nil {
		return answer{}, err
	}
	active, err := a.herder.ActiveTopics(r.Context(), name)
	if err != nil {
		return answer{}, err
	}
	return ok(map[string]herder.ActiveTopics{name: active})
}

func (a *handler) resetTopics(r *http.Request) (answer, error) {
	return act(r, http.StatusAccepted, a.herder.ResetTopics)
}
