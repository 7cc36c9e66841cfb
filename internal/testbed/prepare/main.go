// Command prepare makes this machine ready for the tests that start real servers.
//
//	prepare                        says what is there and what is missing
//	prepare run -- go test ./...   runs a command with one Kafka, one schema registry and one sluice program shared by all tests
//
// Both install what is missing when root runs them on Debian, and fetch Apache Kafka, a schema registry and its serializers. What stays missing does
// not stop "run": the tests that need it are skipped, or fail when CI=true. A "go test" is run with -json, and shown as
// without it, with a list of all skipped tests and a closing line of counts; when CI=true, skipped tests make it fail.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/sluice-connect/sluice/internal/testbed"
)

// Exit codes of the program itself; that of a command that was run is passed on.
const (
	exitMissing = 1
	exitUsage   = 2
)

// interruptGrace is how long the command may take to end after this program was told to.
const interruptGrace = 20 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := prepare(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

func prepare(ctx context.Context, args []string) int {
	switch {
	case len(args) == 0:
		if !provide(ctx, os.Stdout) {
			return exitMissing
		}
		return 0
	case args[0] == "run" && len(args) > 2 && args[1] == "--":
		provide(ctx, os.Stderr)
		return run(ctx, args[2:])
	default:
		fmt.Fprintln(os.Stderr, "usage: prepare [run -- command [argument ...]]")
		return exitUsage
	}
}

// run sets up what tests share, runs the command, and takes it all down.
func run(ctx context.Context, command []string) int {
	dir, err := os.MkdirTemp("", "sluice-tests-")
	if err != nil {
		complain("creating a directory for the run", err)
		return exitMissing
	}
	defer func() {
		if err := os.RemoveAll(dir); err != nil {
			complain("removing the directory of the run", err)
		}
	}()
	var env []string
	if binary, err := testbed.BuildSluice(ctx, dir); err != nil {
		complain("no shared sluice program", err)
	} else {
		env = append(env, testbed.BinaryEnv+"="+binary)
	}
	servers, stop := startServers(ctx, dir)
	defer stop()
	return execute(ctx, command, append(env, servers...))
}

// startServers starts what the environment does not name yet, side by side, and returns where it is.
func startServers(ctx context.Context, dir string) (env []string, stop func()) {
	var (
		starting sync.WaitGroup
		kafka    *testbed.RunningKafka
		registry *testbed.RunningRegistry
	)
	if os.Getenv(testbed.KafkaEnv) == "" {
		starting.Go(func() {
			var err error
			if kafka, err = testbed.RunKafka(ctx, filepath.Join(dir, "kafka")); err != nil {
				complain("no shared Kafka", err)
			}
		})
	}
	if os.Getenv(testbed.RegistryEnv) == "" {
		starting.Go(func() {
			var err error
			if registry, err = testbed.RunRegistry(ctx, filepath.Join(dir, "registry")); err != nil {
				complain("no shared schema registry", err)
			}
		})
	}
	starting.Wait()
	if kafka != nil {
		env = append(env, testbed.KafkaEnv+"="+kafka.Addr)
	}
	if registry != nil {
		env = append(env, testbed.RegistryEnv+"="+registry.URL)
	}
	return env, func() {
		if kafka != nil {
			if err := kafka.Stop(); err != nil {
				complain("stopping Kafka", err)
			}
		}
		if registry != nil {
			if err := registry.Stop(); err != nil {
				complain("stopping the schema registry", err)
			}
		}
	}
}

// execute runs the command and returns its exit code, or 1 for skipped tests that may not be skipped.
func execute(ctx context.Context, command, env []string) int {
	isGoTest := len(command) > 1 && filepath.Base(command[0]) == "go" && command[1] == "test"
	if isGoTest && !slices.Contains(command, "-json") {
		command = slices.Insert(slices.Clone(command), 2, "-json")
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = interruptGrace
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if !isGoTest {
		return exitCode(cmd.Run())
	}
	report := newReport(os.Stdout, slices.Contains(command, "-v"))
	cmd.Stdout = report
	code := exitCode(cmd.Run())
	report.close()
	if code == 0 && report.skipped > 0 && testbed.CI() {
		fmt.Fprintln(os.Stderr, "prepare: tests were skipped although CI=true")
		code = exitMissing
	}
	return code
}

// exitCode is the command's own; 1 when it could not run or a signal ended it.
func exitCode(err error) int {
	if err == nil {
		return 0
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		return exit.ExitCode()
	}
	complain("running the command", err)
	return exitMissing
}

func complain(what string, err error) {
	fmt.Fprintf(os.Stderr, "prepare: %s: %v\n", what, err)
}
