package plugins

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/sluice-connect/sluice/connect/collector"
	"github.com/sluice-connect/sluice/plugins/contract"
	"github.com/sluice-connect/sluice/plugins/wire"
)

const (
	// window is how much may be under way on a stream without the other side having read it: more than credit ever allows.
	window = 8 << 20
	// maxMessage bounds a message in bytes, in both directions.
	maxMessage = 16 << 20
	// parting is how long tasks have to close when the process must end, lastAnswers how long what was answered has to leave, and reluctance when it
	// ends regardless.
	parting     = 1500 * time.Millisecond
	lastAnswers = 200 * time.Millisecond
	reluctance  = 3 * time.Second
)

// Serve makes the program a plugin and does not return: the process ends when the worker that started it asks for it, or is gone. Started by hand, the
// program says what it is and exits with 1; with --manifest it prints its description as JSON.
func Serve(p Plugin) {
	description := p.described()
	if len(os.Args) == 2 && os.Args[1] == "--manifest" {
		out, err := protojson.MarshalOptions{Multiline: true}.Marshal(description)
		if err != nil {
			fmt.Fprintln(os.Stderr, "the description cannot be written:", err)
			os.Exit(1)
		}
		fmt.Println(string(out))
		os.Exit(0)
	}
	if os.Getenv(contract.Cookie) != contract.CookieValue {
		fmt.Fprint(os.Stderr, describe(description))
		os.Exit(1)
	}
	s := newServer(p, description)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // until the worker closes it, or is gone
		s.end()
	}()
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM)
	go func() {
		<-asked
		s.end()
	}()
	collector.Tune()
	signal.Ignore(os.Interrupt) // that of a terminal is for the worker to act on; go-plugin ignores it only once it has said where it listens
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig: goplugin.HandshakeConfig{ProtocolVersion: contract.Version, MagicCookieKey: contract.Cookie, MagicCookieValue: contract.CookieValue},
		Plugins:         goplugin.PluginSet{"sluice": registration{server: s}},
		GRPCServer:      s.listen(os.Stderr),
		Logger:          hclog.New(&hclog.LoggerOptions{Level: hclog.Error, Output: os.Stderr}),
	})
	os.Exit(0)
}

// registration is go-plugin's way to a service.
type registration struct {
	goplugin.NetRPCUnsupportedPlugin
	server *server
}

// GRPCServer implements goplugin.GRPCPlugin.
func (r registration) GRPCServer(_ *goplugin.GRPCBroker, s *grpc.Server) error {
	contract.RegisterPluginServer(s, r.server)
	return nil
}

// GRPCClient implements goplugin.GRPCPlugin.
func (registration) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, fmt.Errorf("the plugin's side of the contract has no client")
}

// listen makes the gRPC server. What is printed goes to stderr, which the worker logs: go-plugin would keep it from a process that dies right after.
func (s *server) listen(stderr *os.File) func([]grpc.ServerOption) *grpc.Server {
	return func(opts []grpc.ServerOption) *grpc.Server {
		var once sync.Once
		restore := func() { once.Do(func() { os.Stdout, os.Stderr = stderr, stderr }) }
		opts = append(opts,
			grpc.ForceServerCodecV2(wire.Codec()),
			grpc.InitialWindowSize(window), grpc.InitialConnWindowSize(2*window),
			grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage),
			grpc.ReadBufferSize(128<<10), grpc.WriteBufferSize(128<<10),
			grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
				restore()
				return handle(ctx, req)
			}),
			grpc.ChainStreamInterceptor(func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
				restore()
				return handle(srv, stream)
			}),
		)
		s.grpc = grpc.NewServer(opts...)
		return s.grpc
	}
}
