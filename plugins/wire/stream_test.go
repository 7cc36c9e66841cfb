package wire

import (
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/contract"
)

// peer is a plugin that sends a batch again and again: one for each credit, as often as that has records.
type peer struct {
	contract.UnimplementedPluginServer
	batch *connect.Batch
}

// Source implements contract.PluginServer.
func (p *peer) Source(stream grpc.BidiStreamingServer[contract.ToSource, contract.FromSource]) error {
	var enc SourceEncoder
	for {
		m := new(ToSource)
		if err := stream.RecvMsg(m); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		for range m.Message.GetCredit().GetRecords() {
			for _, out := range enc.Encode(p.batch, nil) {
				if err := stream.SendMsg(out); err != nil {
					return err
				}
			}
		}
	}
}

// dial serves a peer on a unix socket, as plugins are, and returns a stream of its source.
func dial(t testing.TB, p *peer) grpc.ClientStream {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "plugin")
	listener, err := net.Listen("unix", socket)
	require.NoError(t, err)
	const window, buffer = 8 << 20, 128 << 10
	server := grpc.NewServer(grpc.ForceServerCodecV2(Codec()), grpc.InitialWindowSize(window), grpc.InitialConnWindowSize(window), grpc.ReadBufferSize(buffer), grpc.WriteBufferSize(buffer))
	contract.RegisterPluginServer(server, p)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	conn, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.ForceCodecV2(Codec())),
		grpc.WithInitialWindowSize(window), grpc.WithInitialConnWindowSize(window), grpc.WithReadBufferSize(buffer), grpc.WithWriteBufferSize(buffer))
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, conn.Close())
		server.Stop()
		require.NoError(t, <-served)
	})
	stream, err := contract.NewPluginClient(conn).Source(t.Context())
	require.NoError(t, err)
	return stream
}

func credit(batches uint32) *contract.ToSource {
	return &contract.ToSource{Message: &contract.ToSource_Credit{Credit: &contract.Credit{Records: batches}}}
}

func TestBatchesCrossAConnection(t *testing.T) {
	b := newRandom(3).batch()
	for b.Len() < 500 {
		b.Next("topic", nil, connect.At("position", int64(b.Len()))).SetString(strings.Repeat("€", 100))
	}
	stream := dial(t, &peer{batch: b})
	require.NoError(t, stream.SendMsg(credit(20)))
	dec := NewSourceDecoder(new(connect.Partitions).Intern)
	for range 20 {
		var f FromSource
		require.NoError(t, stream.RecvMsg(&f))
		got := connect.NewBatch(1000, 1<<20)
		_, err := dec.Decode(f.Batch, got)
		require.NoError(t, err)
		equalBatches(t, b, got)
	}
	require.NoError(t, stream.CloseSend())
	require.ErrorIs(t, stream.RecvMsg(new(FromSource)), io.EOF)
}

// BenchmarkStream is a batch of 1000 records from one end of a connection to the other, both ends included.
func BenchmarkStream(b *testing.B) {
	for _, size := range []int{100, 256, 1024} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			in, text := connect.NewBatch(benchRecords, 1<<30), strings.Repeat("x", size)
			var parts connect.Partitions
			p := parts.Intern(connect.Strings("filename", "/var/log/messages")...)
			for i := range benchRecords {
				in.Next("lines", p, connect.At("position", int64(1_000_000+i*size))).SetString(text)
			}
			stream := dial(b, &peer{batch: in})
			dec := NewSourceDecoder(new(connect.Partitions).Intern)
			out := connect.NewBatch(benchRecords, 1<<30)
			require.NoError(b, stream.SendMsg(credit(2)))
			b.ReportAllocs()
			since := cpu()
			for b.Loop() {
				var f FromSource
				require.NoError(b, stream.RecvMsg(&f))
				out.Reset()
				if _, err := dec.Decode(f.Batch, out); err != nil {
					b.Fatal(err)
				}
				require.NoError(b, stream.SendMsg(credit(1)))
			}
			perRecord(b, since)
		})
	}
}
