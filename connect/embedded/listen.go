package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
)

// AddrInUseError says that another program listens on the address asked for.
type AddrInUseError struct {
	Host, Port string
	// Hint names the setting that chooses another address, e.g. "--kafka-port"; may be empty.
	Hint string
}

// Error names the address and the way out.
func (e *AddrInUseError) Error() string {
	text := fmt.Sprintf("port %s on %s is in use", e.Port, e.Host)
	if e.Hint != "" {
		text += ": choose another with " + e.Hint
	}
	return text
}

// Is lets errors.Is(err, syscall.EADDRINUSE) hold, as for the error of net.Listen.
func (e *AddrInUseError) Is(target error) bool { return target == syscall.EADDRINUSE }

// listen opens addr (host:port, port 0 for any free one). A taken port is an [AddrInUseError].
func listen(ctx context.Context, addr, hint string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("reading the listen address %q (want host:port): %w", addr, err)
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, &AddrInUseError{Host: host, Port: port, Hint: hint}
	}
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", addr, err)
	}
	return ln, nil
}
