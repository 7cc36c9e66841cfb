package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

// readBody checks the type of a body and returns its bytes.
func readBody(r *http.Request) ([]byte, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return nil, &httpError{http.StatusUnsupportedMediaType, "HTTP 415 Unsupported Media Type"}
	}
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the body: %w", err)
	}
	return data, nil
}

// badBody is the answer to JSON that does not parse: Java says 500, which blames the wrong side.
func badBody(err error) error {
	return &httpError{http.StatusBadRequest, "the body is not the JSON wanted here: " + err.Error()}
}

// decode reads one JSON value and nothing after it; members that v does not have are refused, as Jackson does.
func decode(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return badBody(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return badBody(errors.New("there is more after its end"))
	}
	return nil
}

// scalar is a JSON value where Java wants text: numbers and booleans are taken as they stand, null stays null.
type scalar struct{ text *string }

// UnmarshalJSON implements json.Unmarshaler.
func (s *scalar) UnmarshalJSON(data []byte) error {
	switch data[0] {
	case '{', '[':
		return errors.New("an object or a list stands where a text is wanted")
	case 'n':
		s.text = nil
		return nil
	case '"':
		var text string
		if err := json.Unmarshal(data, &text); err != nil {
			return err
		}
		s.text = &text
		return nil
	}
	text := string(data)
	s.text = &text
	return nil
}

// config reads a configuration in which null is refused.
func config(in map[string]*scalar) (connect.Config, error) {
	out, nulls := submitted(in)
	if len(nulls) > 0 {
		return nil, &httpError{http.StatusBadRequest, fmt.Sprintf("%s: null value can not be supplied as the configuration value", nulls[0])}
	}
	return out, nil
}

// submitted reads a configuration and, apart, its keys whose value is null, sorted.
func submitted(in map[string]*scalar) (cfg connect.Config, nulls []string) {
	cfg = make(connect.Config, len(in))
	for key, value := range in {
		if value == nil || value.text == nil {
			nulls = append(nulls, key)
		} else {
			cfg[key] = *value.text
		}
	}
	slices.Sort(nulls)
	return cfg, nulls
}

// named checks a configuration's name against the one that counts, and adds it where it is missing.
func named(cfg connect.Config, name string) error {
	have, given := cfg["name"]
	if !given {
		cfg["name"] = name
		return nil
	}
	if have != name {
		return &httpError{http.StatusBadRequest, fmt.Sprintf(
			"Connector name configuration (%s) doesn't match connector name in the URL (%s)", have, name)}
	}
	return nil
}

// truth is a boolean query parameter: everything but true is false.
func truth(r *http.Request, name string) bool {
	return strings.EqualFold(r.URL.Query().Get(name), "true")
}
