package certstore_test

import (
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect/certstore"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// damagedJKS are stores, in hexadecimal, whose lengths are wrong in ways that would cost their reader dear. Where there is an entry its alias is "a".
var damagedJKS = map[string]string{
	"nothing but magic":        "feedfeed",
	"entries that are missing": "feedfeed 00000002 ffffffff",
	"4 GiB of certificate":     "feedfeed 00000002 00000001  00000002 0001 61 0000000000000000  0001 58 ffffffff",
	"4 GiB of key":             "feedfeed 00000002 00000001  00000001 0001 61 0000000000000000  ffffffff",
	"4 billion certificates":   "feedfeed 00000002 00000001  00000001 0001 61 0000000000000000  00000000 ffffffff",
	"a key shorter than salt": "feedfeed 00000002 00000001  00000001 0001 61 0000000000000000  00000014 3012 300c 060a 2b060104012a02110101 0402 7879  " +
		"00000000  0000000000000000000000000000000000000000",
}

func fromHex(t testing.TB, digits string) string {
	raw, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	require.NoError(t, err)
	return string(raw)
}

func TestADamagedJKSIsToldAsSuch(t *testing.T) {
	for name, digits := range damagedJKS {
		t.Run(name, func(t *testing.T) {
			store := fromHex(t, digits)
			var err error
			used := testbed.Allocated(func() { _, err = readInline(store) })
			require.ErrorIs(t, err, certstore.ErrContent)
			require.ErrorContains(t, err, "ssl.keystore.key: unusable content: a JKS store that is cut off or damaged")
			require.Less(t, used, uint64(1<<20), "bytes allocated")
		})
	}
}

// readInline reads a store's certificates and keys.
func readInline(store string) (keys int, err error) {
	s := certstore.Store{Inline: certstore.Setting{Key: "ssl.keystore.key", Value: store}, Password: secret()}
	_, poolErr := s.Pool()
	pairs, err := s.Certificates(certstore.Setting{})
	if err == nil {
		err = poolErr
	}
	return len(pairs), err
}

// signed is a store whose digest fits the password.
func signed(body string) string {
	var text []byte
	for _, b := range []byte(password) {
		text = append(text, 0, b)
	}
	sum := sha1.Sum([]byte(string(text) + "Mighty Aphrodite" + body))
	return body + string(sum[:])
}

// FuzzJKS reads stores: with the digest that they have, and with the one that they should have.
func FuzzJKS(f *testing.F) {
	for _, name := range []string{"own.jks", "trust.jks"} {
		raw, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(f, err)
		require.Equal(f, string(raw), signed(string(raw[:len(raw)-sha1.Size])))
		f.Add(raw[4:])
	}
	for _, digits := range damagedJKS {
		f.Add([]byte(fromHex(f, digits)[4:]))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		store := string(binary.BigEndian.AppendUint32(nil, 0xFEEDFEED)) + string(data)
		stores := []string{store}
		if len(data) >= sha1.Size {
			stores = append(stores, signed(store[:len(store)-sha1.Size]))
		}
		used := testbed.Allocated(func() {
			for _, store := range stores {
				if keys, err := readInline(store); err == nil && keys == 0 {
					t.Fatal("neither keys nor an error")
				}
			}
		})
		if used > 4<<20+1000*uint64(len(data)) {
			t.Fatalf("%d bytes allocated for a store of %d", used, len(store))
		}
	})
}
