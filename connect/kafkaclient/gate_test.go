package kafkaclient

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// gated connects through a gate to a listener and returns both ends.
func gated(t *testing.T, gate *Gate) (*Dialer, net.Conn, net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	s, err := AdminSettings(Properties{"bootstrap.servers": listener.Addr().String(), "send.buffer.bytes": "65536"})
	require.NoError(t, err)
	d := s.Dialer(gate.Shut)
	t.Cleanup(d.Close)
	near, err := d.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	far, err := listener.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { _ = far.Close() })
	return d, near, far
}

// write reports the error of a write that may wait.
func write(c net.Conn) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := c.Write([]byte("x"))
		done <- err
	}()
	return done
}

func TestTimeAtTheGateDoesNotCountAgainstTheDeadlineOfAWrite(t *testing.T) {
	gate := new(Gate)
	_, near, far := gated(t, gate)
	gate.Suspend()
	require.NoError(t, near.SetWriteDeadline(time.Now().Add(50*time.Millisecond)))
	done := write(near)
	pass(100 * time.Millisecond)
	assert.Empty(t, done)
	gate.Resume(time.Time{})
	require.NoError(t, <-done)
	_, err := io.ReadFull(far, make([]byte, 1))
	require.NoError(t, err)
}

func TestWriteAtTheGateEndsWhenItsConnectionOrDialerCloses(t *testing.T) {
	for name, end := range map[string]func(*Dialer, net.Conn){
		"connection": func(_ *Dialer, c net.Conn) { _ = c.Close() },
		"dialer":     func(d *Dialer, _ net.Conn) { d.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			gate := new(Gate)
			d, near, _ := gated(t, gate)
			gate.Suspend()
			done := write(near)
			end(d, near)
			assert.ErrorIs(t, <-done, net.ErrClosed)
		})
	}
}

func TestClosedDialerDialsNoMore(t *testing.T) {
	gate := new(Gate)
	d, near, _ := gated(t, gate)
	d.Close()
	d.Close()
	_, err := d.Dial("tcp", near.RemoteAddr().String())
	assert.ErrorIs(t, err, net.ErrClosed)
}

func TestWritesEndWithTheLeaseAndGoOnWithTheNext(t *testing.T) {
	gate := new(Gate)
	_, near, far := gated(t, gate)
	gate.Resume(time.Now().Add(time.Hour))
	require.NoError(t, <-write(near))
	require.True(t, gate.Extend(time.Now().Add(-time.Millisecond)), "the lease was still good")

	done := write(near)
	pass(50 * time.Millisecond)
	assert.Empty(t, done, "no timer is needed for a lease to end")
	assert.False(t, gate.Extend(time.Now().Add(time.Hour)), "a lease that has run out cannot be prolonged")
	assert.False(t, gate.Open())

	gate.Resume(time.Now().Add(time.Hour))
	require.NoError(t, <-done)
	_, err := io.ReadFull(far, make([]byte, 2))
	require.NoError(t, err)
}
