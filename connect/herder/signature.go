package herder

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"slices"
	"strings"
)

// Headers of a signed request between workers (org.apache.kafka.connect.runtime.rest.InternalRequestSignature).
const (
	SignatureHeader          = "X-Connect-Authorization"
	SignatureAlgorithmHeader = "X-Connect-Request-Signature-Algorithm"
)

// Signature proves that a request comes from a worker of the cluster. The zero Signature is none.
type Signature struct {
	Algorithm string // a Java name, as it was configured
	MAC       []byte
}

// Sign signs the exact bytes of a request's body. The algorithm is a MAC by its Java name.
func Sign(key []byte, algorithm string, body []byte) (Signature, error) {
	mac, err := mac(algorithm, key)
	if err != nil {
		return Signature{}, err
	}
	mac.Write(body)
	return Signature{Algorithm: algorithm, MAC: mac.Sum(nil)}, nil
}

// ParseSignature reads the two headers (InternalRequestSignature.fromHeaders); it is nil where one is missing. Its error is an [*InvalidError].
func ParseSignature(algorithm, encoded string) (*Signature, error) {
	if algorithm == "" || encoded == "" {
		return nil, nil
	}
	if !KnownMAC(algorithm) {
		return nil, unknownMAC(algorithm)
	}
	sum, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, &InvalidError{Message: SignatureHeader + " is not Base64: " + err.Error()}
	}
	return &Signature{Algorithm: algorithm, MAC: sum}, nil
}

// Encoded is the text of [SignatureHeader].
func (s Signature) Encoded() string { return base64.StdEncoding.EncodeToString(s.MAC) }

// Valid reports whether the signature is that of body under key. It takes the same time for any wrong one.
func (s Signature) Valid(key, body []byte) bool {
	right, err := Sign(key, s.Algorithm, body)
	return err == nil && hmac.Equal(right.MAC, s.MAC)
}

// macs are Java's standard HMACs and the sizes in bytes of the keys that Java generates for them. Java does not care for case.
var macs = map[string]struct {
	hash    func() hash.Hash
	keySize int
}{
	"hmacmd5":        {md5.New, 64},
	"hmacsha1":       {sha1.New, 64},
	"hmacsha224":     {sha256.New224, 28},
	"hmacsha256":     {sha256.New, 32},
	"hmacsha384":     {sha512.New384, 48},
	"hmacsha512":     {sha512.New, 64},
	"hmacsha512/224": {sha512.New512_224, 28},
	"hmacsha512/256": {sha512.New512_256, 32},
	"hmacsha3-224":   {func() hash.Hash { return sha3.New224() }, 28},
	"hmacsha3-256":   {func() hash.Hash { return sha3.New256() }, 32},
	"hmacsha3-384":   {func() hash.Hash { return sha3.New384() }, 48},
	"hmacsha3-512":   {func() hash.Hash { return sha3.New512() }, 64},
}

func mac(algorithm string, key []byte) (hash.Hash, error) {
	m, ok := macs[strings.ToLower(algorithm)]
	if !ok {
		return nil, unknownMAC(algorithm)
	}
	return hmac.New(m.hash, key), nil
}

func unknownMAC(algorithm string) error { return invalid("Algorithm %s not available", algorithm) }

// KnownMAC reports whether requests can be signed with an algorithm, by its Java name.
func KnownMAC(algorithm string) bool {
	_, ok := macs[strings.ToLower(algorithm)]
	return ok
}

// KeyPolicy is how requests between workers are signed: the inter.worker.* keys of a worker.
type KeyPolicy struct {
	KeyAlgorithm    string // inter.worker.key.generation.algorithm
	KeyBits         int    // inter.worker.key.size; 0 for the algorithm's own
	LifetimeMillis  int64  // inter.worker.key.ttl.ms; 0 keeps a key for ever
	SignAlgorithm   string // inter.worker.signature.algorithm
	VerifyAlgorithm []string
}

// accepts reports whether an algorithm is among inter.worker.verification.algorithms.
func (p KeyPolicy) accepts(algorithm string) bool {
	return slices.Contains(p.VerifyAlgorithm, algorithm)
}

// size is how many bytes a new key has.
func (p KeyPolicy) size() int {
	if p.KeyBits > 0 {
		return (p.KeyBits + 7) / 8
	}
	return macs[strings.ToLower(p.KeyAlgorithm)].keySize
}

func (p KeyPolicy) newKey() []byte {
	key := make([]byte, p.size())
	_, _ = rand.Read(key) // it never fails
	return key
}
