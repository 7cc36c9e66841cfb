package testbed

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
)

// Ports are taken between these two. Systems choose the ports of outgoing connections at 32768 and above, so a server that
// is down for a while finds its port free again.
const (
	lowestPort  = 12000
	highestPort = 32767
)

// handedOut are the ports this process has given away; a port is never given twice, its server may be down just now.
var handedOut = struct {
	sync.Mutex
	ports map[int]bool
}{ports: map[int]bool{}}

// FreePort is a loopback TCP port below 32768 on which nothing listens and that no other caller in this process was given.
func FreePort(t testing.TB) int {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func freePort() (int, error) {
	handedOut.Lock()
	defer handedOut.Unlock()
	for range 1000 {
		port := lowestPort + rand.IntN(highestPort-lowestPort+1)
		if handedOut.ports[port] {
			continue
		}
		listener, err := net.Listen("tcp", loopback(port))
		if err != nil {
			continue
		}
		if err := listener.Close(); err != nil {
			return 0, fmt.Errorf("looking for a free port: %w", err)
		}
		handedOut.ports[port] = true
		return port, nil
	}
	return 0, errors.New("looking for a free port: none found between 12000 and 32767")
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
