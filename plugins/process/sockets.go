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

// SocketBase is a folder for temporary files with a short enough name for unix sockets in folders below it, whose own names have so many bytes: the
// system's own, or /tmp.
func SocketBase(below int) string {
	base := os.TempDir()
	if is, err := os.Stat(shortFolder); len(base)+below+socketNames > longestSocket && err == nil && is.IsDir() {
		return shortFolder
	}
	return base
}

// socketBase is the folder in which that of the socket is made.
func socketBase(given string) (string, error) {
	base := given
	if base == "" {
		base = SocketBase(0)
	}
	if len(base)+socketNames > longestSocket {
		return "", fmt.Errorf("the folder %s has too long a name for a unix socket in it (at most %d bytes): set TMPDIR to a shorter one",
			base, longestSocket-socketNames)
	}
	return base, nil
}
