// Command sluice moves data into and out of Apache Kafka: Kafka Connect written anew, one program.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/sluice-connect/sluice/cmd/sluice/remote"
	"github.com/sluice-connect/sluice/connect/collector"
)

// Set by the linker: see the Makefile.
var (
	version = "dev"
	commit  = "unknown"
)

// kafkaVersion is the Kafka Connect that REST says it is: clients ask before they use what has not always been there.
const kafkaVersion = "4.1.2"

// Exit codes of the commands that run connectors, which scripts may rely on (they are Kafka Connect's). Package remote has its own.
const (
	exitUsage   = 1 // the command line or the configuration is wrong
	exitStartup = 2 // the worker could not be built: a port in use, a refused login, a topic with wrong settings; or its group has no place for it
	exitStart   = 3 // a connector of the command line could not be started
)

// exitError carries the exit code of an error. Without a cause all is said on standard output already.
type exitError struct {
	code  int
	cause error
}

func (e *exitError) Error() string {
	if e.cause == nil {
		return ""
	}
	return e.cause.Error()
}

func (e *exitError) Unwrap() error { return e.cause }

// ExitCode is what the program ends with.
func (e *exitError) ExitCode() int { return e.code }

func main() {
	collector.Tune()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		stop() // from now on a second Ctrl-C kills
	}()
	err := root().ExecuteContext(ctx)
	if err == nil {
		return
	}
	code := exitUsage
	var coded interface{ ExitCode() int }
	if errors.As(err, &coded) {
		code = coded.ExitCode()
	}
	if text := err.Error(); text != "" {
		fmt.Fprintln(os.Stderr, "sluice: "+text)
	}
	os.Exit(code)
}

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sluice",
		Short: "Moves data into and out of Apache Kafka: Kafka Connect in one small program",
		Example: `  sluice dev --demo                                  everything on this machine, with simulated sensors
  sluice worker worker.properties                    a worker against your Kafka
  sluice standalone worker.properties source.json    a worker without a cluster
  sluice apply -f connectors/ --wait                 make a cluster, Java's too, be what manifests say
  sluice describe sensors                            what is wrong with a connector, since when, and what to do`,
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	const groupRun = "run"
	cmd.AddGroup(&cobra.Group{ID: groupRun, Title: "Run connectors:"})
	cmd.AddGroup(remote.Groups()...)
	for _, one := range []*cobra.Command{devCommand(), workerCommand(), standaloneCommand(), migrateCommand(), pluginCommand()} {
		one.GroupID = groupRun
		cmd.AddCommand(one)
	}
	cmd.AddCommand(remote.Commands()...)
	return cmd
}
