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

// readBody returns the bytes of a body, whose type must be said.
func readBody(r *http.Request) ([]byte, error) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the body: %w", err)
	}
	if len(data) == 0 {
		return nil, badBody(errors.New("there is none"))
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != mediaType {
		return nil, &httpError{http.StatusUnsupportedMediaType, (&layerError{http.StatusUnsupportedMediaType}).Error()}
	}
	return data, nil
}

// badBody is the answer to JSON that does not parse: Java says 500, which blames the wrong side.
func badBody(err error) error {
	return &httpError{http.StatusBadRequest, "the body is not the JSON wanted here: " + err.Error()}
}

// decode reads one JSON value and nothing after it.
func decode(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(v); err != nil {
		return badBody(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return badBody(errors.New("there is more after its end"))
	}
	return nil
}

// members reads an object that has no other members than the named ones, as Jackson does: to the letter, which package json is not.
func members(data []byte, names ...string) (map[string]json.RawMessage, error) {
	var found map[string]json.RawMessage
	if err := decode(data, &found); err != nil {
		return nil, err
	}
	if found == nil {
		return nil, badBody(errors.New("it is null"))
	}
	for name := range found {
		if !slices.Contains(names, name) {
			return nil, badBody(fmt.Errorf("there is no member %q here: there are %s", name, strings.Join(names, ", ")))
		}
	}
	return found, nil
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

// submitted reads a configuration and, apart, its keys whose value is null, sorted.
func submitted(data []byte) (cfg connect.Config, nulls []string, err error) {
	var in map[string]*scalar
	if err := decode(data, &in); err != nil {
		return nil, nil, err
	}
	if in == nil {
		return nil, nil, badBody(errors.New("it is null"))
	}
	cfg = make(connect.Config, len(in))
	for key, value := range in {
		if value == nil || value.text == nil {
			nulls = append(nulls, key)
		} else {
			cfg[key] = *value.text
		}
	}
	slices.Sort(nulls)
	return cfg, nulls, nil
}

// named checks a configuration's name against the one that counts, and adds it where it is missing or null.
func named(cfg connect.Config, nulls []string, name string) ([]string, error) {
	have, given := cfg["name"]
	if !given {
		cfg["name"] = name
		return slices.DeleteFunc(nulls, func(key string) bool { return key == "name" }), nil
	}
	if have != name {
		return nil, &httpError{http.StatusBadRequest, fmt.Sprintf(
			"Connector name configuration (%s) doesn't match connector name in the URL (%s)", have, name)}
	}
	return nulls, nil
}

// truth is a boolean query parameter: everything but true is false.
func truth(r *http.Request, name string) bool {
	return strings.EqualFold(r.URL.Query().Get(name), "true")
}
