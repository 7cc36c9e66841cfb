package mqtt

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/testbed"
)

// front stands before a broker and knows where packets begin and end, so that it can do what no broker does when asked.
type front struct {
	addr string
	// client sees each packet of a client before the broker; false closes the connection instead.
	client func(packet []byte) bool
	// server sees each packet of the broker before the client, and may return others.
	server func(packet []byte) []byte
	// delay holds back what the broker sends.
	delay time.Duration

	mu sync.Mutex
}

// start listens; the test's cleanup ends everything.
func (f *front) start(t *testing.T, target string) string {
	t.Helper()
	f.addr = fmt.Sprintf("127.0.0.1:%d", testbed.FreePort(t))
	listener, err := net.Listen("tcp", f.addr)
	require.NoError(t, err)
	var work sync.WaitGroup
	var open []net.Conn
	work.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", target)
			if err != nil {
				client.Close()
				continue
			}
			f.mu.Lock()
			open = append(open, client, server)
			f.mu.Unlock()
			work.Go(func() { f.up(client, server) })
			work.Go(func() { f.down(client, server) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		f.mu.Lock()
		for _, c := range open {
			c.Close()
		}
		f.mu.Unlock()
		work.Wait()
	})
	return f.addr
}

func (f *front) up(client, server net.Conn) {
	in := bufio.NewReader(client)
	for {
		packet, err := readFrame(in)
		if err == io.EOF {
			_ = server.(*net.TCPConn).CloseWrite()
			return
		}
		if err != nil || f.client != nil && !f.client(packet) {
			server.Close()
			client.Close()
			return
		}
		if _, err := server.Write(packet); err != nil {
			return
		}
	}
}

func (f *front) down(client, server net.Conn) {
	defer server.Close()
	defer client.Close()
	type late struct {
		at     time.Time
		packet []byte
	}
	line := make(chan late, 100_000)
	var writer sync.WaitGroup
	writer.Go(func() {
		for l := range line {
			time.Sleep(time.Until(l.at))
			if _, err := client.Write(l.packet); err != nil {
				client.Close()
			}
		}
	})
	defer writer.Wait()
	defer close(line)
	in := bufio.NewReader(server)
	for {
		packet, err := readFrame(in)
		if err != nil {
			return
		}
		if f.server != nil {
			packet = f.server(packet)
		}
		line <- late{time.Now().Add(f.delay), packet}
	}
}

// readFrame reads one packet, header included.
func readFrame(in *bufio.Reader) ([]byte, error) {
	kind, err := in.ReadByte()
	if err != nil {
		return nil, err
	}
	frame, length := []byte{kind}, 0
	for shift := 0; ; shift += 7 {
		b, err := in.ReadByte()
		if err != nil {
			return nil, err
		}
		frame = append(frame, b)
		length |= int(b&0x7f) << shift
		if b < 0x80 {
			break
		}
	}
	head := len(frame)
	frame = append(frame, make([]byte, length)...)
	_, err = io.ReadFull(in, frame[head:])
	return frame, err
}

// level is the protocol level of a CONNECT: 5 for MQTT 5, 4 for 3.1.1.
func level(connect []byte) byte {
	for i := 2; i+6 < len(connect); i++ {
		if string(connect[i:i+4]) == "MQTT" {
			return connect[i+4]
		}
	}
	return 0
}
