package process

import (
	"fmt"
	"os"
)

const (
	// longestSocket is how long the path of a unix socket may be on every system (104 bytes on macOS, with a zero at its end).
	longestSocket = 103
	// socketNames is what go-plugin adds to a folder: two names of random numbers.
	socketNames = len("/plugin-dir1234567890/plugin1234567890")
	shortFolder = "/tmp"
)

// socketBase is the folder in which that of the socket is made.
func socketBase(given string) (string, error) {
	base := given
	if base == "" {
		base = os.TempDir()
	}
	if len(base)+socketNames <= longestSocket {
		return base, nil
	}
	if _, err := os.Stat(shortFolder); given == "" && err == nil {
		return shortFolder, nil
	}
	return "", fmt.Errorf("the folder %s has too long a name for a unix socket in it (at most %d bytes): set TMPDIR to a shorter one",
		base, longestSocket-socketNames)
}
