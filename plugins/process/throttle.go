package process

import (
	"context"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// readPace is how many bytes a second are read of what a process writes. What is more is not read: the process waits, and the worker has its time for others.
const readPace = 512 << 10

// throttle keeps a reader to the pace. It is for one goroutine.
type throttle struct {
	began time.Time // of the second that read counts in
	read  int
}

// spend counts bytes, and waits where they are too many, at most until ctx ends.
func (t *throttle) spend(ctx context.Context, bytes int) {
	if now := time.Now(); now.Sub(t.began) > time.Second {
		t.began, t.read = now, 0
	}
	if t.read += bytes; t.read <= readPace {
		return
	}
	timer := time.NewTimer(time.Until(t.began.Add(time.Second)))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

const (
	// ownServices begins the names of go-plugin's own methods.
	ownServices = "/plugin."
	// messageCost is what a message costs beside its bytes.
	messageCost = 512
)

// throttleOwn keeps go-plugin's own streams to the pace: on one of them comes what a plugin prints that leaves its standard output and error to go-plugin. What
// tasks say has bounds of its own, see plugins/remote.
func throttleOwn(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	stream, err := open(ctx, desc, conn, method, opts...)
	if err != nil || !strings.HasPrefix(method, ownServices) {
		return stream, err
	}
	return &throttled{ClientStream: stream}, nil
}

type throttled struct {
	grpc.ClientStream
	pace throttle
}

// RecvMsg implements grpc.ClientStream.
func (t *throttled) RecvMsg(m any) error {
	err := t.ClientStream.RecvMsg(m)
	if message, ok := m.(proto.Message); ok && err == nil {
		t.pace.spend(t.Context(), messageCost+proto.Size(message))
	}
	return err
}
