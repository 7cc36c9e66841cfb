package herder

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/golden"
)

func TestGoldenSessionSignatures(t *testing.T) {
	for _, c := range golden.Load[struct {
		ID        string            `json:"id"`
		Op        string            `json:"op"`
		Body      golden.Bytes      `json:"body"`
		Key       []byte            `json:"key_base64"`
		Algorithm string            `json:"signature_algorithm"`
		Headers   map[string]string `json:"headers"`
		Signature string            `json:"signature_base64"`
		Valid     bool              `json:"valid"`
		Error     string            `json:"error"`
	}](t, "session-signatures.json") {
		t.Run(c.ID, func(t *testing.T) {
			switch c.Op {
			case "sign":
				s, err := Sign(c.Key, c.Algorithm, c.Body)
				if c.Headers == nil {
					require.Error(t, err)
					return
				}
				require.NoError(t, err)
				require.Equal(t, c.Headers, map[string]string{SignatureHeader: s.Encoded(), SignatureAlgorithmHeader: s.Algorithm})
			case "verify":
				s, err := ParseSignature(c.Algorithm, c.Signature)
				require.NoError(t, err)
				require.Equal(t, c.Valid, s.Valid(c.Key, c.Body))
			default:
				require.Fail(t, "unknown operation", c.Op)
			}
		})
	}
}
