package manifest

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/testbed"
)

// FuzzManifest reads texts of plugin.json: each is told to be wrong in a way that names the cause, or is written as what is read again.
func FuzzManifest(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte(strings.Replace(whole, `"512MiB"`, `1099511627776`, 1)))
	f.Add([]byte(strings.Replace(whole, `1.5`, `1e300`, 1)))
	f.Add([]byte(strings.Replace(whole, `"500"`, `"9223372036854775808"`, 1)))
	f.Add([]byte(whole[:len(whole)/2]))
	f.Add([]byte(strings.Repeat(`{"classes":[`, 1000)))
	f.Fuzz(func(t *testing.T, text []byte) {
		var m *Manifest
		var err error
		if used := testbed.Allocated(func() { m, err = Parse(text) }); used > 4<<20+1000*uint64(len(text)) {
			t.Fatalf("%d bytes allocated for a text of %d", used, len(text))
		}
		if err != nil {
			var told *Error
			require.True(t, errors.As(err, &told) && told.Cause != "", "%v", err)
			return
		}
		written, err := m.Text()
		require.NoError(t, err)
		again, err := Parse(written)
		require.NoError(t, err, "%s", written)
		same, err := again.Text()
		require.NoError(t, err)
		// protojson puts spaces where it likes, so that nobody relies on them.
		require.Equal(t, bytes.Join(bytes.Fields(written), nil), bytes.Join(bytes.Fields(same), nil))
	})
}
