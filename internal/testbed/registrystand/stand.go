// Package registrystand is a converter at a schema registry in memory, for the tests of the converters that have one.
package registrystand

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/converters"
)

// Topic is what the stand's messages are for, and Subject where the schemas of their values are.
const (
	Topic   = "readings"
	Subject = Topic + "-value"
)

// Stand is a converter of values at its registry.
type Stand struct {
	Registry  *srfake.Registry
	Converter converters.Converter

	t          testing.TB
	definition converters.Definition
}

// New makes a converter at a registry of its own. Keys are key=value.
func New(t testing.TB, definition converters.Definition, keys ...string) *Stand {
	t.Helper()
	r := srfake.New()
	t.Cleanup(r.Close)
	return &Stand{r, At(t, definition, r.URL(), keys...), t, definition}
}

// At is a converter at the registry of a URL.
func At(t testing.TB, definition converters.Definition, url string, keys ...string) converters.Converter {
	t.Helper()
	cfg := connect.Config{"schema.registry.url": url}
	for _, pair := range keys {
		key, value, _ := strings.Cut(pair, "=")
		cfg[key] = value
	}
	c, err := definition.New(converters.Value, cfg)
	require.NoError(t, err)
	return c
}

// Other is a stand at the same registry whose converter has other keys.
func (s *Stand) Other(keys ...string) *Stand {
	s.t.Helper()
	return &Stand{s.Registry, At(s.t, s.definition, s.Registry.URL(), keys...), s.t, s.definition}
}

// Schema is what the registry has for the id of a message.
func (s *Stand) Schema(message []byte) sr.Schema {
	s.t.Helper()
	client, err := sr.NewClient(sr.URLs(s.Registry.URL()))
	require.NoError(s.t, err)
	found, err := client.SchemaByID(s.t.Context(), int(binary.BigEndian.Uint32(message[1:])))
	require.NoError(s.t, err)
	return found
}

// Encode writes a value that can be written.
func (s *Stand) Encode(schema *connect.Schema, v connect.Value) []byte {
	s.t.Helper()
	data, err := s.Converter.Encode(new(converters.Arena), Topic, schema, v)
	require.NoError(s.t, err)
	return data
}

// Decode reads a message that can be read.
func (s *Stand) Decode(data []byte) (*connect.Schema, connect.Value) {
	s.t.Helper()
	schema, v, err := s.Converter.Decode(Topic, data)
	require.NoError(s.t, err)
	return schema, v
}

// Seed puts a schema into the registry and returns a message under it.
func (s *Stand) Seed(schema sr.Schema, payload []byte) []byte {
	s.t.Helper()
	id, _, err := s.Registry.RegisterSchema(Subject, schema)
	require.NoError(s.t, err)
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(id)), payload...)
}
