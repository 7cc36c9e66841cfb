package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/sluice-connect/sluice/connect/herder"
)

// httpError is an error with a status of its own.
type httpError struct {
	status  int
	message string
}

func (e *httpError) Error() string { return e.message }

// layerError is an answer of the HTTP layer, before anything of Kafka Connect's is called. Java gives it no Content-Type.
type layerError struct{ status int }

func (e *layerError) Error() string {
	return fmt.Sprintf("HTTP %d %s", e.status, http.StatusText(e.status))
}

// errorBody is Kafka Connect's ErrorMessage: exactly these members.
type errorBody struct {
	Code    int    `json:"error_code"`
	Message string `json:"message"`
}

// status maps the herder's errors (ConnectExceptionMapper): whatever is not known is 500.
func status(err error) int {
	var (
		own       *httpError
		layer     *layerError
		notFound  *herder.NotFoundError
		exists    *herder.ExistsError
		invalid   *herder.InvalidError
		rebalance *herder.RebalanceError
		notLeader *herder.NotLeaderError
		tooLarge  *http.MaxBytesError
		unsigned  *herder.UnsignedError
		forged    *herder.ForgedError
		keyless   *herder.KeylessError
		disabled  *herder.DisabledError
		others    *herder.SupersededError
	)
	switch {
	case errors.As(err, &own):
		return own.status
	case errors.As(err, &layer):
		return layer.status
	case errors.As(err, &notFound):
		return http.StatusNotFound
	case errors.As(err, &exists), errors.As(err, &rebalance), errors.As(err, &notLeader), errors.As(err, &others):
		return http.StatusConflict
	case errors.As(err, &invalid), errors.As(err, &unsigned):
		return http.StatusBadRequest
	case errors.As(err, &forged), errors.As(err, &disabled):
		return http.StatusForbidden
	case errors.As(err, &keyless):
		return http.StatusServiceUnavailable
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusInternalServerError
}

func writeError(w http.ResponseWriter, err error) {
	code := status(err)
	data := encode(errorBody{Code: code, Message: err.Error()})
	if layer := new(layerError); errors.As(err, &layer) {
		w.Header()["Content-Type"] = nil
	} else {
		w.Header().Set("Content-Type", mediaType)
	}
	w.WriteHeader(code)
	_, _ = w.Write(data) // a client that is gone needs no answer
}

func writeAnswer(w http.ResponseWriter, a answer) {
	for _, warning := range a.warnings {
		w.Header().Add("Sluice-Warnings", strings.Join(strings.Fields(warning), " "))
	}
	if a.location != "" {
		w.Header().Set("Location", a.location)
	}
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(a.status)
	_, _ = w.Write(encode(a.body)) // a client that is gone needs no answer
}

// encode writes JSON as Jackson does in what clients notice: nothing is escaped for HTML, no newline follows.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return []byte(`{"error_code":500,"message":"the answer cannot be written as JSON"}`)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
