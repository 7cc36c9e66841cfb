package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// described is the document as tests read it.
type described struct {
	Paths map[string]map[string]json.RawMessage `json:"paths"`
}

func readDocument(t *testing.T) described {
	t.Helper()
	var d described
	require.NoError(t, json.Unmarshal(document, &d))
	return d
}

// operations are "GET /path" and so on.
func (d described) operations() []string {
	var found []string
	for path, item := range d.Paths {
		for method := range item {
			if name := strings.ToUpper(method); slices.Contains(methods, name) {
				found = append(found, name+" "+path)
			}
		}
	}
	return slices.Sorted(slices.Values(found))
}

func TestTheDocumentHasTheRoutesOfTheAPI(t *testing.T) {
	var routes []string
	a := handler{herder: &fakeHerder{}}
	for _, mux := range []*chi.Mux{a.routes(nil), (&administration{handler: a}).routes()} {
		require.NoError(t, chi.Walk(mux, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
			routes = append(routes, method+" "+route)
			return nil
		}))
	}
	slices.Sort(routes)
	assert.Equal(t, routes, readDocument(t).operations())
}

func TestTheDocumentIsServed(t *testing.T) {
	response, body := ask(t, serve(t, &fakeHerder{}), "GET", "/sluice/v1/openapi.json", "")
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.JSONEq(t, string(document), body)
}
