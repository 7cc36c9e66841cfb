package plugins

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/plugins/contract"
	"github.com/sluice-connect/sluice/plugins/wire"
)

// The test's own program is the plugin, with the environment that it is given.
func TestMain(m *testing.M) {
	if os.Getenv("TESTED_PLUGIN") != "" {
		Serve(Of(patient{}))
	}
	os.Exit(m.Run())
}

// patient is a source that has nothing to bring, and notes its end in a file.
type patient struct{}

func (patient) Spec() connect.Spec {
	return connect.NewSpec("test.Patient", "4.5", connect.StringKey("notes", "Where it notes its end.").Must(connect.NonEmpty))
}

func (patient) Open(_ context.Context, rt connect.SourceContext) (connect.SourceTask, error) {
	return waiter{rt.Config()["notes"]}, nil
}

type waiter struct{ notes string }

func (waiter) Poll(ctx context.Context, _ *connect.Batch) error {
	<-ctx.Done()
	return nil
}

func (w waiter) Close(context.Context) error {
	return os.WriteFile(w.notes, []byte("closed"), 0o600)
}

// patience is how long a test waits for what must happen.
const patience = 10 * time.Second

// started is a plugin's process, as a worker has it.
type started struct {
	t      testing.TB
	cmd    *exec.Cmd
	stdin  io.Closer
	client contract.PluginClient
	ended  chan error
}

func program(t testing.TB, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "TESTED_PLUGIN=1", "PLUGIN_UNIX_SOCKET_DIR="+t.TempDir())
	return cmd
}

func start(t testing.TB) *started {
	t.Helper()
	s := &started{t: t, cmd: program(t), ended: make(chan error, 1)}
	s.cmd.Env = append(s.cmd.Env, contract.Cookie+"="+contract.CookieValue)
	s.cmd.Stderr = t.Output()
	stdin, err := s.cmd.StdinPipe()
	require.NoError(t, err)
	s.stdin = stdin
	stdout, err := s.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, s.cmd.Start())
	t.Cleanup(func() { _ = s.cmd.Process.Kill() })
	hello, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	parts := strings.Split(strings.TrimSpace(hello), "|")
	require.GreaterOrEqual(t, len(parts), 5, hello)
	require.Equal(t, []string{"1", "1", "unix"}, parts[:3])
	require.Equal(t, "grpc", parts[4])
	go func() { s.ended <- s.cmd.Wait() }()
	conn, err := grpc.NewClient("unix://"+parts[3], grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(wire.Codec())))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	s.client = contract.NewPluginClient(conn)
	return s
}

// task opens a task; its end is noted in the file.
func (s *started) task() (notes string) {
	s.t.Helper()
	notes = s.t.TempDir() + "/notes"
	stream, err := s.client.Source(context.Background())
	require.NoError(s.t, err)
	open := &contract.OpenTask{Class: "test.Patient", Config: map[string]string{"notes": notes}, Connector: "c"}
	require.NoError(s.t, stream.Send(&contract.ToSource{Message: &contract.ToSource_Open{Open: open}}))
	m, err := stream.Recv()
	require.NoError(s.t, err)
	require.NotNil(s.t, m.GetOpened())
	require.NoError(s.t, stream.Send(&contract.ToSource{Message: &contract.ToSource_Credit{Credit: &contract.Credit{Records: 10, Bytes: 10}}}))
	return notes
}

func (s *started) awaitEnd() error {
	s.t.Helper()
	select {
	case err := <-s.ended:
		return err
	case <-time.After(patience):
		s.t.Fatal("the process has not ended")
		return nil
	}
}

func TestTheProcessEndsWhenItIsToldTo(t *testing.T) {
	for name, tell := range map[string]func(s *started){
		"its standard input ends": func(s *started) { require.NoError(s.t, s.stdin.Close()) },
		"Stop":                    func(s *started) { _, _ = s.client.Stop(context.Background(), &contract.StopRequest{}) },
		"SIGTERM":                 func(s *started) { require.NoError(s.t, s.cmd.Process.Signal(syscall.SIGTERM)) },
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			notes := s.task()
			tell(s)
			require.NoError(t, s.awaitEnd())
			text, err := os.ReadFile(notes)
			require.NoError(t, err, "the task was closed")
			assert.Equal(t, "closed", string(text))
		})
	}
}

func TestStopIsAnsweredBeforeTheEnd(t *testing.T) {
	s := start(t)
	_, err := s.client.Stop(context.Background(), &contract.StopRequest{})
	require.NoError(t, err)
	require.NoError(t, s.awaitEnd())
}

func TestAnInterruptOfTheTerminalIsTheWorkersToAct(t *testing.T) {
	s := start(t)
	require.NoError(t, s.cmd.Process.Signal(os.Interrupt))
	_, err := s.client.Ping(context.Background(), &contract.PingRequest{})
	require.NoError(t, err)
}

func TestAPluginThatIsRunByHandSaysWhatItIs(t *testing.T) {
	cmd := program(t)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	exit := new(exec.ExitError)
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, 1, exit.ExitCode())
	assert.Empty(t, out)
	assert.Contains(t, stderr.String(), "plugins.test 4.5 is a plugin of Sluice. It brings:\n\n  test.Patient (source)\n")
	assert.Contains(t, stderr.String(), "plugin.path")
}

func TestADescriptionIsPrinted(t *testing.T) {
	out, err := program(t, "--manifest").Output()
	require.NoError(t, err)
	d := &contract.Description{}
	require.NoError(t, protojson.Unmarshal(out, d))
	assert.Equal(t, "plugins.test", d.GetName())
	assert.Equal(t, "4.5", d.GetVersion())
	require.Len(t, d.GetClasses(), 1)
	class := d.GetClasses()[0]
	assert.Equal(t, contract.Class_SOURCE, class.GetType())
	assert.Equal(t, "test.Patient", class.GetName())
	assert.True(t, class.GetKeys()[0].GetChecked())
}

func TestAConnectorThatIsNoneIsNamed(t *testing.T) {
	assert.PanicsWithValue(t, "plugins: plugins.described is neither a connect.SourceConnector nor a connect.SinkConnector: check the signature of its Open",
		func() { Of(described{}) })
}

type described struct{}

func (described) Spec() connect.Spec { return connect.Spec{} }
