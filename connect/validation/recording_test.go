package validation

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

// recordings are what workers of Kafka Connect answered to PUT .../config/validate, documentation left out. Definitions and recommendations stand once
// in the file, and answers name them by their place.
type recordings struct {
	Definitions     []json.RawMessage `json:"definitions"`
	Recommendations [][]string        `json:"recommendations"`
	Workers         []*recording      `json:"workers"`
}

// recording is the answers of one worker.
type recording struct {
	Worker map[string]string `json:"worker"`
	Cases  []*recorded       `json:"cases"`
}

type recorded struct {
	Config     submitted        `json:"config"`
	Code       int              `json:"code"`
	Message    string           `json:"message,omitempty"` // of an answer that is not 200
	ErrorCount int              `json:"error_count"`
	Groups     []string         `json:"groups,omitempty"`
	Configs    []recordedConfig `json:"configs,omitempty"`
}

// submitted is a configuration as JSON can have it: nil is null.
type submitted map[string]*string

func (s submitted) text(t *testing.T) string {
	t.Helper()
	text, err := json.Marshal(s)
	require.NoError(t, err)
	return string(text)
}

// split takes nulls out.
func (s submitted) split() (cfg connect.Config, nulls []string) {
	cfg = connect.Config{}
	for key, value := range s {
		if value == nil {
			nulls = append(nulls, key)
		} else {
			cfg[key] = *value
		}
	}
	slices.Sort(nulls)
	return cfg, nulls
}

type recordedConfig struct {
	Definition  *int     `json:"d"`
	Name        string   `json:"n"`
	Value       *string  `json:"v"`
	Errors      []string `json:"e,omitempty"`
	Recommended int      `json:"r"`
	Hidden      bool     `json:"h,omitempty"`
}

// live is the body as the worker sends it.
type live struct {
	Message    string
	ErrorCount int `json:"error_count"`
	Groups     []string
	Configs    []struct {
		Definition map[string]json.RawMessage
		Value      struct {
			Name        string
			Value       *string
			Recommended []string `json:"recommended_values"`
			Errors      []string
			Visible     bool
		}
	}
}

var answersFile = filepath.Join("testdata", "answers.json")

func readRecordings(t testing.TB) *recordings {
	t.Helper()
	data, err := os.ReadFile(answersFile)
	require.NoError(t, err)
	r := new(recordings)
	require.NoError(t, json.Unmarshal(data, r))
	require.NotEmpty(t, r.Workers)
	return r
}

// write has a line for each definition and each answer.
func (r *recordings) write(t *testing.T) {
	t.Helper()
	var b bytes.Buffer
	line := func(prefix string, value any, suffix string) {
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		require.NoError(t, encoder.Encode(value))
		b.WriteString(prefix + string(bytes.TrimSpace(text.Bytes())) + suffix)
	}
	comma := func(i, n int) string {
		if i < n-1 {
			return ",\n"
		}
		return "\n"
	}
	b.WriteString("{\"definitions\":[\n")
	for i, d := range r.Definitions {
		line(" ", d, comma(i, len(r.Definitions)))
	}
	b.WriteString("],\"recommendations\":[\n")
	for i, d := range r.Recommendations {
		line(" ", d, comma(i, len(r.Recommendations)))
	}
	b.WriteString("],\"workers\":[\n")
	for i, w := range r.Workers {
		line(" {\"worker\":", w.Worker, ",\"cases\":[\n")
		for j, c := range w.Cases {
			line("  ", c, comma(j, len(w.Cases)))
		}
		b.WriteString(" ]}" + comma(i, len(r.Workers)))
	}
	b.WriteString("]}\n")
	require.NoError(t, os.WriteFile(answersFile, b.Bytes(), 0o644))
}

// take puts a worker's answer into the recording.
func (r *recordings) take(t *testing.T, c *recorded, code int, text string) {
	t.Helper()
	var body live
	require.NoError(t, json.Unmarshal([]byte(text), &body), text)
	*c = recorded{Config: c.Config, Code: code, Message: body.Message, ErrorCount: body.ErrorCount, Groups: body.Groups}
	for _, k := range body.Configs {
		found := recordedConfig{
			Name: k.Value.Name, Value: k.Value.Value, Hidden: !k.Value.Visible, Recommended: r.recommendation(k.Value.Recommended),
		}
		if len(k.Value.Errors) > 0 {
			found.Errors = k.Value.Errors
		}
		if k.Definition != nil {
			delete(k.Definition, "documentation")
			d, err := json.Marshal(k.Definition)
			require.NoError(t, err)
			place := r.definition(d)
			found.Definition = &place
		}
		c.Configs = append(c.Configs, found)
	}
}

func (r *recordings) definition(d json.RawMessage) int {
	place := slices.IndexFunc(r.Definitions, func(have json.RawMessage) bool { return bytes.Equal(have, d) })
	if place < 0 {
		place = len(r.Definitions)
		r.Definitions = append(r.Definitions, d)
	}
	return place
}

func (r *recordings) recommendation(values []string) int {
	place := slices.IndexFunc(r.Recommendations, func(have []string) bool { return slices.Equal(have, values) })
	if place < 0 {
		place = len(r.Recommendations)
		r.Recommendations = append(r.Recommendations, values)
	}
	return place
}
