package process

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/sluice-connect/sluice/plugins/contract"
)

// The test's own program is the plugin: by its first argument.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "plugin" {
		behave(os.Args[2])
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// answers is a plugin's server that answers pings, or not.
type answers struct {
	contract.UnimplementedPluginServer
	stubborn bool
	stop     func()
}

func (a *answers) Ping(context.Context, *contract.PingRequest) (*contract.PingAnswer, error) {
	return &contract.PingAnswer{}, nil
}

func (a *answers) Stop(context.Context, *contract.StopRequest) (*contract.StopAnswer, error) {
	if !a.stubborn {
		go a.stop()
	}
	return &contract.StopAnswer{}, nil
}

// printer is a plugin that is served by go-plugin alone.
type printer struct {
	goplugin.NetRPCUnsupportedPlugin
}

func (printer) GRPCServer(_ *goplugin.GRPCBroker, s *grpc.Server) error {
	contract.RegisterPluginServer(s, &answers{stop: s.Stop})
	return nil
}

func (printer) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, nil
}

// eat takes memory without end.
func eat() {
	var kept [][]byte
	for {
		b := make([]byte, 16<<20)
		for i := range b {
			b[i] = 1
		}
		kept = append(kept, b)
		_ = kept
	}
}

// spin takes a processor without end.
func spin() {
	for n := 0; ; n++ {
		_ = n
	}
}

// beget starts a process that is none of the plugin's group.
func beget(how string) {
	child := exec.Command("/proc/self/exe", "plugin", how)
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := child.Start(); err != nil {
		panic(err)
	}
}

func behave(how string) {
	socket := filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), "p.sock")
	hello := "1|1|unix|" + socket + "|grpc"
	forever := func() { time.Sleep(time.Hour) } // until it is killed
	switch how {
	case "garbage":
		fmt.Println("Starting up, please wait ...")
		forever()
	case "long":
		_, _ = os.Stdout.WriteString(strings.Repeat("x", 1<<20))
		forever()
	case "version":
		fmt.Println("1|7|unix|" + socket + "|grpc")
		forever()
	case "elsewhere":
		fmt.Println("1|1|unix|/run/other.sock|grpc")
		forever()
	case "exit":
		fmt.Fprintln(os.Stderr, "cannot find my glasses")
		os.Exit(3)
	case "silent":
		forever()
	case "closed":
		_ = os.Stdout.Close()
		forever()
	case "nobody":
		fmt.Println(hello)
		forever()
	case "eater":
		eat()
	case "idler":
		forever()
	}
	if how == "printer" {
		line := strings.Repeat("all work and no play ", 20)
		time.AfterFunc(50*time.Millisecond, func() { // go-plugin has its output by then
			for {
				fmt.Println(line)
			}
		})
		goplugin.Serve(&goplugin.ServeConfig{
			HandshakeConfig: goplugin.HandshakeConfig{ProtocolVersion: contract.Version, MagicCookieKey: contract.Cookie, MagicCookieValue: contract.CookieValue},
			Plugins:         goplugin.PluginSet{"printer": printer{}}, GRPCServer: goplugin.DefaultGRPCServer,
		})
		os.Exit(0)
	}
	server := grpc.NewServer()
	a := &answers{stubborn: how == "stubborn", stop: server.GracefulStop}
	contract.RegisterPluginServer(server, a)
	listener, err := net.Listen("unix", socket)
	if err != nil {
		panic(err)
	}
	fmt.Println(hello)
	switch how {
	case "family":
		child := exec.Command("/bin/sh", "-c", "sleep 1000 & exec sleep 1000")
		child.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // it leaves the group
		child.Stdout, child.Stderr = os.Stdout, os.Stderr      // and holds what is read
		if err := child.Start(); err != nil {
			panic(err)
		}
	case "environment":
		for _, v := range os.Environ() {
			fmt.Fprintln(os.Stderr, v)
		}
	case "flood":
		go func() {
			line := []byte(strings.Repeat("all work and no play ", 20) + "\n")
			for {
				_, _ = os.Stderr.Write(line)
			}
		}()
	case "panic":
		go func() {
			time.Sleep(50 * time.Millisecond) // it is a plugin that runs for a while
			panic("the disk is on fire")
		}()
	case "memory":
		go eat()
	case "eating offspring":
		beget("eater")
	case "idle offspring":
		beget("idler")
	case "busy":
		runtime.GOMAXPROCS(2) // whatever it was told
		go spin()
	case "devoted", "stubborn":
	default:
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			os.Exit(0)
		}()
	}
	_ = server.Serve(listener)
}
