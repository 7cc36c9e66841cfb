package testbed

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// startEcho answers every byte with itself.
func startEcho(t *testing.T) string {
	listener, err := net.Listen("tcp", loopback(FreePort(t)))
	require.NoError(t, err)
	var work sync.WaitGroup
	t.Cleanup(func() {
		_ = listener.Close()
		work.Wait()
	})
	work.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			work.Go(func() {
				_, _ = io.Copy(conn, conn)
				_ = conn.Close()
			})
		}
	})
	return listener.Addr().String()
}

// caller is a client of the echo.
type caller struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func call(t *testing.T, addr string) *caller {
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return &caller{t: t, conn: conn, in: bufio.NewReader(conn)}
}

func (c *caller) say(line string) {
	_, err := fmt.Fprintln(c.conn, line)
	require.NoError(c.t, err)
}

func (c *caller) hear(within time.Duration) (string, error) {
	require.NoError(c.t, c.conn.SetReadDeadline(time.Now().Add(within)))
	return c.in.ReadString('\n')
}

func TestAProxyPassesDataBothWays(t *testing.T) {
	c := call(t, StartProxy(t, startEcho(t)).Addr())
	c.say("hello")
	line, err := c.hear(10 * time.Second)
	require.NoError(t, err)
	assert.Equal(t, "hello\n", line)
}

func TestAProxyPassesOnThatOneSideHasSaidAll(t *testing.T) {
	c := call(t, StartProxy(t, startEcho(t)).Addr())
	c.say("bye")
	require.NoError(t, c.conn.(*net.TCPConn).CloseWrite())
	require.NoError(t, c.conn.SetReadDeadline(time.Now().Add(10*time.Second)))
	all, err := io.ReadAll(c.in)
	require.NoError(t, err)
	assert.Equal(t, "bye\n", string(all))
}

func TestCutClosesEveryLinkAndWelcomesNewOnes(t *testing.T) {
	p := StartProxy(t, startEcho(t))
	c := call(t, p.Addr())
	c.say("hello")
	_, err := c.hear(10 * time.Second)
	require.NoError(t, err)
	require.Equal(t, 1, p.Links())

	p.Cut()

	assert.Zero(t, p.Links())
	_, err = c.hear(10 * time.Second)
	require.Error(t, err)
	assert.NotErrorIs(t, err, context.DeadlineExceeded)
	again := call(t, p.Addr())
	again.say("again")
	_, err = again.hear(10 * time.Second)
	assert.NoError(t, err)
}

func TestRefuseTurnsNewConnectionsAwayUntilAccept(t *testing.T) {
	p := StartProxy(t, startEcho(t))
	present := call(t, p.Addr())
	present.say("hello")
	_, err := present.hear(10 * time.Second)
	require.NoError(t, err)

	p.Refuse()
	_, err = net.Dial("tcp", p.Addr())
	require.Error(t, err)
	present.say("still here")
	_, err = present.hear(10 * time.Second)
	require.NoError(t, err, "present links stay")

	p.Accept()
	c := call(t, p.Addr())
	c.say("hello")
	_, err = c.hear(10 * time.Second)
	assert.NoError(t, err)
}

func TestAStalledLinkHoldsDataBackUntilItFlows(t *testing.T) {
	p := StartProxy(t, startEcho(t))
	c := call(t, p.Addr())
	p.Stall()
	c.say("late")
	_, err := c.hear(200 * time.Millisecond)
	require.ErrorContains(t, err, "timeout")

	p.Flow()
	line, err := c.hear(10 * time.Second)
	require.NoError(t, err)
	assert.Equal(t, "late\n", line)
}

func TestAStalledLinkCanBeCut(t *testing.T) {
	p := StartProxy(t, startEcho(t))
	c := call(t, p.Addr())
	p.Stall()
	c.say("never")
	p.Cut()
	_, err := c.hear(10 * time.Second)
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "timeout")
}

func TestAProxyWithoutAServerClosesWhatItAccepts(t *testing.T) {
	p := StartProxy(t, loopback(FreePort(t)))
	c := call(t, p.Addr())
	_, err := c.hear(10 * time.Second)
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "timeout")
}
