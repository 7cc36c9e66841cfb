//go:build linux

package ledger

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins"
	"github.com/sluice-connect/sluice/plugins/contract"
)

// rogue is a plugin without the SDK, which keeps its authors from much: it says on the wire what it likes.
type rogue struct {
	goplugin.NetRPCUnsupportedPlugin
	contract.UnimplementedPluginServer
}

// rogueSource describes the rogue's class; it is opened by nobody.
type rogueSource struct{ mischief }

func (rogueSource) Spec() connect.Spec { return mischiefSpec("org.ledger.Rogue") }

// serveRogue does not return.
func serveRogue() {
	if len(os.Args) == 2 && os.Args[1] == "--manifest" {
		plugins.Serve(plugins.Plugin{Name: "rogue", Version: "1", Sources: []connect.SourceConnector{rogueSource{}}})
	}
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig: goplugin.HandshakeConfig{ProtocolVersion: contract.Version, MagicCookieKey: contract.Cookie, MagicCookieValue: contract.CookieValue},
		Plugins:         goplugin.PluginSet{"sluice": rogue{}},
		GRPCServer:      goplugin.DefaultGRPCServer,
	})
	os.Exit(0)
}

// GRPCServer implements goplugin.GRPCPlugin.
func (r rogue) GRPCServer(_ *goplugin.GRPCBroker, s *grpc.Server) error {
	contract.RegisterPluginServer(s, r)
	return nil
}

// GRPCClient implements goplugin.GRPCPlugin.
func (rogue) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, fmt.Errorf("there is none")
}

// Source implements contract.PluginServer.
func (rogue) Source(s grpc.BidiStreamingServer[contract.ToSource, contract.FromSource]) error {
	first, err := s.Recv()
	if err != nil {
		return err
	}
	config := first.GetOpen().GetConfig()
	if err := s.Send(&contract.FromSource{Message: &contract.FromSource_Opened{Opened: &contract.SourceOpened{}}}); err != nil {
		return err
	}
	switch mischiefKind.Get(config) {
	case "garbage":
		noise := make([]byte, 1000)
		random := rand.New(rand.NewPCG(1, 2))
		for i := range noise {
			noise[i] = byte(random.Uint32())
		}
		m := &contract.FromSource{}
		m.ProtoReflect().SetUnknown(noise) // it goes out as it is
		err = s.Send(m)
	case "overrun":
		batch := &contract.SourceBatch{}
		for range 20_000 { // many times what there is credit for
			batch.Records = append(batch.Records, &contract.SourceRecord{
				Topic: numbersTopic.Get(config), ValueSchema: 8, Value: &contract.Value{Kind: &contract.Value_String_{String_: "more"}},
			})
		}
		raw, err := proto.Marshal(&contract.FromSource{Message: &contract.FromSource_Batch{Batch: batch}})
		if err != nil {
			return err
		}
		m := &contract.FromSource{}
		m.ProtoReflect().SetUnknown(raw) // encoded once: with the race detector it would be slower than the worker
		for {
			if err := s.Send(m); err != nil {
				return err
			}
		}
	case "flood":
		go func() {
			line := bytes.Repeat([]byte(strings.Repeat("noise ", 10)+"\n"), 10)
			for {
				_, _ = os.Stderr.Write(line)
			}
		}()
		for n := 0; err == nil; n++ {
			err = s.Send(noise(n))
		}
	}
	if err != nil {
		return err
	}
	<-s.Context().Done()
	return nil
}

// noise is one message of a flood.
func noise(n int) *contract.FromSource {
	text := strings.Repeat("noise ", 10)
	switch n % 4 {
	case 0:
		return &contract.FromSource{Message: &contract.FromSource_Log{Log: &contract.LogLine{Level: contract.LogLine_INFO, Text: text}}}
	case 1:
		m := &contract.Metrics{}
		for i := range 100 {
			m.Metrics = append(m.Metrics, &contract.Metric{Name: fmt.Sprintf("noise_%d_%d", n, i), Help: text})
		}
		return &contract.FromSource{Message: &contract.FromSource_Metrics{Metrics: m}}
	case 2:
		return &contract.FromSource{Message: &contract.FromSource_Waiting{Waiting: &contract.Waiting{Cause: fmt.Sprint("noise ", n)}}}
	}
	return &contract.FromSource{Message: &contract.FromSource_Batch{Batch: &contract.SourceBatch{}}}
}
