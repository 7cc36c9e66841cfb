package api

import (
	_ "embed"
	"encoding/json"
	"net/http"
)

// document describes this API. A test holds it to the routes and to what they answer.
//
//go:embed openapi.json
var document []byte

// openAPI answers with the document. Kafka Connect serves none.
func (a *handler) openAPI(*http.Request) (answer, error) { return ok(json.RawMessage(document)) }
