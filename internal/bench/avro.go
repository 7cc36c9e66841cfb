package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/converters"
	"github.com/sluice-connect/sluice/connect/registry/avro"
)

// avroConversions need a registry that is asked once. Beside them is Apicurio's converter, which writes the same bytes: Confluent's is not where Kafka's jars come
// from.
func avroConversions() []conversion {
	return []conversion{
		{"avro-write", "Avro, written", func() (func() error, error) {
			c, err := avroConverter()
			if err != nil {
				return nil, err
			}
			return write(c), nil
		}},
		{"avro-read", "Avro, read", func() (func() error, error) {
			c, err := avroConverter()
			if err != nil {
				return nil, err
			}
			return read(c)
		}},
	}
}

// avroConverter has a registry of its own, which lives as long as the process.
func avroConverter() (converters.Converter, error) {
	var schema string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var registered struct{ Schema string }
		if r.Method == http.MethodPost && json.NewDecoder(r.Body).Decode(&registered) == nil {
			schema = registered.Schema
		}
		w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
		_ = json.NewEncoder(w).Encode(map[string]any{"id": 1, "version": 1, "subject": "t-value", "schema": schema})
	}))
	c, err := avro.Definition.New(converters.Value, connect.Config{"schema.registry.url": server.URL})
	if err != nil {
		return nil, fmt.Errorf("making an Avro converter: %w", err)
	}
	return c, nil
}
