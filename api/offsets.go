package api

import (
	"encoding/json"
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
	offsets, err := alteration(data)
	if err != nil {
		return answer{}, err
	}
	if len(offsets) == 0 {
		return answer{}, &httpError{http.StatusBadRequest, "Partitions / offsets need to be provided for an alter offsets request"}
	}
	message, err := a.herder.AlterOffsets(r.Context(), name, offsets)
	if err != nil {
		return answer{}, err
	}
	return ok(message)
}

// alteration reads the body of PATCH /connectors/X/offsets (ConnectorOffsets).
func alteration(data []byte) (offsets []herder.ConnectorOffset, err error) {
	body, err := members(data, "offsets")
	if err != nil || body["offsets"] == nil {
		return nil, err
	}
	var elements []json.RawMessage
	if err := decode(body["offsets"], &elements); err != nil {
		return nil, err
	}
	for _, element := range elements {
		if _, err := members(element, "partition", "offset"); err != nil {
			return nil, err
		}
		var o herder.ConnectorOffset
		if err := decode(element, &o); err != nil {
			return nil, err
		}
		offsets = append(offsets, o)
	}
	return offsets, nil
}

func (a *handler) resetOffsets(r *http.Request) (answer, error) {
	return get(r, a.herder.ResetOffsets)
}
