package parity

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// document is the OpenAPI document that a Sluice worker serves. Its schemas are JSON Schema, so that a pointer into it names what a body must be.
type document struct {
	compiler *jsonschema.Compiler
	paths    [][]string
	tree     map[string]any
}

const documentURL = "http://sluice/openapi.json"

func readDocument(t *testing.T, p *party) *document {
	t.Helper()
	response, err := http.Get("http://" + p.addr + "/sluice/v1/openapi.json")
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode, "is the sluice program of this tree?")
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	require.NoError(t, err)
	d := &document{compiler: jsonschema.NewCompiler(), tree: value.(map[string]any)}
	d.compiler.DefaultDraft(jsonschema.Draft2020)
	require.NoError(t, d.compiler.AddResource(documentURL, value))
	for path := range d.tree["paths"].(map[string]any) {
		d.paths = append(d.paths, strings.Split(path, "/"))
	}
	return d
}

// check holds an exchange to the document: an answer must be one of those that it promises, and what was accepted must be what it asks for.
func (d *document) check(t *testing.T, e *exchange, sent string, answer said, who string) {
	t.Helper()
	path, described := d.path(e.target)
	method := strings.ToLower(e.method)
	if !described || d.at("paths", path, method) == nil || method == e.method || strings.HasPrefix(answer.Headers["Content-Type"], "text/") {
		return // not of the API, or refused before it was looked at
	}
	where := fmt.Sprintf("%s:%d: %s: %s", e.file, e.line, e.title, who)
	code := fmt.Sprint(answer.Code)
	if !assert.NotNil(t, d.at("paths", path, method, "responses", code), "%s: %d is not in the document\n%s", where, answer.Code, answer.Body) {
		return
	}
	if d.at("paths", path, method, "responses", code, "content") != nil {
		assert.NoError(t, d.valid(answer.Body, "paths", path, method, "responses", code, "content", "application/json", "schema"), where)
	} else {
		assert.Empty(t, answer.Body, where)
	}
	if answer.Code < 300 && d.at("paths", path, method, "requestBody") != nil {
		assert.NoError(t, d.valid(sent, "paths", path, method, "requestBody", "content", "application/json", "schema"), where)
	}
}

// path is the path of the document that a request's target belongs to.
func (d *document) path(target string) (string, bool) {
	target, _, _ = strings.Cut(target, "?")
	target, _, _ = strings.Cut(target, ";")
	if len(target) > 1 {
		target = strings.TrimSuffix(target, "/")
	}
	have := strings.Split(target, "/")
	for _, want := range d.paths {
		if slices.EqualFunc(want, have, func(want, have string) bool { return want == have || strings.HasPrefix(want, "{") && have != "" }) {
			return strings.Join(want, "/"), true
		}
	}
	return "", false
}

// at is what stands at a place of the document; nil where nothing does.
func (d *document) at(place ...string) any {
	var value any = d.tree
	for _, name := range place {
		members, _ := value.(map[string]any)
		value = members[name]
	}
	return value
}

// valid holds a body to the schema at a place of the document.
func (d *document) valid(body string, place ...string) error {
	pointer := ""
	for _, name := range place {
		pointer += "/" + strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
	}
	schema, err := d.compiler.Compile(documentURL + "#" + pointer)
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: %s", err, body)
	}
	if err := schema.Validate(value); err != nil {
		return fmt.Errorf("%w: %s", err, body)
	}
	return nil
}
